-- Sessions that have ended just now: whoever ended one may have been killed before Redis was told.

CREATE INDEX refresh_tokens_ended ON user_service.refresh_tokens (revoked_at, access_jti) WHERE revoked_at IS NOT NULL;

CREATE FUNCTION user_service.ended_lately(after timestamptz, after_jti uuid, most integer)
RETURNS TABLE (access_jti uuid, access_expires_at timestamptz, revoked_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$ended_lately$
    SELECT t.access_jti, t.access_expires_at, t.revoked_at
    FROM user_service.refresh_tokens AS t
    WHERE (t.revoked_at, t.access_jti) > (greatest(after, statement_timestamp() - interval '5 minutes'), after_jti)
          AND t.access_expires_at > statement_timestamp() - interval '1 minute'
    ORDER BY t.revoked_at, t.access_jti LIMIT most
$ended_lately$;
COMMENT ON FUNCTION user_service.ended_lately(timestamptz, uuid, integer) IS
'So many access tokens at most of sessions that ended within five minutes that would still be good, from the one after this';

REVOKE ALL ON FUNCTION user_service.ended_lately(timestamptz, uuid, integer) FROM public;
GRANT EXECUTE ON FUNCTION user_service.ended_lately(timestamptz, uuid, integer) TO maintenance;
