-- Seats follow reservations in whatever order their events arrive.

ALTER TABLE event_service.seats ADD COLUMN freed_at timestamptz;
COMMENT ON COLUMN event_service.seats.sold_at IS
'When that reservation was confirmed, by its publisher''s clock; an older confirmation changes nothing';
COMMENT ON COLUMN event_service.seats.freed_at IS
'When the last one that is known to have ended was cancelled: what was confirmed before changes nothing; NULL: none has';
GRANT UPDATE (freed_at) ON event_service.seats TO event_service;

-- ---- what was done with dead letters is kept no longer than it is asked for ----

CREATE INDEX dead_letters_done_age ON common.dead_letters_done (done_at);
COMMENT ON TABLE common.dead_letters_done IS
'Dead letters that were replayed or dropped with boxctl dlq. Kept 30 days: Kafka keeps the letters for 7';

CREATE OR REPLACE FUNCTION common.purge(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$purge$
    WITH
    events AS (
        DELETE FROM common.outbox_events
        WHERE id IN (SELECT id FROM common.outbox_events
                     WHERE published_at IS NOT NULL AND published_at < statement_timestamp() - interval '7 days'
                     ORDER BY published_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    processed AS (
        DELETE FROM common.processed_events
        WHERE (event_id, consumer) IN (SELECT event_id, consumer FROM common.processed_events
                                       WHERE processed_at < statement_timestamp() - interval '30 days'
                                       ORDER BY processed_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING event_id),
    letters AS (
        DELETE FROM common.dead_letters_done
        WHERE (topic, record_offset, digest) IN (SELECT topic, record_offset, digest FROM common.dead_letters_done
                                                 WHERE done_at < statement_timestamp() - interval '30 days'
                                                 ORDER BY done_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING record_offset),
    webhooks AS (
        DELETE FROM payment_service.webhook_events
        WHERE webhook_id IN (SELECT webhook_id FROM payment_service.webhook_events
                             WHERE received_at < statement_timestamp() - interval '30 days'
                             ORDER BY received_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING webhook_id),
    payment_keys AS (
        DELETE FROM payment_service.idempotency_keys
        WHERE (user_id, route, key) IN (SELECT user_id, route, key FROM payment_service.idempotency_keys
                                        WHERE created_at < statement_timestamp() - interval '24 hours'
                                        ORDER BY created_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING key),
    reservation_keys AS (
        DELETE FROM reservation_service.idempotency_keys
        WHERE (user_id, route, key) IN (SELECT user_id, route, key FROM reservation_service.idempotency_keys
                                        WHERE created_at < statement_timestamp() - interval '24 hours'
                                        ORDER BY created_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING key)
    SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM processed) + (SELECT count(*) FROM letters)
           + (SELECT count(*) FROM webhooks) + (SELECT count(*) FROM payment_keys)
           + (SELECT count(*) FROM reservation_keys)
$purge$;

COMMENT ON FUNCTION common.purge(integer) IS
    'Deletes what is past its time, at most so many rows of each table: published events after 7 days, processed ones, webhooks and what was done with dead letters after 30, idempotency keys after 24 hours. Returns how many';
