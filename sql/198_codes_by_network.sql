-- Codes by where they were asked for and tried: nobody elsewhere uses up an owner's codes or tries.

ALTER TABLE user_service.email_codes
DROP CONSTRAINT email_codes_attempts_check,
ADD CONSTRAINT email_codes_attempts_check CHECK (attempts BETWEEN 0 AND 20) NOT VALID,
ADD COLUMN network inet,
ADD COLUMN tries jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tries) = 'object');
ALTER TABLE user_service.email_codes VALIDATE CONSTRAINT email_codes_attempts_check;
COMMENT ON COLUMN user_service.email_codes.attempts IS 'Wrong tries; after fifteen it is worth something where it was asked for only';
COMMENT ON COLUMN user_service.email_codes.network IS 'Where it was asked for (/24, /48); NULL: not known';
COMMENT ON COLUMN user_service.email_codes.tries IS 'Wrong tries by network; after five one has no more';
GRANT INSERT (network), UPDATE (tries) ON user_service.email_codes TO user_service;
