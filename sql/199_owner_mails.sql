-- Mails that tell owners what was done to their accounts.

ALTER TABLE user_service.mails
DROP CONSTRAINT mails_kind_check,
ADD CONSTRAINT mails_kind_check CHECK (
    kind IN (
        'EMAIL_CODE', 'NEW_DEVICE', 'DORMANCY_NOTICE', 'PASSWORD_CHANGED', 'SOCIAL_LINKED', 'SOCIAL_UNLINKED', 'WITHDRAWN'
    )
) NOT VALID;
ALTER TABLE user_service.mails VALIDATE CONSTRAINT mails_kind_check;
COMMENT ON COLUMN user_service.mails.kind IS
'EMAIL_CODE, a code to somebody who asks; DORMANCY_NOTICE, an account will sleep; else what was done to an account';
