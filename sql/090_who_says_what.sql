-- A service says only its own words, and reads only as its own consumers.

CREATE TABLE common.event_types (
    event_type text NOT NULL,
    topic text NOT NULL,
    aggregate_type text NOT NULL,
    publisher name NOT NULL,
    PRIMARY KEY (event_type, topic)
);
COMMENT ON TABLE common.event_types IS 'Which messages there are, and who alone may write them into the outbox';
COMMENT ON COLUMN common.event_types.event_type IS 'PaymentSuccess, ReservationConfirmed, ...';
COMMENT ON COLUMN common.event_types.topic IS 'Kafka topic';
COMMENT ON COLUMN common.event_types.aggregate_type IS 'What changed: Payment, Reservation, Schedule';
COMMENT ON COLUMN common.event_types.publisher IS 'Database role of the service that owns the word';
INSERT INTO common.event_types (event_type, topic, aggregate_type, publisher)
VALUES ('PaymentSuccess', 'payment.events', 'Payment', 'payment_service'),
       ('PaymentFailed', 'payment.events', 'Payment', 'payment_service'),
       ('PaymentRefunded', 'payment.events', 'Payment', 'payment_service'),
       ('ReservationConfirmed', 'reservation.events', 'Reservation', 'reservation_service'),
       ('ReservationCancelled', 'reservation.events', 'Reservation', 'reservation_service'),
       ('ReservationRejected', 'reservation.events', 'Reservation', 'reservation_service');

CREATE TABLE common.consumers (
    consumer text PRIMARY KEY,
    reader name NOT NULL
);
COMMENT ON TABLE common.consumers IS 'Which consumer groups there are, and who alone may say that one has handled a message';
COMMENT ON COLUMN common.consumers.consumer IS 'Kafka consumer group';
COMMENT ON COLUMN common.consumers.reader IS 'Database role of the service that reads';
INSERT INTO common.consumers (consumer, reader)
VALUES ('payment-reservation-consumer', 'payment_service'),
       ('reservation-payment-consumer', 'reservation_service'),
       ('event-reservation-consumer', 'event_service');

GRANT SELECT ON common.event_types, common.consumers
TO user_service, event_service, reservation_service, payment_service;

-- The envelope is what readers see: it cannot say something else than the row that was allowed.
ALTER TABLE common.outbox_events ADD CONSTRAINT outbox_events_envelope CHECK (
    (envelope ->> 'eventId' = id::text AND envelope ->> 'eventType' = event_type
     AND envelope ->> 'aggregateType' = aggregate_type AND envelope ->> 'aggregateId' = aggregate_id::text) IS TRUE
);

ALTER TABLE common.outbox_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_words ON common.outbox_events FOR INSERT
TO user_service, event_service, reservation_service, payment_service
WITH CHECK (EXISTS (SELECT FROM common.event_types AS known
                    WHERE known.event_type = outbox_events.event_type AND known.topic = outbox_events.topic
                      AND known.aggregate_type = outbox_events.aggregate_type AND known.publisher = current_user));
CREATE POLICY relay_reads ON common.outbox_events FOR SELECT TO outbox_relay USING (true);
CREATE POLICY relay_marks ON common.outbox_events FOR UPDATE TO outbox_relay USING (true);

ALTER TABLE common.processed_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_consumers ON common.processed_events
TO user_service, event_service, reservation_service, payment_service
USING (EXISTS (SELECT FROM common.consumers AS known
               WHERE known.consumer = processed_events.consumer AND known.reader = current_user));

REVOKE INSERT ON common.outbox_events FROM user_service, event_service, reservation_service, payment_service;
GRANT INSERT (id, aggregate_type, aggregate_id, topic, partition_key, event_type, envelope)
ON common.outbox_events TO user_service, event_service, reservation_service, payment_service;

-- What a payment is for, whose it is and how much never changes.
REVOKE UPDATE ON payment_service.payments FROM payment_service;
GRANT UPDATE (status, busy_until, check_at, checks, give_up_at, portone_transaction_id, portone_record, failure_reason,
              paid_at, failed_at, refund_requested_at, refund_reason, refunded_at, question, question_ends_at,
              hold_ends_at, turn, nudges, charge_key, superseded, refunded_amount)
ON payment_service.payments TO payment_service;
