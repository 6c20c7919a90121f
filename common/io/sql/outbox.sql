-- The relay's side of the outbox. Every statement reads what it needs from one end of an index, so that a round costs
-- the same with a million rows waiting.
-- role: outbox_relay

-- Ids are given at the insert, by the server's clock. Whoever inserts a second event of an aggregate has waited for the
-- first one's transaction on the row that both change, so the ids of an aggregate are in the order of its commits and
-- none becomes visible after a later one was read. Two aggregates of one key may cross.
--
-- The oldest rows of these shares. stuck: one of its key has been refused and is not through yet. (A scalar question,
-- because an EXISTS may be turned into a join with all that are stuck.)
-- name: outbox_next :read
WITH
oldest AS (
    SELECT waiting.id
    FROM unnest($1::smallint[]) AS share (no),
        LATERAL (
            SELECT event.id
            FROM common.outbox_events AS event
            WHERE event.partition_no = share.no AND event.published_at IS NULL AND event.retry_at IS NULL
            ORDER BY event.id
            LIMIT $2
        ) AS waiting
    ORDER BY waiting.id
    LIMIT $2
)

SELECT
    event.id, event.topic, event.partition_key, event.envelope,
    coalesce((
        SELECT TRUE
        FROM common.outbox_events AS refused
        WHERE
            refused.partition_key = event.partition_key
            AND refused.published_at IS NULL AND refused.retry_at IS NOT NULL
        ORDER BY refused.id
        LIMIT 1
    ), FALSE) AS stuck
FROM oldest
INNER JOIN common.outbox_events AS event ON oldest.id = event.id
ORDER BY event.id;

-- Those whose time to be tried again has come.
-- name: outbox_due :read
WITH
due AS (
    SELECT waiting.id
    FROM unnest($1::smallint[]) AS share (no),
        LATERAL (
            SELECT event.id, event.retry_at
            FROM common.outbox_events AS event
            WHERE
                event.partition_no = share.no AND event.published_at IS NULL
                AND event.retry_at <= statement_timestamp()
            ORDER BY event.retry_at
            LIMIT $2
        ) AS waiting
    ORDER BY waiting.retry_at
    LIMIT $2
)

SELECT
    event.id, event.topic, event.partition_key, event.envelope,
    coalesce((
        SELECT TRUE
        FROM common.outbox_events AS refused
        WHERE
            refused.partition_key = event.partition_key AND refused.id < event.id
            AND refused.published_at IS NULL AND refused.retry_at IS NOT NULL
        ORDER BY refused.id
        LIMIT 1
    ), FALSE) AS stuck
FROM due
INNER JOIN common.outbox_events AS event ON due.id = event.id
ORDER BY event.id;

-- What had waited behind one that is through now is next in its turn.
-- name: outbox_published :write
WITH
published AS (
    UPDATE common.outbox_events
    SET published_at = clock_timestamp(), retry_at = NULL
    WHERE id = any($1::uuid[]) AND published_at IS NULL
    RETURNING id, partition_key, old.retry_at AS retried_at
)

UPDATE common.outbox_events AS behind
SET retry_at = NULL
FROM published
WHERE
    published.retried_at IS NOT NULL AND behind.partition_key = published.partition_key
    AND behind.published_at IS NULL AND behind.retry_at IS NOT NULL
    AND behind.id <> published.id;

-- Ever later, up to a minute.
-- name: outbox_refused :write
UPDATE common.outbox_events
SET
    attempts = attempts + 1, last_error = $2,
    retry_at = clock_timestamp() + least(interval '0.1 s' * power(2, least(attempts, 16)), interval '1 min')
WHERE id = any($1::uuid[]) AND published_at IS NULL;

-- They are next in their turn as soon as the one before them is through, and looked at again if that was not noticed.
-- name: outbox_stuck :write
UPDATE common.outbox_events
SET retry_at = clock_timestamp() + interval '5 min'
WHERE id = any($1::uuid[]) AND published_at IS NULL;

-- name: outbox_oldest :read
SELECT min(waiting.created_at) AS oldest
FROM generate_series(0, 15) AS share (no), LATERAL (
    SELECT event.created_at
    FROM common.outbox_events AS event
    WHERE event.partition_no = share.no AND event.published_at IS NULL
    ORDER BY event.id
    LIMIT 1
) AS waiting;
