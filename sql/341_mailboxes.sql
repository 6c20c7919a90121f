-- Codes by the mailbox that they fill: addresses with a tag are addresses of their own, and one mailbox.

ALTER TABLE user_service.email_codes ADD COLUMN mailbox_hash bytea CHECK (length(mailbox_hash) = 32);
COMMENT ON COLUMN user_service.email_codes.mailbox_hash IS
'Blind index of the address without a tag (kim+tickets@ is kim@); NULL: a version that knows none has sent it';
CREATE INDEX email_codes_mailbox ON user_service.email_codes (mailbox_hash, sent_at);
GRANT INSERT (mailbox_hash) ON user_service.email_codes TO user_service;
