-- Mails by whose turn it is: each kind is found past any number of the others.

CREATE INDEX mails_due_first_code ON user_service.mails (next_try_at)
WHERE status = 'WAITING' AND kind = 'EMAIL_CODE' AND attempts = 0;
CREATE INDEX mails_due_to_owner ON user_service.mails (next_try_at)
WHERE status = 'WAITING' AND kind NOT IN ('EMAIL_CODE', 'DORMANCY_NOTICE') AND attempts = 0;
CREATE INDEX mails_due_again ON user_service.mails (next_try_at)
WHERE status = 'WAITING' AND kind <> 'DORMANCY_NOTICE' AND attempts > 0;
CREATE INDEX mails_due_notice ON user_service.mails (next_try_at) WHERE status = 'WAITING' AND kind = 'DORMANCY_NOTICE';
DROP INDEX user_service.mails_due_owner, user_service.mails_due_code, user_service.mails_due;
