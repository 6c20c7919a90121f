-- What is looked at for all who have been told of sleep is looked at once, from one place to the next.

CREATE INDEX users_told_in_order ON user_service.users (dormancy_notice_at, id)
WHERE status = 'ACTIVE' AND dormancy_notice_at > coalesce(last_login_at, created_at);
DROP INDEX user_service.users_told;
CREATE INDEX mails_waiting_notices ON user_service.mails (created_at, id)
WHERE status = 'WAITING' AND kind = 'DORMANCY_NOTICE';

CREATE FUNCTION user_service.tell_anew(after timestamptz, after_id uuid, most integer)
RETURNS TABLE (last_at timestamptz, last_id uuid, done bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$tell_anew$
    WITH told AS MATERIALIZED (
        SELECT u.id, u.dormancy_notice_at AS at
        FROM user_service.users AS u
        WHERE u.status = 'ACTIVE' AND u.dormancy_notice_at > coalesce(u.last_login_at, u.created_at)
              AND (u.dormancy_notice_at, u.id)
                  > (coalesce(after, '-infinity'), coalesce(after_id, '00000000-0000-0000-0000-000000000000'))
        ORDER BY u.dormancy_notice_at, u.id LIMIT most),
    untold AS (
        UPDATE user_service.users
        SET dormancy_notice_at = NULL
        WHERE id IN (SELECT u.id
                     FROM told INNER JOIN user_service.users AS u ON u.id = told.id
                     WHERE u.dormancy_notice_at = told.at AND u.status = 'ACTIVE'
                           AND u.dormancy_notice_at > coalesce(u.last_login_at, u.created_at)
                           AND NOT user_service.was_told(u.id, coalesce(u.last_login_at, u.created_at))
                           AND NOT EXISTS (SELECT FROM user_service.mails AS w
                                           WHERE w.user_id = u.id AND w.kind = 'DORMANCY_NOTICE'
                                                 AND w.status = 'WAITING')
                     FOR UPDATE OF u SKIP LOCKED)
        RETURNING id)
    SELECT told.at, told.id, (SELECT count(*) FROM untold)
    FROM told
    ORDER BY told.at DESC, told.id DESC LIMIT 1
$tell_anew$;
COMMENT ON FUNCTION user_service.tell_anew(timestamptz, uuid, integer) IS
'Of so many who have been told of sleep, from the one after this: who was to be told in a mail that was not sent, and waits no more, has not been told. Returns the last of them and how many; no row: there are no more';

CREATE FUNCTION user_service.put_off_sleep(after timestamptz, after_id uuid, most integer)
RETURNS TABLE (last_at timestamptz, last_id uuid, done bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$put_off$
    WITH waiting AS MATERIALIZED (
        SELECT m.created_at AS at, m.id, m.user_id
        FROM user_service.mails AS m
        WHERE m.status = 'WAITING' AND m.kind = 'DORMANCY_NOTICE'
              AND (m.created_at, m.id)
                  > (coalesce(after, '-infinity'), coalesce(after_id, '00000000-0000-0000-0000-000000000000'))
        ORDER BY m.created_at, m.id LIMIT most),
    unsent AS (
        UPDATE user_service.users
        SET dormancy_notice_at = clock_timestamp()
        WHERE id IN (SELECT u.id
                     FROM waiting INNER JOIN user_service.users AS u ON u.id = waiting.user_id
                     WHERE u.status = 'ACTIVE' AND u.dormancy_notice_at > coalesce(u.last_login_at, u.created_at)
                           AND u.dormancy_notice_at < statement_timestamp() - interval '1 hour'
                     FOR UPDATE OF u SKIP LOCKED)
        RETURNING id)
    SELECT waiting.at, waiting.id, (SELECT count(*) FROM unsent)
    FROM waiting
    ORDER BY waiting.at DESC, waiting.id DESC LIMIT 1
$put_off$;
COMMENT ON FUNCTION user_service.put_off_sleep(timestamptz, uuid, integer) IS
'Of so many notices of sleep that wait to be sent, from the one after this: who has been told in one is told now. Returns the last of them and how many; no row: there are no more';

REVOKE ALL ON FUNCTION user_service.tell_anew(timestamptz, uuid, integer),
user_service.put_off_sleep(timestamptz, uuid, integer) FROM public;
GRANT EXECUTE ON FUNCTION user_service.tell_anew(timestamptz, uuid, integer),
user_service.put_off_sleep(timestamptz, uuid, integer) TO maintenance;

-- A job of the version before, once a night, finds them gone and does nothing until it is replaced.
DROP FUNCTION user_service.tell_anew(integer), user_service.put_off_sleep(integer);
