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

-- ---- reconciliation: seats are compared with the claims that the reservation service has sold ----

CREATE TABLE event_service.seat_looks (
    schedule_id uuid PRIMARY KEY REFERENCES event_service.event_schedules (id),
    began_at timestamptz NOT NULL
);
COMMENT ON TABLE event_service.seat_looks IS 'When the seats of a performance were last compared with their claims';
COMMENT ON COLUMN event_service.seat_looks.schedule_id IS 'Performance';
COMMENT ON COLUMN event_service.seat_looks.began_at IS
'Beginning of the last look; of two that overlap it is the later one that counts';

CREATE TABLE event_service.seat_doubts (
    seat_id uuid PRIMARY KEY REFERENCES event_service.seats (id),
    schedule_id uuid NOT NULL REFERENCES event_service.event_schedules (id),
    sold_by uuid,
    sold_at timestamptz,
    freed_at timestamptz,
    owner uuid,
    owned_since timestamptz,
    seen_at timestamptz NOT NULL,
    CONSTRAINT seat_doubts_owned CHECK ((owner IS NULL) = (owned_since IS NULL)),
    CONSTRAINT seat_doubts_differ CHECK (sold_by IS DISTINCT FROM owner)
);
CREATE INDEX seat_doubts_schedule ON event_service.seat_doubts (schedule_id);
COMMENT ON TABLE event_service.seat_doubts IS
'Seats whose owner here was another than in the reservation service; repaired when a later look finds the same';
COMMENT ON COLUMN event_service.seat_doubts.seat_id IS 'Seat';
COMMENT ON COLUMN event_service.seat_doubts.schedule_id IS 'Its performance';
COMMENT ON COLUMN event_service.seat_doubts.sold_by IS 'As seats had it; NULL: AVAILABLE';
COMMENT ON COLUMN event_service.seat_doubts.sold_at IS 'As seats had it';
COMMENT ON COLUMN event_service.seat_doubts.freed_at IS 'As seats had it';
COMMENT ON COLUMN event_service.seat_doubts.owner IS 'Reservation that had bought it over there; NULL: none';
COMMENT ON COLUMN event_service.seat_doubts.owned_since IS 'When that was confirmed';
COMMENT ON COLUMN event_service.seat_doubts.seen_at IS 'Beginning of the first look that found all this';

GRANT SELECT, INSERT, UPDATE (began_at) ON event_service.seat_looks TO event_service;
GRANT SELECT, INSERT, DELETE, UPDATE (sold_by, sold_at, freed_at, owner, owned_since, seen_at)
ON event_service.seat_doubts TO event_service;
