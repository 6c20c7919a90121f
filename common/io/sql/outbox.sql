-- The relay's side of the outbox.
-- role: outbox_relay

-- Ids are given at the insert, by the server's clock. Whoever inserts a second event of a key has waited for the first
-- one's transaction on the row that both change, so the ids of a key are in the order of its commits and none becomes
-- visible after a later one was read.
--
-- The next rows are the oldest of the keys of which none has been refused, then, if asked for, those that have been
-- refused: however many they are, they do not keep the others waiting.
-- name: outbox_next :read
SELECT id, topic, partition_key, envelope, attempts
FROM common.outbox_events
WHERE
    published_at IS NULL AND partition_no = any($1::smallint[])
    AND CASE
        WHEN attempts > 0 THEN $2::boolean
        ELSE partition_key NOT IN (
            SELECT refused.partition_key
            FROM common.outbox_events AS refused
            WHERE refused.published_at IS NULL AND refused.attempts > 0
        )
    END
ORDER BY attempts > 0, id
LIMIT $3;

-- name: outbox_published :write
UPDATE common.outbox_events
SET published_at = clock_timestamp()
WHERE id = any($1::uuid[]) AND published_at IS NULL;

-- name: outbox_failed :write
UPDATE common.outbox_events
SET attempts = attempts + 1, last_error = $2
WHERE id = any($1::uuid[]) AND published_at IS NULL;

-- name: outbox_oldest :read
SELECT min(created_at) AS oldest
FROM common.outbox_events
WHERE published_at IS NULL;
