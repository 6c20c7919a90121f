-- Reservations: who may sit where, and until when. seat_claims decides who owns a seat; Redis only mirrors it.

-- ---- reservations ----

CREATE TABLE reservation_service.reservation_transitions (
    from_status text NOT NULL,
    to_status text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
COMMENT ON TABLE reservation_service.reservation_transitions IS 'Every change of status that is legal; the same table stands in src/reservation/reservation_state.c';
COMMENT ON COLUMN reservation_service.reservation_transitions.from_status IS 'Status before the change';
COMMENT ON COLUMN reservation_service.reservation_transitions.to_status IS 'Status after the change';

INSERT INTO reservation_service.reservation_transitions (from_status, to_status) VALUES
    ('PENDING', 'CONFIRMED'),
    ('PENDING', 'CANCELLED'),
    ('CONFIRMED', 'CANCELLED');

CREATE TABLE reservation_service.reservations (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    user_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'CONFIRMED', 'CANCELLED')),
    total_amount bigint NOT NULL CHECK (total_amount >= 0),
    hold_expires_at timestamptz NOT NULL,
    secured_by uuid,
    event_id uuid NOT NULL,
    event_title text NOT NULL,
    artist text NOT NULL,
    venue_name text NOT NULL,
    hall_name text NOT NULL,
    event_start_at timestamptz NOT NULL,
    ticket_number text UNIQUE CHECK (ticket_number ~ '^T[0-9]{8}-[2-9A-HJKMNP-Z]{7}$'),
    confirmed_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text CHECK (cancel_reason IN ('USER_REQUEST', 'PAYMENT_FAILED', 'HOLD_TIMEOUT', 'EVENT_CANCELLED')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (status <> 'PENDING' OR (confirmed_at IS NULL AND cancelled_at IS NULL)),
    CHECK (status <> 'CONFIRMED' OR (ticket_number IS NOT NULL AND confirmed_at IS NOT NULL AND secured_by IS NOT NULL)),
    CHECK ((status = 'CANCELLED') = (cancelled_at IS NOT NULL)),
    CHECK ((status = 'CANCELLED') = (cancel_reason IS NOT NULL))
);
COMMENT ON TABLE reservation_service.reservations IS 'One buyer''s seats for one performance, from hold to ticket (RSV-001)';
COMMENT ON COLUMN reservation_service.reservations.id IS 'Reservation id';
COMMENT ON COLUMN reservation_service.reservations.user_id IS 'Buyer, an id of the user service';
COMMENT ON COLUMN reservation_service.reservations.schedule_id IS 'Performance, an id of the event service';
COMMENT ON COLUMN reservation_service.reservations.status IS 'PENDING: held; CONFIRMED: paid; CANCELLED: given back';
COMMENT ON COLUMN reservation_service.reservations.total_amount IS 'Sum of the seats'' prices in won';
COMMENT ON COLUMN reservation_service.reservations.hold_expires_at IS 'End of the hold as told to the buyer; secured_by overrides it';
COMMENT ON COLUMN reservation_service.reservations.secured_by IS 'Payment that keeps the seats until it has an outcome; of a CONFIRMED one the payment that paid';
COMMENT ON COLUMN reservation_service.reservations.event_id IS 'Event at the time of the hold';
COMMENT ON COLUMN reservation_service.reservations.event_title IS 'Its title at that time';
COMMENT ON COLUMN reservation_service.reservations.artist IS 'Its artist at that time';
COMMENT ON COLUMN reservation_service.reservations.venue_name IS 'Its venue at that time';
COMMENT ON COLUMN reservation_service.reservations.hall_name IS 'Its hall at that time';
COMMENT ON COLUMN reservation_service.reservations.event_start_at IS 'Start of the performance at that time';
COMMENT ON COLUMN reservation_service.reservations.ticket_number IS 'T, date, seven characters without look-alikes; given at confirmation and kept for ever';
COMMENT ON COLUMN reservation_service.reservations.confirmed_at IS 'When the payment was applied';
COMMENT ON COLUMN reservation_service.reservations.cancelled_at IS 'When the seats were given back';
COMMENT ON COLUMN reservation_service.reservations.cancel_reason IS 'Why the seats were given back';
COMMENT ON COLUMN reservation_service.reservations.created_at IS 'When the hold was made';

CREATE UNIQUE INDEX reservations_one_hold ON reservation_service.reservations (user_id, schedule_id) WHERE status = 'PENDING';
CREATE INDEX reservations_of_user ON reservation_service.reservations (user_id, id DESC);
CREATE INDEX reservations_lapsing ON reservation_service.reservations (hold_expires_at) WHERE status = 'PENDING' AND secured_by IS NULL;

CREATE FUNCTION reservation_service.check_reservation_status() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'PENDING' THEN
            RAISE EXCEPTION 'a reservation begins as PENDING' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.status <> OLD.status AND NOT EXISTS (
            SELECT FROM reservation_service.reservation_transitions
            WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'a reservation does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION reservation_service.check_reservation_status() IS 'Refuses a change of status that reservation_transitions does not list';

CREATE TRIGGER reservations_status BEFORE INSERT OR UPDATE OF status ON reservation_service.reservations
    FOR EACH ROW EXECUTE FUNCTION reservation_service.check_reservation_status();

CREATE TABLE reservation_service.reservation_seats (
    reservation_id uuid NOT NULL REFERENCES reservation_service.reservations (id),
    seat_id uuid NOT NULL,
    seat_number text NOT NULL,
    grade text NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    PRIMARY KEY (reservation_id, seat_id)
);
COMMENT ON TABLE reservation_service.reservation_seats IS 'The seats of a reservation as they were when it was made; kept after cancellation';
COMMENT ON COLUMN reservation_service.reservation_seats.reservation_id IS 'Reservation';
COMMENT ON COLUMN reservation_service.reservation_seats.seat_id IS 'Seat, an id of the event service';
COMMENT ON COLUMN reservation_service.reservation_seats.seat_number IS 'What is printed on the seat, A-12';
COMMENT ON COLUMN reservation_service.reservation_seats.grade IS 'VIP, S, A, B';
COMMENT ON COLUMN reservation_service.reservation_seats.price IS 'Price in won';

-- ---- claims: the last word on who owns a seat ----

CREATE TABLE reservation_service.seat_claims (
    schedule_id uuid NOT NULL,
    seat_id uuid NOT NULL,
    reservation_id uuid NOT NULL REFERENCES reservation_service.reservations (id),
    expires_at timestamptz NOT NULL,
    sold boolean NOT NULL DEFAULT false,
    PRIMARY KEY (schedule_id, seat_id),
    CHECK (NOT sold OR expires_at = 'infinity')
);
COMMENT ON TABLE reservation_service.seat_claims IS 'One row per claimed seat: its owner. A lapsed row is taken over in place; a seat without a row is free';
COMMENT ON COLUMN reservation_service.seat_claims.schedule_id IS 'Performance';
COMMENT ON COLUMN reservation_service.seat_claims.seat_id IS 'Seat';
COMMENT ON COLUMN reservation_service.seat_claims.reservation_id IS 'Owner';
COMMENT ON COLUMN reservation_service.seat_claims.expires_at IS 'From then on another hold may take the seat; infinity once money may be in flight or the seat is sold';
COMMENT ON COLUMN reservation_service.seat_claims.sold IS 'Paid for: never taken over';

CREATE INDEX seat_claims_of_reservation ON reservation_service.seat_claims (reservation_id);

CREATE FUNCTION reservation_service.hold_seats(
    reservation uuid, buyer uuid, schedule uuid, ttl_s bigint, event jsonb, seats jsonb,
    OUT total_amount bigint, OUT hold_expires_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    claimed bigint;
BEGIN
    SELECT sum(s.price) INTO total_amount FROM jsonb_to_recordset(seats) AS s(price bigint);
    hold_expires_at := clock_timestamp() + make_interval(secs => ttl_s);

    INSERT INTO reservation_service.reservations AS r
        (id, user_id, schedule_id, total_amount, hold_expires_at,
         event_id, event_title, artist, venue_name, hall_name, event_start_at)
    SELECT reservation, buyer, schedule, total_amount, hold_expires_at, e.*
    FROM jsonb_to_record(event) AS e(
        event_id uuid, event_title text, artist text, venue_name text, hall_name text, event_start_at timestamptz)
    ON CONFLICT (user_id, schedule_id) WHERE status = 'PENDING' DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the buyer holds seats of this performance already' USING ERRCODE = 'BX002';
    END IF;

    -- Sorted, so that two buyers of the same seats wait for each other and never in a circle.
    INSERT INTO reservation_service.seat_claims AS c (schedule_id, seat_id, reservation_id, expires_at)
    SELECT schedule, s.seat_id, reservation, hold_expires_at
    FROM jsonb_to_recordset(seats) AS s(seat_id uuid)
    ORDER BY s.seat_id
    ON CONFLICT (schedule_id, seat_id) DO UPDATE
        SET reservation_id = excluded.reservation_id, expires_at = excluded.expires_at
        WHERE NOT c.sold AND c.expires_at < clock_timestamp();
    GET DIAGNOSTICS claimed = ROW_COUNT;
    IF claimed < jsonb_array_length(seats) THEN
        RAISE EXCEPTION 'a seat is taken' USING ERRCODE = 'BX001';
    END IF;

    INSERT INTO reservation_service.reservation_seats (reservation_id, seat_id, seat_number, grade, price)
    SELECT reservation, s.*
    FROM jsonb_to_recordset(seats) AS s(seat_id uuid, seat_number text, grade text, price bigint);
END $$;
COMMENT ON FUNCTION reservation_service.hold_seats(uuid, uuid, uuid, bigint, jsonb, jsonb) IS
    'Makes a hold on all the seats or none (RSV-001). BX001: a seat is taken; BX002: the buyer has a PENDING reservation of this performance';

-- ---- repeats and entry ----

CREATE TABLE reservation_service.idempotency_keys (
    user_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, route, key)
);
COMMENT ON TABLE reservation_service.idempotency_keys IS 'First answers of requests with an Idempotency-Key, for 24 hours';
COMMENT ON COLUMN reservation_service.idempotency_keys.user_id IS 'Who asked';
COMMENT ON COLUMN reservation_service.idempotency_keys.route IS 'Method and path';
COMMENT ON COLUMN reservation_service.idempotency_keys.key IS 'The client''s key';
COMMENT ON COLUMN reservation_service.idempotency_keys.fingerprint IS 'SHA-256 of the body';
COMMENT ON COLUMN reservation_service.idempotency_keys.answer IS 'The answer''s JSON; NULL only inside the transaction that does the work';
COMMENT ON COLUMN reservation_service.idempotency_keys.created_at IS 'When it was first asked';
CREATE INDEX idempotency_keys_age ON reservation_service.idempotency_keys (created_at);

CREATE TABLE reservation_service.check_ins (
    reservation_id uuid PRIMARY KEY REFERENCES reservation_service.reservations (id),
    checked_by uuid NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE reservation_service.check_ins IS 'Tickets used at the door, each once';
COMMENT ON COLUMN reservation_service.check_ins.reservation_id IS 'Reservation whose ticket was shown';
COMMENT ON COLUMN reservation_service.check_ins.checked_by IS 'Admin who let them in';
COMMENT ON COLUMN reservation_service.check_ins.checked_at IS 'When';

-- ---- grants ----

GRANT SELECT ON reservation_service.reservation_transitions TO reservation_service;
GRANT SELECT, INSERT, UPDATE ON reservation_service.reservations TO reservation_service;
GRANT SELECT, INSERT ON reservation_service.reservation_seats TO reservation_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON reservation_service.seat_claims TO reservation_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON reservation_service.idempotency_keys TO reservation_service;
GRANT SELECT, INSERT ON reservation_service.check_ins TO reservation_service;
REVOKE ALL ON FUNCTION reservation_service.check_reservation_status() FROM PUBLIC;
REVOKE ALL ON FUNCTION reservation_service.hold_seats(uuid, uuid, uuid, bigint, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reservation_service.hold_seats(uuid, uuid, uuid, bigint, jsonb, jsonb) TO reservation_service;
