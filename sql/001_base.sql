-- Schemas, login roles and the two tables that all services share.
-- Roles belong to the whole cluster: one that exists already is kept, and only given the search_path it lacks.

DO $roles$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT *
        FROM (VALUES
            ('user_service', 'user_service, common'),
            ('event_service', 'event_service, common'),
            ('reservation_service', 'reservation_service, common'),
            ('payment_service', 'payment_service, common'),
            ('outbox_relay', 'common'),
            ('gateway', 'pg_catalog')
        ) AS role (name, search_path)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', wanted.name);
        END IF;
        IF NOT EXISTS (SELECT FROM pg_roles
                       WHERE rolname = wanted.name AND 'search_path=' || wanted.search_path = ANY (rolconfig)) THEN
            EXECUTE format('ALTER ROLE %I SET search_path = %s', wanted.name, wanted.search_path);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO user_service, event_service, reservation_service, payment_service, '
                   'outbox_relay, gateway', current_database());
END
$roles$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Trigrams: search by part of a word in any language, Korean included.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE SCHEMA user_service;
CREATE SCHEMA event_service;
CREATE SCHEMA reservation_service;
CREATE SCHEMA payment_service;
CREATE SCHEMA IF NOT EXISTS common; -- exists when the record of migrations came first

COMMENT ON SCHEMA user_service IS 'People: accounts, sessions, consents';
COMMENT ON SCHEMA event_service IS 'What is sold: venues, halls, events, schedules, seats';
COMMENT ON SCHEMA reservation_service IS 'Holds, reservations and tickets';
COMMENT ON SCHEMA payment_service IS 'Payments, refunds and the provider''s webhooks';
COMMENT ON SCHEMA common IS 'What all services share: the outbox, and which messages were handled';

GRANT USAGE ON SCHEMA user_service TO user_service;
GRANT USAGE ON SCHEMA event_service TO event_service;
GRANT USAGE ON SCHEMA reservation_service TO reservation_service;
GRANT USAGE ON SCHEMA payment_service TO payment_service;
GRANT USAGE ON SCHEMA common TO user_service, event_service, reservation_service, payment_service, outbox_relay;

CREATE TABLE common.outbox_events (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    aggregate_type text NOT NULL CHECK (length(aggregate_type) BETWEEN 1 AND 64),
    aggregate_id uuid NOT NULL,
    topic text NOT NULL CHECK (length(topic) BETWEEN 1 AND 249),
    partition_key text NOT NULL CHECK (length(partition_key) BETWEEN 1 AND 200),
    partition_no smallint GENERATED ALWAYS AS ((hashtext(partition_key) & 15)::smallint) STORED,
    event_type text NOT NULL CHECK (length(event_type) BETWEEN 1 AND 64),
    envelope jsonb NOT NULL CHECK (jsonb_typeof(envelope) = 'object'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error text CHECK (length(last_error) <= 1000)
);
CREATE INDEX outbox_events_unpublished ON common.outbox_events (partition_no, id) WHERE published_at IS NULL;
CREATE INDEX outbox_events_published ON common.outbox_events (published_at) WHERE published_at IS NOT NULL;

COMMENT ON TABLE common.outbox_events IS
    'Messages written in the same transaction as the change they announce; the relay publishes them. Kept 7 days';
COMMENT ON COLUMN common.outbox_events.id IS 'The message''s eventId: consumers use it to recognise repetitions';
COMMENT ON COLUMN common.outbox_events.aggregate_type IS 'What changed: Payment, Reservation, Schedule';
COMMENT ON COLUMN common.outbox_events.aggregate_id IS 'Which one changed';
COMMENT ON COLUMN common.outbox_events.topic IS 'Kafka topic';
COMMENT ON COLUMN common.outbox_events.partition_key IS 'Kafka key: messages of one key arrive in their order';
COMMENT ON COLUMN common.outbox_events.partition_no IS 'The relay''s share, 0-15: one key is always in the same share';
COMMENT ON COLUMN common.outbox_events.event_type IS 'PaymentSuccess, ReservationConfirmed, ...';
COMMENT ON COLUMN common.outbox_events.envelope IS 'The message as it is published';
COMMENT ON COLUMN common.outbox_events.created_at IS 'When it was written';
COMMENT ON COLUMN common.outbox_events.published_at IS 'When all brokers in sync had it; NULL: still to be published';
COMMENT ON COLUMN common.outbox_events.attempts IS 'Failed tries to publish it';
COMMENT ON COLUMN common.outbox_events.last_error IS 'Why the last try failed';

GRANT INSERT ON common.outbox_events TO user_service, event_service, reservation_service, payment_service;
GRANT SELECT, UPDATE (published_at, attempts, last_error) ON common.outbox_events TO outbox_relay;

CREATE TABLE common.processed_events (
    event_id uuid NOT NULL,
    consumer text NOT NULL CHECK (length(consumer) BETWEEN 1 AND 100),
    processed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event_id, consumer)
);
CREATE INDEX processed_events_processed ON common.processed_events (processed_at);

COMMENT ON TABLE common.processed_events IS
    'Messages handled, written in the transaction of their effect, so that a repetition has none. Kept 30 days';
COMMENT ON COLUMN common.processed_events.event_id IS 'eventId of the message';
COMMENT ON COLUMN common.processed_events.consumer IS 'Consumer group that handled it';
COMMENT ON COLUMN common.processed_events.processed_at IS 'When';

GRANT SELECT, INSERT ON common.processed_events TO user_service, event_service, reservation_service, payment_service;
