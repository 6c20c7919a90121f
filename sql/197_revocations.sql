-- What a Redis that has lost everything must be told again: ended sessions whose access tokens still live.

CREATE INDEX refresh_tokens_ended_access ON user_service.refresh_tokens (access_expires_at, access_jti)
WHERE revoked_at IS NOT NULL;

CREATE FUNCTION user_service.ended_access(after timestamptz, after_jti uuid, most integer)
RETURNS TABLE (access_jti uuid, access_expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$ended_access$
    SELECT t.access_jti, t.access_expires_at
    FROM user_service.refresh_tokens AS t
    WHERE t.revoked_at IS NOT NULL
          AND (t.access_expires_at, t.access_jti)
              > (greatest(after, statement_timestamp() - interval '1 minute'), after_jti)
    ORDER BY t.access_expires_at, t.access_jti LIMIT most
$ended_access$;
COMMENT ON FUNCTION user_service.ended_access(timestamptz, uuid, integer) IS
'So many access tokens at most of sessions that have ended that would still be good, from the one after this';

REVOKE ALL ON FUNCTION user_service.ended_access(timestamptz, uuid, integer) FROM public;
GRANT EXECUTE ON FUNCTION user_service.ended_access(timestamptz, uuid, integer) TO maintenance;
