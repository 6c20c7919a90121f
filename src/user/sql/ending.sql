-- The ends of accounts, by boxoffice-maint (sql/180_ends.sql).
-- role: maintenance

-- name: ending_destroy :write
SELECT destroy_withdrawn($1::integer, $2::integer) AS done;

-- name: ending_take_idle :write
SELECT id, email, idle_since
FROM take_idle($1::integer, $2::timestamptz, $3::uuid, $4::integer);

-- name: ending_told :write
SELECT told_of_sleep($1::uuid) AS done;

-- name: ending_tell_anew :write
SELECT last_at, last_id, done
FROM tell_anew($1::timestamptz, $2::uuid, $3::integer);

-- name: ending_put_off :write
SELECT last_at, last_id, done
FROM put_off_sleep($1::timestamptz, $2::uuid, $3::integer);

-- name: ending_put_to_sleep :write
SELECT user_id, access_jti, access_expires_at
FROM put_to_sleep($1::integer, $2::integer, $3::integer);
