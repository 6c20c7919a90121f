-- What the operator alone may do with accounts.
-- role: user_admin

-- name: user_admin_find :read
SELECT id, email_verified_at IS NOT NULL AS proved
FROM users
WHERE email_hash = $1 AND status <> 'DELETED';

-- name: user_admin_role_set :write
UPDATE users
SET
    role = $2, updated_at = clock_timestamp(),
    demoted_at = CASE WHEN $2 = 'USER' THEN clock_timestamp() END
WHERE id = $1 AND status <> 'DELETED'
RETURNING id;
