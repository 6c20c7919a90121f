-- What is kept for a time only.
-- role: maintenance

-- name: retention_purge :write
SELECT common.purge($1::integer) + user_service.purge($1::integer) AS deleted;

-- name: retention_roll :write
SELECT user_service.login_history_roll() AS changed;
