-- What people see of their account: sessions, logins, and what they have agreed to.

-- What a refresh token came from, so that a lost answer can be given again; and from where a session was last used.
ALTER TABLE user_service.refresh_tokens
ADD COLUMN replaces uuid,
ADD COLUMN ip inet,
ADD COLUMN user_agent text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 400);
CREATE UNIQUE INDEX refresh_tokens_replaced_once ON user_service.refresh_tokens (replaces) WHERE replaces IS NOT NULL;

COMMENT ON COLUMN user_service.refresh_tokens.replaces IS 'jti of the token exchanged for this one; NULL: given by a login';
COMMENT ON COLUMN user_service.refresh_tokens.ip IS 'Address of whom it was given to; NULL: not known';
COMMENT ON COLUMN user_service.refresh_tokens.user_agent IS 'What that client called itself';

-- Every decision is kept; the latest about a type of terms counts.
ALTER TABLE user_service.terms_agreements
DROP CONSTRAINT terms_agreements_pkey,
ADD PRIMARY KEY (user_id, type, decided_at, version);
COMMENT ON TABLE user_service.terms_agreements IS
'What each user decided about the terms, every time; the latest decision about a type counts';
