-- User service: accounts, sessions, consents, logins.
-- Personal data is sealed by the service (AES-256-GCM, bound to its row); *_hash columns are keyed hashes
-- (HMAC-SHA256) of the normalised value, so that rows can be found without being read.

CREATE TABLE user_service.users (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    email bytea,
    email_hash bytea CHECK (length(email_hash) = 32),
    name bytea,
    phone bytea,
    phone_hash bytea CHECK (length(phone_hash) = 32),
    ci bytea,
    ci_hash bytea CHECK (length(ci_hash) = 32),
    di bytea,
    password_hash text CHECK (password_hash ~ '^\$2b\$[01][0-9]\$[./A-Za-z0-9]{53}$'),
    role text NOT NULL DEFAULT 'USER' CHECK (role IN ('USER', 'ADMIN')),
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DORMANT', 'DELETED')),
    locked_until timestamptz,
    last_login_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    CONSTRAINT users_email_taken UNIQUE (email_hash),
    CONSTRAINT users_person_registered UNIQUE (ci_hash),
    CONSTRAINT users_deleted_when CHECK ((status = 'DELETED') = (deleted_at IS NOT NULL)),
    CONSTRAINT users_living_complete CHECK (
        status = 'DELETED'
        OR (email IS NOT NULL AND email_hash IS NOT NULL AND name IS NOT NULL AND phone IS NOT NULL
            AND phone_hash IS NOT NULL AND ci IS NOT NULL AND ci_hash IS NOT NULL))
);
CREATE INDEX users_phone ON user_service.users (phone_hash) WHERE phone_hash IS NOT NULL;
CREATE INDEX users_idle ON user_service.users (COALESCE(last_login_at, created_at)) WHERE status = 'ACTIVE';

COMMENT ON TABLE user_service.users IS 'Accounts: one per person (CI) and e-mail address';
COMMENT ON COLUMN user_service.users.id IS 'User id, the subject of tokens';
COMMENT ON COLUMN user_service.users.email IS 'Sealed e-mail address; NULL once a withdrawn account was cleaned out';
COMMENT ON COLUMN user_service.users.email_hash IS 'Blind index of the lower-case address';
COMMENT ON COLUMN user_service.users.name IS 'Sealed name, as verified';
COMMENT ON COLUMN user_service.users.phone IS 'Sealed phone number, digits only';
COMMENT ON COLUMN user_service.users.phone_hash IS 'Blind index of the phone number';
COMMENT ON COLUMN user_service.users.ci IS 'Sealed connecting information (CI) of the identity verification';
COMMENT ON COLUMN user_service.users.ci_hash IS 'Blind index of the CI: one person, one account';
COMMENT ON COLUMN user_service.users.di IS 'Sealed duplication information (DI); NULL: the agency gave none';
COMMENT ON COLUMN user_service.users.password_hash IS 'bcrypt $2b$; NULL: social login only';
COMMENT ON COLUMN user_service.users.role IS 'USER or ADMIN; given by the operator';
COMMENT ON COLUMN user_service.users.status IS 'ACTIVE; DORMANT after a year without login; DELETED after withdrawal';
COMMENT ON COLUMN user_service.users.locked_until IS 'No login before this time (suspicious logins); NULL: not locked';
COMMENT ON COLUMN user_service.users.last_login_at IS 'Last successful login';
COMMENT ON COLUMN user_service.users.created_at IS 'Sign-up';
COMMENT ON COLUMN user_service.users.updated_at IS 'Last change of profile, password, role or status';
COMMENT ON COLUMN user_service.users.deleted_at IS 'Withdrawal; personal data is destroyed after the retention period';

-- Which changes of status are possible; the trigger refuses all others.
CREATE TABLE user_service.user_transitions (
    from_status text NOT NULL,
    to_status text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
INSERT INTO user_service.user_transitions (from_status, to_status)
VALUES ('ACTIVE', 'DORMANT'), ('DORMANT', 'ACTIVE'), ('ACTIVE', 'DELETED'), ('DORMANT', 'DELETED');

COMMENT ON TABLE user_service.user_transitions IS 'The state machine of users.status';
COMMENT ON COLUMN user_service.user_transitions.from_status IS 'Status before';
COMMENT ON COLUMN user_service.user_transitions.to_status IS 'Status after';

CREATE FUNCTION user_service.users_check_transition() RETURNS trigger
    LANGUAGE plpgsql SET search_path = user_service, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM user_transitions WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'user cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'BX010';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION user_service.users_check_transition() IS 'Enforces user_transitions; raises BX010';

CREATE TRIGGER users_transition BEFORE UPDATE OF status ON user_service.users
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION user_service.users_check_transition();

CREATE TABLE user_service.refresh_tokens (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES user_service.users (id),
    family uuid NOT NULL,
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    access_jti uuid NOT NULL,
    access_expires_at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    rotated_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT refresh_tokens_life CHECK (expires_at > issued_at)
);
CREATE INDEX refresh_tokens_family ON user_service.refresh_tokens (family);
CREATE INDEX refresh_tokens_access ON user_service.refresh_tokens (access_jti);
CREATE INDEX refresh_tokens_user ON user_service.refresh_tokens (user_id);
CREATE INDEX refresh_tokens_expiry ON user_service.refresh_tokens (expires_at);
CREATE UNIQUE INDEX refresh_tokens_one_live ON user_service.refresh_tokens (family)
    WHERE rotated_at IS NULL AND revoked_at IS NULL;

COMMENT ON TABLE user_service.refresh_tokens IS
    'Sessions. A login begins a family; each refresh replaces the family''s one live token';
COMMENT ON COLUMN user_service.refresh_tokens.id IS 'jti of the refresh token';
COMMENT ON COLUMN user_service.refresh_tokens.user_id IS 'Owner';
COMMENT ON COLUMN user_service.refresh_tokens.family IS 'The session: all tokens descended from one login';
COMMENT ON COLUMN user_service.refresh_tokens.token_hash IS 'SHA-256 of the token; the token itself is kept nowhere';
COMMENT ON COLUMN user_service.refresh_tokens.access_jti IS 'jti of the access token issued together with it';
COMMENT ON COLUMN user_service.refresh_tokens.access_expires_at IS 'End of that access token''s life';
COMMENT ON COLUMN user_service.refresh_tokens.issued_at IS 'When';
COMMENT ON COLUMN user_service.refresh_tokens.expires_at IS 'Useless after this';
COMMENT ON COLUMN user_service.refresh_tokens.rotated_at IS 'Exchanged for the next one; seen again, it was stolen';
COMMENT ON COLUMN user_service.refresh_tokens.revoked_at IS 'Ended by logout, reuse, password change or withdrawal';

CREATE TABLE user_service.login_history (
    id uuid NOT NULL DEFAULT uuidv7(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    user_id uuid REFERENCES user_service.users (id),
    method text NOT NULL CHECK (method IN ('PASSWORD', 'KAKAO', 'NAVER', 'GOOGLE')),
    result text NOT NULL CHECK (result IN ('SUCCESS', 'UNKNOWN_EMAIL', 'BAD_PASSWORD', 'LOCKED', 'DORMANT')),
    ip inet,
    user_agent text NOT NULL CHECK (length(user_agent) <= 400),
    PRIMARY KEY (id, created_at),
    CONSTRAINT login_history_user_known CHECK ((user_id IS NULL) = (result = 'UNKNOWN_EMAIL'))
) PARTITION BY RANGE (created_at);
CREATE INDEX login_history_user ON user_service.login_history (user_id, created_at DESC);
CREATE TABLE user_service.login_history_default PARTITION OF user_service.login_history DEFAULT;

COMMENT ON TABLE user_service.login_history IS 'Every login attempt, by month. Kept a year';
COMMENT ON COLUMN user_service.login_history.id IS 'Attempt';
COMMENT ON COLUMN user_service.login_history.created_at IS 'When';
COMMENT ON COLUMN user_service.login_history.user_id IS 'Whose account; NULL: no account has the given e-mail';
COMMENT ON COLUMN user_service.login_history.method IS 'PASSWORD, or the social login''s provider';
COMMENT ON COLUMN user_service.login_history.result IS 'SUCCESS, or why not';
COMMENT ON COLUMN user_service.login_history.ip IS 'Client address; NULL: not known';
COMMENT ON COLUMN user_service.login_history.user_agent IS 'What the client called itself';
COMMENT ON TABLE user_service.login_history_default IS 'Attempts of months that have no partition of their own';

CREATE FUNCTION user_service.login_history_add_month(month date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = user_service, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month);
    partition text := to_char(first, '"login_history_"YYYYMM');
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF login_history FOR VALUES FROM (%L) TO (%L)',
                   partition, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');
    EXECUTE format('COMMENT ON TABLE %I IS %L', partition, to_char(first, '"Attempts of "YYYY-MM'));
    RETURN true;
END
$$;
COMMENT ON FUNCTION user_service.login_history_add_month(date) IS
    'Makes the partition of a month (UTC); false when it exists. Maintenance calls it ahead of time';
REVOKE ALL ON FUNCTION user_service.login_history_add_month(date) FROM PUBLIC;

SELECT user_service.login_history_add_month((date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')
                                             + make_interval(months => ahead))::date)
FROM generate_series(0, 12) AS ahead;

CREATE TABLE user_service.terms (
    type text NOT NULL CHECK (type IN ('SERVICE', 'PRIVACY', 'MARKETING')),
    version integer NOT NULL CHECK (version >= 1),
    required boolean NOT NULL,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    body text NOT NULL CHECK (length(body) >= 1),
    effective_at timestamptz NOT NULL,
    PRIMARY KEY (type, version)
);
COMMENT ON TABLE user_service.terms IS 'Terms by version; the highest version in effect is the one to agree to';
COMMENT ON COLUMN user_service.terms.type IS 'Which terms';
COMMENT ON COLUMN user_service.terms.version IS 'Counts from 1';
COMMENT ON COLUMN user_service.terms.required IS 'Nobody signs up without agreeing to these';
COMMENT ON COLUMN user_service.terms.title IS 'Heading';
COMMENT ON COLUMN user_service.terms.body IS 'Full text';
COMMENT ON COLUMN user_service.terms.effective_at IS 'In effect from';

INSERT INTO user_service.terms (type, version, required, title, body, effective_at)
VALUES
('SERVICE', 1, true, '서비스 이용약관',
'제1조 (목적) 이 약관은 공연 예매 서비스(이하 "서비스")의 이용 조건과 절차, 회사와 회원의 권리와 의무를 정합니다.
제2조 (회원) 회원은 본인 확인을 거쳐 한 사람이 하나의 계정만 가질 수 있으며, 계정과 입장권을 타인에게 양도할 수 없습니다.
제3조 (예매) 좌석은 결제가 완료된 때 확정됩니다. 선점한 좌석은 제한 시간 안에 결제하지 않으면 해제됩니다.
제4조 (취소와 환불) 회원은 공연일 전날까지 예매를 취소할 수 있고, 회사의 사정으로 공연이 취소되면 전액을 환불합니다.
제5조 (금지 행위) 자동화된 수단을 이용한 예매, 부정한 방법의 대기열 우회, 입장권의 웃돈 거래를 금지합니다.',
'2026-01-01 00:00:00+09'),
('PRIVACY', 1, true, '개인정보 수집 및 이용 동의',
'1. 수집 항목: 이메일, 이름, 휴대전화번호, 본인확인기관이 제공하는 연계정보(CI)와 중복가입확인정보(DI), 접속 기록
2. 이용 목적: 회원 식별과 중복 가입 방지, 예매와 결제, 입장 확인, 부정 이용 방지, 고지 사항 전달
3. 보유 기간: 회원 탈퇴 시까지. 다만 법령이 정한 기간 동안 보관해야 하는 기록은 그 기간 동안 보관합니다.
4. 동의를 거부할 권리가 있으나, 거부하면 회원으로 가입할 수 없습니다.',
'2026-01-01 00:00:00+09'),
('MARKETING', 1, false, '마케팅 정보 수신 동의',
'1. 이용 항목: 이메일, 휴대전화번호
2. 이용 목적: 신규 공연 소식, 할인과 행사 안내
3. 보유 기간: 동의 철회 또는 회원 탈퇴 시까지
4. 동의하지 않아도 서비스를 이용할 수 있으며, 언제든지 철회할 수 있습니다.',
'2026-01-01 00:00:00+09');

CREATE TABLE user_service.terms_agreements (
    user_id uuid NOT NULL REFERENCES user_service.users (id),
    type text NOT NULL,
    version integer NOT NULL,
    agreed boolean NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, type, version),
    FOREIGN KEY (type, version) REFERENCES user_service.terms (type, version)
);
COMMENT ON TABLE user_service.terms_agreements IS 'What each user decided about each version of the terms';
COMMENT ON COLUMN user_service.terms_agreements.user_id IS 'Who';
COMMENT ON COLUMN user_service.terms_agreements.type IS 'Which terms';
COMMENT ON COLUMN user_service.terms_agreements.version IS 'Which version of them';
COMMENT ON COLUMN user_service.terms_agreements.agreed IS 'false: declined (optional terms only)';
COMMENT ON COLUMN user_service.terms_agreements.decided_at IS 'When';

CREATE TABLE user_service.oauth_accounts (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES user_service.users (id),
    provider text NOT NULL CHECK (provider IN ('KAKAO', 'NAVER', 'GOOGLE')),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    linked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT oauth_accounts_subject_linked UNIQUE (provider, subject),
    CONSTRAINT oauth_accounts_one_per_provider UNIQUE (user_id, provider)
);
COMMENT ON TABLE user_service.oauth_accounts IS 'Social logins linked to accounts';
COMMENT ON COLUMN user_service.oauth_accounts.id IS 'Link';
COMMENT ON COLUMN user_service.oauth_accounts.user_id IS 'Account it logs in to';
COMMENT ON COLUMN user_service.oauth_accounts.provider IS 'KAKAO, NAVER or GOOGLE';
COMMENT ON COLUMN user_service.oauth_accounts.subject IS 'The provider''s id of the person; never an e-mail address';
COMMENT ON COLUMN user_service.oauth_accounts.linked_at IS 'When';

CREATE TABLE user_service.email_codes (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    email_hash bytea NOT NULL CHECK (length(email_hash) = 32),
    code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 5),
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    verified_at timestamptz,
    CONSTRAINT email_codes_life CHECK (expires_at > sent_at)
);
CREATE INDEX email_codes_latest ON user_service.email_codes (email_hash, sent_at DESC);
CREATE INDEX email_codes_expiry ON user_service.email_codes (expires_at);

COMMENT ON TABLE user_service.email_codes IS 'Six-digit codes sent by mail to prove an address';
COMMENT ON COLUMN user_service.email_codes.id IS 'Code';
COMMENT ON COLUMN user_service.email_codes.email_hash IS 'Blind index of the address';
COMMENT ON COLUMN user_service.email_codes.code_hash IS 'Keyed hash of the code together with the address';
COMMENT ON COLUMN user_service.email_codes.attempts IS 'Wrong tries; five end it';
COMMENT ON COLUMN user_service.email_codes.sent_at IS 'When; the next may be sent 60 s later';
COMMENT ON COLUMN user_service.email_codes.expires_at IS 'Useless after this';
COMMENT ON COLUMN user_service.email_codes.verified_at IS 'When the right code was entered; NULL: not yet';

GRANT SELECT, INSERT, UPDATE ON user_service.users, user_service.refresh_tokens, user_service.email_codes
    TO user_service;
GRANT DELETE ON user_service.refresh_tokens, user_service.email_codes TO user_service;
GRANT SELECT ON user_service.user_transitions, user_service.terms TO user_service;
GRANT SELECT, INSERT ON user_service.terms_agreements, user_service.login_history TO user_service;
GRANT SELECT, INSERT, DELETE ON user_service.oauth_accounts TO user_service;
GRANT EXECUTE ON FUNCTION user_service.login_history_add_month(date) TO user_service;
