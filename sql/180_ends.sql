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

CREATE FUNCTION user_service.take_idle(idle_days integer, after timestamptz, after_id uuid, most integer)
RETURNS TABLE (id uuid, email bytea, idle_since timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$take$
    SELECT o.id, o.email, coalesce(o.last_login_at, o.created_at)
    FROM user_service.users AS o
    WHERE o.status = 'ACTIVE' AND coalesce(o.dormancy_notice_at <= coalesce(o.last_login_at, o.created_at), true)
          AND coalesce(o.last_login_at, o.created_at)
              < statement_timestamp() - make_interval(days => greatest(idle_days, 30))
          AND (after IS NULL OR coalesce(o.last_login_at, o.created_at) >= after)
          AND (after IS NULL OR (coalesce(o.last_login_at, o.created_at), o.id) > (after, after_id))
    ORDER BY coalesce(o.last_login_at, o.created_at), o.id LIMIT most FOR UPDATE SKIP LOCKED
$take$;
COMMENT ON FUNCTION user_service.take_idle(integer, timestamptz, uuid, integer) IS
'Locks so many accounts at most without a login for so many days (30 at least) whose owners have not been told since, those idle for longest first, from the one after this: the caller tells them in the same transaction';

CREATE FUNCTION user_service.told_of_sleep(told uuid) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$told$
    WITH marked AS (
        UPDATE user_service.users AS u
        SET dormancy_notice_at = clock_timestamp()
        WHERE u.id = told AND u.status = 'ACTIVE'
              AND coalesce(u.last_login_at, u.created_at) < statement_timestamp() - interval '30 days'
        RETURNING u.id)
    SELECT count(*) FROM marked
$told$;
COMMENT ON FUNCTION user_service.told_of_sleep(uuid) IS
'Marks the owner of an account as told, in the transaction that writes the mail';

-- FAILED with such a word: its server says that nobody can be reached there.
CREATE FUNCTION user_service.was_told(person uuid, since timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = '' AS
$was_told$
    SELECT EXISTS (SELECT FROM user_service.mails AS m
                   WHERE m.user_id = person AND m.kind = 'DORMANCY_NOTICE' AND m.created_at > since
                         AND (m.status = 'SENT' OR (m.status = 'FAILED' AND m.last_error ~ '^(SMTP_5|MALFORMED)')))
$was_told$;
COMMENT ON FUNCTION user_service.was_told(uuid, timestamptz) IS
'Whether a notice that the account will sleep was sent, or cannot reach anybody, since then';

CREATE FUNCTION user_service.tell_anew(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$tell_anew$
    WITH untold AS (
        UPDATE user_service.users
        SET dormancy_notice_at = NULL
        WHERE id IN (SELECT u.id FROM user_service.users AS u
                     WHERE u.dormancy_notice_at > coalesce(u.last_login_at, u.created_at) AND u.status = 'ACTIVE'
                           AND NOT user_service.was_told(u.id, coalesce(u.last_login_at, u.created_at))
                           AND NOT EXISTS (SELECT FROM user_service.mails AS w
                                           WHERE w.user_id = u.id AND w.kind = 'DORMANCY_NOTICE'
                                                 AND w.status = 'WAITING')
                     ORDER BY u.dormancy_notice_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id)
    SELECT count(*) FROM untold
$tell_anew$;
COMMENT ON FUNCTION user_service.tell_anew(integer) IS
'Who was to be told in a mail that was not sent, and waits no more, has not been told. So many at most; returns how many';

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
                           AND user_service.was_told(u.id, coalesce(u.last_login_at, u.created_at))
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
'Puts so many accounts at most to sleep that had no login for so many days (30 at least) and whose owners were told so many days ago in a mail that was sent, and ends their sessions. Returns each with the access tokens of these, or with NULL';

-- ---- what tells that somebody was told outlives what asks for it: 61 days at most ----

DROP INDEX user_service.mails_ended;
CREATE INDEX mails_ended ON user_service.mails (ended_at) WHERE ended_at IS NOT NULL AND kind <> 'DORMANCY_NOTICE';
CREATE INDEX mails_notice_ended ON user_service.mails (ended_at)
WHERE ended_at IS NOT NULL AND kind = 'DORMANCY_NOTICE';
COMMENT ON TABLE user_service.mails IS
'Mails, written in the transaction of what they tell; the mailer sends them. Kept 7 days after their end, notices of sleep 100';
COMMENT ON COLUMN user_service.mails.status IS
'WAITING; SENT: a mail server has taken it; FAILED: nobody can be reached there, or tried too often, which a DORMANCY_NOTICE never is; EXPIRED: too late to be of use';

CREATE OR REPLACE FUNCTION user_service.purge(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$purge$
    WITH tokens AS (
        DELETE FROM user_service.refresh_tokens
        WHERE id IN (SELECT id FROM user_service.refresh_tokens
                     WHERE expires_at < statement_timestamp() - interval '1 day'
                     ORDER BY expires_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    uses AS (
        DELETE FROM user_service.identity_uses
        WHERE verification IN (SELECT verification FROM user_service.identity_uses
                               WHERE used_at < statement_timestamp() - interval '2 days'
                               ORDER BY used_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING verification),
    logins AS (
        DELETE FROM user_service.login_history_default
        WHERE id IN (SELECT id FROM user_service.login_history_default
                     WHERE created_at < statement_timestamp() - interval '1 year'
                     ORDER BY created_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    codes AS (
        DELETE FROM user_service.email_codes
        WHERE id IN (SELECT id FROM user_service.email_codes
                     WHERE sent_at < statement_timestamp() - interval '2 days'
                     ORDER BY sent_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    mails AS (
        DELETE FROM user_service.mails
        WHERE id IN (SELECT id FROM user_service.mails
                     WHERE kind <> 'DORMANCY_NOTICE'
                           AND ended_at < statement_timestamp() - interval '7 days'
                     ORDER BY ended_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    notices AS (
        DELETE FROM user_service.mails
        WHERE id IN (SELECT id FROM user_service.mails
                     WHERE kind = 'DORMANCY_NOTICE' AND ended_at < statement_timestamp() - interval '100 days'
                     ORDER BY ended_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id)
    SELECT (SELECT count(*) FROM tokens) + (SELECT count(*) FROM uses) + (SELECT count(*) FROM logins)
           + (SELECT count(*) FROM codes) + (SELECT count(*) FROM mails)
           + (SELECT count(*) FROM notices)
$purge$;
COMMENT ON FUNCTION user_service.purge(integer) IS
'Deletes refresh tokens a day after their end, used verifications and codes after two, mails after seven, notices of sleep after a hundred, logins of no month after a year, at most so many of each. Returns how many';

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

REVOKE ALL ON FUNCTION user_service.take_idle(integer, timestamptz, uuid, integer),
user_service.told_of_sleep(uuid), user_service.was_told(uuid, timestamptz), user_service.tell_anew(integer),
user_service.put_off_sleep(integer),
user_service.put_to_sleep(integer, integer, integer), user_service.destroy_withdrawn(integer, integer) FROM public;
GRANT EXECUTE ON FUNCTION user_service.take_idle(integer, timestamptz, uuid, integer),
user_service.told_of_sleep(uuid), user_service.tell_anew(integer), user_service.put_off_sleep(integer),
user_service.put_to_sleep(integer, integer, integer), user_service.destroy_withdrawn(integer, integer) TO maintenance;
GRANT INSERT (id, kind, user_id, recipient, content, language, expires_at) ON user_service.mails TO maintenance;
