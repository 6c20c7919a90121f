-- What a Redis that has lost everything must be told again: ended sessions whose access tokens still live, and who is
-- an administrator no more.

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

CREATE FUNCTION user_service.changed_users(after uuid, most integer) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$changed_users$
    SELECT u.id
    FROM user_service.users AS u
    WHERE u.id > after AND u.role = 'USER' AND u.updated_at > statement_timestamp() - interval '2 hours'
          AND u.updated_at > u.created_at
    ORDER BY u.id LIMIT most
$changed_users$;
COMMENT ON FUNCTION user_service.changed_users(uuid, integer) IS
'So many at most, from the one after this, who are no administrators and may have been while tokens of then live';

REVOKE ALL ON FUNCTION user_service.ended_access(timestamptz, uuid, integer),
user_service.changed_users(uuid, integer) FROM public;
GRANT EXECUTE ON FUNCTION user_service.ended_access(timestamptz, uuid, integer),
user_service.changed_users(uuid, integer) TO maintenance;
