-- Mails by who waits for them; and notices that mean nothing any more.

CREATE INDEX mails_due_owner ON user_service.mails (next_try_at)
WHERE status = 'WAITING' AND kind <> 'DORMANCY_NOTICE';

COMMENT ON COLUMN user_service.mails.status IS
'WAITING; SENT: a mail server has taken it; FAILED: nobody can be reached there, or tried too often, which a DORMANCY_NOTICE never is; EXPIRED: too late to be of use, or a notice to somebody who has come back or left';

CREATE FUNCTION user_service.will_sleep(person uuid, since timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$will_sleep$
    SELECT EXISTS (SELECT FROM user_service.users AS u
                   WHERE u.id = person AND u.status = 'ACTIVE' AND coalesce(u.last_login_at, u.created_at) < since)
$will_sleep$;
COMMENT ON FUNCTION user_service.will_sleep(uuid, timestamptz) IS
'Whether an account is awake and has not been used since then: a notice of that time that it will sleep is still true';

REVOKE ALL ON FUNCTION user_service.will_sleep(uuid, timestamptz) FROM public;
GRANT EXECUTE ON FUNCTION user_service.will_sleep(uuid, timestamptz) TO mailer;
