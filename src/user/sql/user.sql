-- Statements of the user service: accounts, terms and sessions.
-- role: user_service

-- ---- terms ----

-- The newest version in force of each type, in the order in which people are shown them.
-- name: user_terms_current :read
SELECT type, version, required, title, body
FROM (
    SELECT DISTINCT ON (type) *
    FROM terms
    WHERE effective_at <= clock_timestamp()
    ORDER BY type, version DESC
) AS newest
ORDER BY array_position(ARRAY['SERVICE', 'PRIVACY', 'MARKETING'], type);

-- name: user_agreement_insert :write
INSERT INTO terms_agreements (user_id, type, version, agreed)
VALUES ($1, $2, $3, $4);

-- ---- accounts ----

-- name: user_email_exists :read
SELECT exists(
    SELECT
    FROM users
    WHERE email_hash = $1
) AS taken;

-- name: user_insert :write
INSERT INTO users (id, email, email_hash, name, phone, phone_hash, ci, ci_hash, di, password_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: user_profile :read
SELECT
    u.email, u.name, u.phone, u.role, u.created_at,
    (
        SELECT coalesce(json_agg(o.provider ORDER BY o.provider), '[]')
        FROM oauth_accounts AS o
        WHERE o.user_id = u.id
    ) AS linked_providers
FROM users AS u
WHERE u.id = $1 AND u.status = 'ACTIVE';

-- name: user_role_and_status :read
SELECT role, status
FROM users
WHERE id = $1;

-- ---- login ----

-- name: user_login_find :read
SELECT
    id, password_hash, role, status,
    coalesce(locked_until > clock_timestamp(), FALSE) AS locked
FROM users
WHERE email_hash = $1 AND status <> 'DELETED';

-- name: user_login_record :write
INSERT INTO login_history (user_id, method, result, ip, user_agent)
VALUES ($1, $2, $3, $4, $5);

-- name: user_login_stamp :write
UPDATE users
SET last_login_at = clock_timestamp()
WHERE id = $1;

-- ---- sessions ----

-- name: user_token_insert :write
INSERT INTO refresh_tokens (
    id, user_id, family, token_hash, access_jti, access_expires_at, issued_at, expires_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- Only a live token rotates: of two requests with the same one, the second finds no row.
-- name: user_token_rotate :write
UPDATE refresh_tokens
SET rotated_at = clock_timestamp()
WHERE
    token_hash = $1
    AND rotated_at IS NULL AND revoked_at IS NULL AND expires_at > clock_timestamp()
RETURNING user_id;

-- Why a token did not rotate.
-- name: user_token_find :read
SELECT rotated_at IS NOT NULL AS rotated, revoked_at IS NOT NULL AS revoked
FROM refresh_tokens
WHERE token_hash = $1;

-- The session that an access token belongs to.
-- name: user_family_of_access :read
SELECT family
FROM refresh_tokens
WHERE access_jti = $1 AND user_id = $2;

-- Until the end of the transaction. A family is many rows, and the one that a refresh adds is not there to be locked.
-- name: user_family_lock :write
SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) AS locked;

-- name: user_family_revoke :write
UPDATE refresh_tokens
SET revoked_at = clock_timestamp()
WHERE family = $1 AND revoked_at IS NULL;

-- Its access tokens that are still alive: whoever ends a session blacklists them.
-- name: user_family_access :read
SELECT access_jti, access_expires_at
FROM refresh_tokens
WHERE family = $1 AND access_expires_at > clock_timestamp();
