-- Mail: what is to be sent, by a daemon with a role of its own; and addresses that are proved by a code.

DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mailer') THEN
        CREATE ROLE mailer LOGIN NOINHERIT;
        ALTER ROLE mailer SET search_path = user_service;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO mailer', current_database());
END
$roles$;

CREATE TABLE user_service.mails (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('EMAIL_CODE', 'NEW_DEVICE', 'DORMANCY_NOTICE')),
    user_id uuid REFERENCES user_service.users (id),
    recipient bytea,
    content bytea,
    language text NOT NULL CHECK (language IN ('ko', 'en')),
    status text NOT NULL DEFAULT 'WAITING' CHECK (status IN ('WAITING', 'SENT', 'FAILED', 'EXPIRED')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error text CHECK (last_error ~ '^[A-Z0-9_]{1,40}$'),
    ended_at timestamptz,
    CONSTRAINT mails_life CHECK (expires_at > created_at),
    CONSTRAINT mails_ended_when CHECK ((status = 'WAITING') = (ended_at IS NULL)),
    CONSTRAINT mails_content_until CHECK (
        CASE status WHEN 'WAITING' THEN recipient IS NOT NULL AND content IS NOT NULL
                    ELSE recipient IS NULL AND content IS NULL END)
);
CREATE INDEX mails_due ON user_service.mails (next_try_at) WHERE status = 'WAITING';
CREATE INDEX mails_due_code ON user_service.mails (next_try_at) WHERE status = 'WAITING' AND kind = 'EMAIL_CODE';
CREATE INDEX mails_waiting ON user_service.mails (created_at) WHERE status = 'WAITING';
CREATE INDEX mails_expiry ON user_service.mails (expires_at) WHERE status = 'WAITING';
CREATE INDEX mails_ended ON user_service.mails (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX mails_user ON user_service.mails (user_id, created_at) WHERE user_id IS NOT NULL;

COMMENT ON TABLE user_service.mails IS
'Mails, written in the transaction of what they tell; the mailer sends them. Kept 7 days after their end';
COMMENT ON COLUMN user_service.mails.id IS 'Mail; also its Message-ID, so that one sent twice can be told';
COMMENT ON COLUMN user_service.mails.kind IS 'EMAIL_CODE, NEW_DEVICE or DORMANCY_NOTICE';
COMMENT ON COLUMN user_service.mails.user_id IS 'Whose account it is about; NULL: about an address, which need not have one';
COMMENT ON COLUMN user_service.mails.recipient IS 'Sealed address; destroyed with the end';
COMMENT ON COLUMN user_service.mails.content IS 'Sealed values that the words of the kind are filled with; destroyed with the end';
COMMENT ON COLUMN user_service.mails.language IS 'ko or en';
COMMENT ON COLUMN user_service.mails.status IS
'WAITING; SENT: a mail server has taken it; FAILED: refused for good, or tried too often; EXPIRED: too late to be of use';
COMMENT ON COLUMN user_service.mails.created_at IS 'When it was written';
COMMENT ON COLUMN user_service.mails.expires_at IS 'Not sent after this';
COMMENT ON COLUMN user_service.mails.next_try_at IS 'Not sent before this; moved ahead by whoever is sending it, as far as that can take';
COMMENT ON COLUMN user_service.mails.attempts IS 'How often it was taken to be sent; who has taken it since is told by it';
COMMENT ON COLUMN user_service.mails.last_error IS 'Why the last try failed, in a word of ours: never what the server said';
COMMENT ON COLUMN user_service.mails.ended_at IS 'When it left WAITING';

GRANT INSERT (id, kind, user_id, recipient, content, language, expires_at) ON user_service.mails TO user_service;
GRANT USAGE ON SCHEMA user_service TO mailer;
GRANT SELECT, UPDATE (recipient, content, status, next_try_at, attempts, last_error, ended_at)
ON user_service.mails TO mailer;

-- ---- addresses proved by a code ----

ALTER TABLE user_service.users ADD COLUMN email_verified_at timestamptz;
COMMENT ON COLUMN user_service.users.email_verified_at IS 'When a code sent to the address was entered; NULL: never';
GRANT UPDATE (email_verified_at) ON user_service.users TO user_service;
GRANT SELECT (email_verified_at) ON user_service.users TO user_admin;

ALTER TABLE user_service.email_codes
ADD COLUMN token_hash bytea CHECK (length(token_hash) = 32),
ADD COLUMN used_at timestamptz,
ADD CONSTRAINT email_codes_token_when CHECK ((token_hash IS NULL) = (verified_at IS NULL)) NOT VALID,
ADD CONSTRAINT email_codes_used_when CHECK (used_at IS NULL OR token_hash IS NOT NULL) NOT VALID;
CREATE UNIQUE INDEX email_codes_token ON user_service.email_codes (token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX email_codes_age ON user_service.email_codes (sent_at);
COMMENT ON TABLE user_service.email_codes IS 'Six-digit codes sent by mail to prove an address. Kept two days';
COMMENT ON COLUMN user_service.email_codes.attempts IS 'Tries; after five the code is worth nothing';
COMMENT ON COLUMN user_service.email_codes.token_hash IS
'SHA-256 of the token that the right code was exchanged for; the token itself is kept nowhere';
COMMENT ON COLUMN user_service.email_codes.used_at IS 'When an account was made with the token; NULL: not yet';
REVOKE UPDATE, INSERT, DELETE ON user_service.email_codes FROM user_service;
GRANT INSERT (id, email_hash, code_hash, expires_at), UPDATE (attempts, verified_at, token_hash, used_at)
ON user_service.email_codes TO user_service;
