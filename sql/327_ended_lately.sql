-- Sessions that have ended lately, and administrators who are none any more: whoever ended or demoted one may have been killed before Redis was
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

ALTER TABLE user_service.users ADD COLUMN demoted_at timestamptz;
COMMENT ON COLUMN user_service.users.demoted_at IS 'When an operator took the role of an administrator; NULL: never, or it was given again';
CREATE INDEX users_demoted ON user_service.users (demoted_at, id) WHERE demoted_at IS NOT NULL;
GRANT UPDATE (demoted_at) ON user_service.users TO user_admin;

-- An access token lives for a day at most.
CREATE FUNCTION user_service.demoted_lately(after timestamptz, after_id uuid, most integer)
RETURNS TABLE (id uuid, demoted_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$demoted_lately$
    SELECT u.id, u.demoted_at
    FROM user_service.users AS u
    WHERE u.role = 'USER'
          AND (u.demoted_at, u.id) > (greatest(after, statement_timestamp() - interval '1 day 1 minute'), after_id)
    ORDER BY u.demoted_at, u.id LIMIT most
$demoted_lately$;
COMMENT ON FUNCTION user_service.demoted_lately(timestamptz, uuid, integer) IS
'So many at most, from the one after this, who have been administrators within a day and are none now';

REVOKE ALL ON FUNCTION user_service.ended_lately(timestamptz, uuid, integer),
user_service.demoted_lately(timestamptz, uuid, integer) FROM public;
GRANT EXECUTE ON FUNCTION user_service.ended_lately(timestamptz, uuid, integer),
user_service.demoted_lately(timestamptz, uuid, integer) TO maintenance;
