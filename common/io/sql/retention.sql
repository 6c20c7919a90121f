-- What is kept for a time only.
-- role: reservation_service

-- name: retention_purge :write
SELECT common.purge($1::integer) AS deleted;
