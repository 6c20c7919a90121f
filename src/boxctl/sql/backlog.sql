-- Statements of `boxctl outbox`.
-- role: outbox_relay

-- last_error: the one of the oldest message that has any.
-- name: backlog_sum :read
SELECT
    count(*) AS unpublished,
    extract(EPOCH FROM clock_timestamp() - min(created_at))::bigint AS oldest_s,
    sum(attempts) AS attempts,
    (array_agg(last_error ORDER BY id) FILTER (WHERE last_error IS NOT NULL))[1] AS last_error
FROM common.outbox_events
WHERE published_at IS NULL;
