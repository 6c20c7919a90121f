-- The ends of accounts: sleep after a year, destruction after a withdrawal; and a role for the jobs that see to them.

-- ---- a role for boxoffice-maint, which may do nothing but call what is made for it ----

DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'maintenance') THEN
        CREATE ROLE maintenance LOGIN NOINHERIT;
        ALTER ROLE maintenance SET search_path = user_service;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO maintenance', current_database());
END
$roles$;
GRANT USAGE ON SCHEMA user_service, common TO maintenance;
GRANT EXECUTE ON FUNCTION common.purge(integer), user_service.purge(integer), user_service.login_history_roll()
TO maintenance;
-- A purge that the old version begins meanwhile fails, and is repeated within the hour.
REVOKE EXECUTE ON FUNCTION common.purge(integer), user_service.purge(integer), user_service.login_history_roll()
FROM reservation_service;
REVOKE USAGE ON SCHEMA user_service FROM reservation_service;

-- ---- sleep ----

ALTER TABLE user_service.users ADD COLUMN dormancy_notice_at timestamptz;
COMMENT ON COLUMN user_service.users.dormancy_notice_at IS
'When its owner was told that the account will sleep, or when that mail was last seen unsent; means nothing after a login';
COMMENT ON COLUMN user_service.users.last_login_at IS
'Last successful login, or the use of a session later than a day after it';
COMMENT ON COLUMN user_service.users.updated_at IS 'Last change of profile, password, role or status, or the destruction';

-- Of those who have not logged in for longest: who has not been told since, and who has.
CREATE INDEX users_untold ON user_service.users (coalesce(last_login_at, created_at))
WHERE status = 'ACTIVE' AND coalesce(dormancy_notice_at <= coalesce(last_login_at, created_at), true);
CREATE INDEX users_told ON user_service.users (dormancy_notice_at)
WHERE status = 'ACTIVE' AND dormancy_notice_at > coalesce(last_login_at, created_at);
DROP INDEX user_service.users_idle;

CREATE FUNCTION user_service.take_idle(idle_days integer) RETURNS TABLE (id uuid, email bytea, idle_since timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$take$
    UPDATE user_service.users AS u
    SET dormancy_notice_at = clock_timestamp()
    WHERE u.id = (SELECT o.id FROM user_service.users AS o
                  WHERE o.status = 'ACTIVE'
                        AND coalesce(o.dormancy_notice_at <= coalesce(o.last_login_at, o.created_at), true)
                        AND coalesce(o.last_login_at, o.created_at)
                            < statement_timestamp() - make_interval(days => greatest(idle_days, 30))
                  ORDER BY coalesce(o.last_login_at, o.created_at) LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING u.id, u.email, coalesce(u.last_login_at, u.created_at)
$take$;
COMMENT ON FUNCTION user_service.take_idle(integer) IS
'Takes one account without a login for so many days (30 at least) whose owner has not been told since: the caller tells them in the same transaction';

CREATE FUNCTION user_service.put_off_sleep(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$put_off$
    WITH unsent AS (
        UPDATE user_service.users
        SET dormancy_notice_at = clock_timestamp()
        WHERE id IN (SELECT u.id
                     FROM user_service.mails AS m
                     INNER JOIN user_service.users AS u ON u.id = m.user_id
                     WHERE m.status = 'WAITING' AND m.kind = 'DORMANCY_NOTICE' AND u.status = 'ACTIVE'
                           AND u.dormancy_notice_at > coalesce(u.last_login_at, u.created_at)
                           AND u.dormancy_notice_at < statement_timestamp() - interval '1 hour'
                     LIMIT most FOR UPDATE OF u SKIP LOCKED)
        RETURNING id)
    SELECT count(*) FROM unsent
$put_off$;
COMMENT ON FUNCTION user_service.put_off_sleep(integer) IS
'Who has been told in a mail that waits to be sent is told now. So many at most; returns how many';

CREATE FUNCTION user_service.put_to_sleep(idle_days integer, told_days integer, most integer)
RETURNS TABLE (user_id uuid, access_jti uuid, access_expires_at timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$sleep$
    WITH asleep AS (
        UPDATE user_service.users
        SET status = 'DORMANT', updated_at = clock_timestamp()
        WHERE id IN (SELECT u.id FROM user_service.users AS u
                     WHERE u.status = 'ACTIVE' AND u.dormancy_notice_at > coalesce(u.last_login_at, u.created_at)
                           AND u.dormancy_notice_at
                               < statement_timestamp() - make_interval(days => greatest(told_days, 1))
                           AND coalesce(u.last_login_at, u.created_at)
                               < statement_timestamp() - make_interval(days => greatest(idle_days, 30))
                           AND NOT EXISTS (SELECT FROM user_service.mails AS m
                                           WHERE m.user_id = u.id AND m.kind = 'DORMANCY_NOTICE' AND m.status = 'WAITING')
                     ORDER BY u.dormancy_notice_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    ended AS (
        UPDATE user_service.refresh_tokens
        SET revoked_at = clock_timestamp()
        WHERE refresh_tokens.user_id IN (SELECT id FROM asleep) AND revoked_at IS NULL
        RETURNING refresh_tokens.user_id, refresh_tokens.access_jti, refresh_tokens.access_expires_at)
    SELECT asleep.id, ended.access_jti, ended.access_expires_at
    FROM asleep LEFT JOIN ended ON ended.user_id = asleep.id
    ORDER BY asleep.id
$sleep$;
COMMENT ON FUNCTION user_service.put_to_sleep(integer, integer, integer) IS
'Puts so many accounts at most to sleep that had no login for so many days (30 at least) and whose owners were told so many days ago, and ends their sessions. Returns each with the access tokens of these, or with NULL';

-- ---- destruction ----

CREATE INDEX users_undestroyed ON user_service.users (deleted_at)
WHERE
    status = 'DELETED'
    AND num_nonnulls(email, email_hash, name, phone, phone_hash, ci, ci_hash, di, password_hash) > 0;

CREATE FUNCTION user_service.destroy_withdrawn(kept_days integer, most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$destroy$
    WITH destroyed AS (
        UPDATE user_service.users
        SET email = NULL, email_hash = NULL, name = NULL, phone = NULL, phone_hash = NULL, ci = NULL, ci_hash = NULL,
            di = NULL, password_hash = NULL, updated_at = clock_timestamp()
        WHERE id IN (SELECT id FROM user_service.users
                     WHERE status = 'DELETED'
                           AND num_nonnulls(email, email_hash, name, phone, phone_hash, ci, ci_hash, di, password_hash) > 0
                           AND deleted_at < statement_timestamp() - make_interval(days => greatest(kept_days, 1))
                     ORDER BY deleted_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    links AS (
        DELETE FROM user_service.oauth_accounts WHERE user_id IN (SELECT id FROM destroyed)),
    tokens AS (
        DELETE FROM user_service.refresh_tokens WHERE user_id IN (SELECT id FROM destroyed)),
    mails AS (
        DELETE FROM user_service.mails WHERE user_id IN (SELECT id FROM destroyed)),
    logins AS (
        UPDATE user_service.login_history
        SET ip = NULL, user_agent = ''
        WHERE user_id IN (SELECT id FROM destroyed) AND (ip IS NOT NULL OR user_agent <> ''))
    SELECT count(*) FROM destroyed
$destroy$;
COMMENT ON FUNCTION user_service.destroy_withdrawn(integer, integer) IS
'Destroys what is known of so many people at most who withdrew so many days ago (1 at least). What they agreed to, and that and when they logged in, stays without them. Returns how many';

REVOKE ALL ON FUNCTION user_service.take_idle(integer), user_service.put_off_sleep(integer),
user_service.put_to_sleep(integer, integer, integer), user_service.destroy_withdrawn(integer, integer) FROM public;
GRANT EXECUTE ON FUNCTION user_service.take_idle(integer), user_service.put_off_sleep(integer),
user_service.put_to_sleep(integer, integer, integer), user_service.destroy_withdrawn(integer, integer) TO maintenance;
GRANT INSERT (id, kind, user_id, recipient, content, language, expires_at) ON user_service.mails TO maintenance;
