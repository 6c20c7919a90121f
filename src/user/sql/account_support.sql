-- What an operator sees of an account, and does for its owner.
-- role: user_service

-- name: account_support_find :read
SELECT
    u.id, u.status, u.role, u.email_verified_at IS NOT NULL AS proved, u.password_hash,
    u.created_at, u.last_login_at, u.locked_until,
    (
        SELECT count(*)
        FROM oauth_accounts AS o
        WHERE o.user_id = u.id
    ) AS links,
    (
        SELECT count(*)
        FROM refresh_tokens AS t
        WHERE
            t.user_id = u.id AND t.rotated_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
    ) AS sessions
FROM users AS u
WHERE u.email_hash = $1 AND u.status <> 'DELETED';

-- For $2 seconds from now; 0: no more.
-- name: account_support_lock :write
UPDATE users
SET locked_until = CASE WHEN $2::bigint > 0 THEN clock_timestamp() + make_interval(secs => $2::bigint) END
WHERE id = $1 AND status <> 'DELETED'
RETURNING locked_until;
