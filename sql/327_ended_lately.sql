-- Sessions that have ended lately, and users who changed: whoever ended or demoted one may have been killed before Redis was
-- told, or Redis may have been away.

CREATE INDEX refresh_tokens_ended ON user_service.refresh_tokens (revoked_at, access_jti) WHERE revoked_at IS NOT NULL;

CREATE FUNCTION user_service.ended_lately(after timestamptz, after_jti uuid, most integer)
RETURNS TABLE (access_jti uuid, access_expires_at timestamptz, revoked_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$ended_lately$
    SELECT t.access_jti, t.access_expires_at, t.revoked_at
    FROM user_service.refresh_tokens AS t
    WHERE (t.revoked_at, t.access_jti) > (greatest(after, statement_timestamp() - interval '1 day'), after_jti)
          AND t.access_expires_at > statement_timestamp() - interval '1 minute'
    ORDER BY t.revoked_at, t.access_jti LIMIT most
$ended_lately$;
COMMENT ON FUNCTION user_service.ended_lately(timestamptz, uuid, integer) IS
'So many access tokens at most of sessions that ended within a day that would still be good, from the one after this';

CREATE INDEX users_changed ON user_service.users (updated_at, id) WHERE role = 'USER' AND updated_at > created_at;

CREATE FUNCTION user_service.changed_lately(after timestamptz, after_id uuid, most integer)
RETURNS TABLE (id uuid, updated_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$changed_lately$
    SELECT u.id, u.updated_at
    FROM user_service.users AS u
    WHERE u.role = 'USER' AND u.updated_at > u.created_at
          AND (u.updated_at, u.id) > (greatest(after, statement_timestamp() - interval '1 day'), after_id)
    ORDER BY u.updated_at, u.id LIMIT most
$changed_lately$;
COMMENT ON FUNCTION user_service.changed_lately(timestamptz, uuid, integer) IS
'So many at most, from the one after this, who were changed within a day and are no administrators';

REVOKE ALL ON FUNCTION user_service.ended_lately(timestamptz, uuid, integer),
user_service.changed_lately(timestamptz, uuid, integer) FROM public;
GRANT EXECUTE ON FUNCTION user_service.ended_lately(timestamptz, uuid, integer),
user_service.changed_lately(timestamptz, uuid, integer) TO maintenance;
