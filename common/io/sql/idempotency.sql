-- One answer per Idempotency-Key; the tables stand in the schema of each service that has such routes.
-- role: reservation_service

-- Whoever has the key's lock, up to the end of the transaction, is the one that runs; 24 hours later a key may be
-- claimed anew.
-- name: idempotency_claim :write
WITH
lock AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended($1::text || $2::text || $3::text, 0)) AS got
),
claimed AS (
    INSERT INTO idempotency_keys AS known (user_id, route, key, fingerprint)
    SELECT $1::uuid, $2, $3, $4::bytea
    FROM lock
    WHERE got
    ON CONFLICT (user_id, route, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, answer = NULL, created_at = clock_timestamp()
        WHERE known.created_at < clock_timestamp() - interval '24 hours'
    RETURNING known.key
)
SELECT lock.got, (SELECT count(*) FROM claimed) = 1 AS first
FROM lock;

-- name: idempotency_get :read
SELECT fingerprint = $4 AS same_request, answer
FROM idempotency_keys
WHERE user_id = $1 AND route = $2 AND key = $3 AND created_at > clock_timestamp() - interval '24 hours';

-- name: idempotency_store :write
UPDATE idempotency_keys
SET answer = $4
WHERE user_id = $1 AND route = $2 AND key = $3;
