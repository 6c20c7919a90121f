-- Mails by whose turn it is: each kind is found past any number of the others.

CREATE INDEX mails_due_to_owner ON user_service.mails (next_try_at)
WHERE status = 'WAITING' AND kind NOT IN ('EMAIL_CODE', 'DORMANCY_NOTICE');
CREATE INDEX mails_due_notice ON user_service.mails (next_try_at) WHERE status = 'WAITING' AND kind = 'DORMANCY_NOTICE';
DROP INDEX user_service.mails_due_owner, user_service.mails_due;
