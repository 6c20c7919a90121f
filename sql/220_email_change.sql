-- Another address for an account: the old one is told.
ALTER TABLE user_service.mails
DROP CONSTRAINT mails_kind_check,
ADD CONSTRAINT mails_kind_check
CHECK (
    kind IN (
        'EMAIL_CODE', 'NEW_DEVICE', 'DORMANCY_NOTICE', 'PASSWORD_CHANGED', 'EMAIL_CHANGED', 'SOCIAL_LINKED',
        'SOCIAL_UNLINKED', 'WITHDRAWN'
    )
) NOT VALID;
ALTER TABLE user_service.mails VALIDATE CONSTRAINT mails_kind_check;
