-- What services tell each other: written with the change that it tells, read at most once by each consumer.
-- role: service

-- The id is made by the server at the moment of the insert and not by the program: uuidv7() counts fractions of a
-- millisecond, so events of one key, whose writers wait for each other on the aggregate's row, get ids in the order of
-- their commits. That is the order in which the relay publishes.
-- name: messages_publish :write
WITH new AS MATERIALIZED (SELECT uuidv7() AS id)

INSERT INTO common.outbox_events (id, aggregate_type, aggregate_id, topic, partition_key, event_type, envelope)
SELECT id, $1, $2::uuid, $3, $4, $5, jsonb_build_object('eventId', id) || $6::jsonb
FROM new;

-- name: messages_claim :write
INSERT INTO common.processed_events (event_id, consumer)
VALUES ($1, $2)
ON CONFLICT (event_id, consumer) DO NOTHING;
