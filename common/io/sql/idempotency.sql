-- One answer per Idempotency-Key; the tables stand in the schema of each service that has such routes.
-- role: reservation_service

-- The claim waits for another transaction that has claimed the same key; 24 hours later a key may be claimed anew.
-- name: idempotency_claim :write
INSERT INTO idempotency_keys AS known (user_id, route, key, fingerprint)
VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, route, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, answer = NULL, created_at = clock_timestamp()
    WHERE known.created_at < clock_timestamp() - interval '24 hours';

-- name: idempotency_get :read
SELECT fingerprint = $4 AS same_request, answer
FROM idempotency_keys
WHERE user_id = $1 AND route = $2 AND key = $3 AND created_at > clock_timestamp() - interval '24 hours';

-- name: idempotency_store :write
UPDATE idempotency_keys
SET answer = $4
WHERE user_id = $1 AND route = $2 AND key = $3;
