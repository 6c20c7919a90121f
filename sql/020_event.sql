-- Event service: venues, halls, events, performances (schedules), seats.

CREATE TABLE event_service.venues (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    address text NOT NULL CHECK (length(address) BETWEEN 1 AND 300),
    city text NOT NULL CHECK (length(city) BETWEEN 1 AND 50),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX venues_city ON event_service.venues (city);
CREATE INDEX venues_name ON event_service.venues (name, id);

COMMENT ON TABLE event_service.venues IS 'Places with one or more halls';
COMMENT ON COLUMN event_service.venues.id IS 'Venue';
COMMENT ON COLUMN event_service.venues.name IS 'Name';
COMMENT ON COLUMN event_service.venues.address IS 'Street address';
COMMENT ON COLUMN event_service.venues.city IS 'City, for searching';
COMMENT ON COLUMN event_service.venues.created_at IS 'When it was entered';
COMMENT ON COLUMN event_service.venues.updated_at IS 'Last change';

CREATE TABLE event_service.halls (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    venue_id uuid NOT NULL REFERENCES event_service.venues (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    capacity integer NOT NULL CHECK (capacity BETWEEN 1 AND 100000),
    seat_template jsonb NOT NULL CHECK (jsonb_typeof(seat_template -> 'rows') = 'array'
                                        AND jsonb_typeof(seat_template -> 'seatsPerRow') IN ('number', 'object')
                                        AND jsonb_typeof(seat_template -> 'gradeMapping') = 'object'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT halls_name_taken UNIQUE (venue_id, name),
    CONSTRAINT halls_of_venue UNIQUE (id, venue_id)
);
COMMENT ON TABLE event_service.halls IS 'Halls of a venue with the template of their seats';
COMMENT ON COLUMN event_service.halls.id IS 'Hall';
COMMENT ON COLUMN event_service.halls.venue_id IS 'Where it is';
COMMENT ON COLUMN event_service.halls.name IS 'Name, unique in the venue';
COMMENT ON COLUMN event_service.halls.capacity IS 'Seats that the template yields';
COMMENT ON COLUMN event_service.halls.seat_template IS
    'rows, seatsPerRow, gradeMapping, missing, accessible, viewRestricted, positions; checked by the service';
COMMENT ON COLUMN event_service.halls.created_at IS 'When it was entered';
COMMENT ON COLUMN event_service.halls.updated_at IS 'Last change';

CREATE TABLE event_service.events (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    venue_id uuid NOT NULL REFERENCES event_service.venues (id),
    hall_id uuid NOT NULL,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    artist text NOT NULL CHECK (length(artist) BETWEEN 1 AND 200),
    description text CHECK (length(description) <= 10000),
    poster_url text CHECK (length(poster_url) BETWEEN 1 AND 500),
    status text NOT NULL DEFAULT 'DRAFT' CHECK (status IN ('DRAFT', 'OPEN', 'ENDED', 'CANCELLED')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    FOREIGN KEY (hall_id, venue_id) REFERENCES event_service.halls (id, venue_id)
);
CREATE INDEX events_title_trgm ON event_service.events USING gin (title public.gin_trgm_ops);
CREATE INDEX events_artist_trgm ON event_service.events USING gin (artist public.gin_trgm_ops);
CREATE INDEX events_public ON event_service.events (id) WHERE status <> 'DRAFT' AND deleted_at IS NULL;
CREATE INDEX events_venue ON event_service.events (venue_id);
CREATE INDEX events_hall ON event_service.events (hall_id);

COMMENT ON TABLE event_service.events IS 'What is performed';
COMMENT ON COLUMN event_service.events.id IS 'Event';
COMMENT ON COLUMN event_service.events.venue_id IS 'Where';
COMMENT ON COLUMN event_service.events.hall_id IS 'In which hall of it';
COMMENT ON COLUMN event_service.events.title IS 'Title';
COMMENT ON COLUMN event_service.events.artist IS 'Who performs';
COMMENT ON COLUMN event_service.events.description IS 'Text for people; NULL: none';
COMMENT ON COLUMN event_service.events.poster_url IS 'Address of the poster; NULL: none';
COMMENT ON COLUMN event_service.events.status IS 'DRAFT is seen by administrators only; see event_transitions';
COMMENT ON COLUMN event_service.events.created_at IS 'When it was entered';
COMMENT ON COLUMN event_service.events.updated_at IS 'Last change';
COMMENT ON COLUMN event_service.events.deleted_at IS 'Hidden since; NULL: not deleted';

-- Which changes of status are possible; the trigger refuses all others.
CREATE TABLE event_service.event_transitions (
    from_status text NOT NULL,
    to_status text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
INSERT INTO event_service.event_transitions (from_status, to_status)
VALUES ('DRAFT', 'OPEN'), ('DRAFT', 'CANCELLED'), ('OPEN', 'ENDED'), ('OPEN', 'CANCELLED');

COMMENT ON TABLE event_service.event_transitions IS 'The state machine of events.status';
COMMENT ON COLUMN event_service.event_transitions.from_status IS 'Status before';
COMMENT ON COLUMN event_service.event_transitions.to_status IS 'Status after';

CREATE FUNCTION event_service.events_check_transition() RETURNS trigger
    LANGUAGE plpgsql SET search_path = event_service, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM event_transitions WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'event cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'BX020';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION event_service.events_check_transition() IS 'Enforces event_transitions; raises BX020';

CREATE TRIGGER events_transition BEFORE UPDATE OF status ON event_service.events
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION event_service.events_check_transition();

CREATE TABLE event_service.event_prices (
    event_id uuid NOT NULL REFERENCES event_service.events (id),
    grade text NOT NULL CHECK (grade IN ('VIP', 'S', 'A', 'B')),
    price bigint NOT NULL CHECK (price BETWEEN 0 AND 100000000),
    PRIMARY KEY (event_id, grade)
);
COMMENT ON TABLE event_service.event_prices IS 'Price per grade, given to seats when they are made';
COMMENT ON COLUMN event_service.event_prices.event_id IS 'Event';
COMMENT ON COLUMN event_service.event_prices.grade IS 'Grade';
COMMENT ON COLUMN event_service.event_prices.price IS 'Won';

CREATE TABLE event_service.event_schedules (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES event_service.events (id),
    play_sequence integer NOT NULL CHECK (play_sequence BETWEEN 1 AND 1000),
    event_start_at timestamptz NOT NULL,
    event_end_at timestamptz NOT NULL,
    sale_start_at timestamptz NOT NULL,
    sale_end_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'CANCELLED')),
    admission_rate integer NOT NULL CHECK (admission_rate BETWEEN 1 AND 10000),
    queue_capacity integer NOT NULL CHECK (queue_capacity BETWEEN 1 AND 1000000),
    seats_total integer NOT NULL CHECK (seats_total >= 0),
    seats_sold integer NOT NULL DEFAULT 0,
    seats_version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT event_schedules_sequence_taken UNIQUE (event_id, play_sequence),
    CONSTRAINT event_schedules_performance CHECK (event_end_at > event_start_at),
    CONSTRAINT event_schedules_sale CHECK (sale_end_at > sale_start_at AND sale_end_at <= event_end_at),
    CONSTRAINT event_schedules_sold CHECK (seats_sold BETWEEN 0 AND seats_total)
);
COMMENT ON TABLE event_service.event_schedules IS 'Performances of an event, each with its sale window';
COMMENT ON COLUMN event_service.event_schedules.id IS 'Schedule';
COMMENT ON COLUMN event_service.event_schedules.event_id IS 'Of which event';
COMMENT ON COLUMN event_service.event_schedules.play_sequence IS 'Counts the performances from 1';
COMMENT ON COLUMN event_service.event_schedules.event_start_at IS 'Performance begins';
COMMENT ON COLUMN event_service.event_schedules.event_end_at IS 'Performance ends';
COMMENT ON COLUMN event_service.event_schedules.sale_start_at IS 'First instant of the sale';
COMMENT ON COLUMN event_service.event_schedules.sale_end_at IS 'First instant after the sale';
COMMENT ON COLUMN event_service.event_schedules.status IS 'OPEN, or CANCELLED for good';
COMMENT ON COLUMN event_service.event_schedules.admission_rate IS 'People admitted from the queue per second';
COMMENT ON COLUMN event_service.event_schedules.queue_capacity IS 'People who may wait at once';
COMMENT ON COLUMN event_service.event_schedules.seats_total IS 'Seats of this performance';
COMMENT ON COLUMN event_service.event_schedules.seats_sold IS 'Those SOLD, kept in step with seats';
COMMENT ON COLUMN event_service.event_schedules.seats_version IS 'Grows with every change of a seat';
COMMENT ON COLUMN event_service.event_schedules.created_at IS 'When it was entered';
COMMENT ON COLUMN event_service.event_schedules.updated_at IS 'Last change of anything but seats';

CREATE FUNCTION event_service.schedules_check_transition() RETURNS trigger
    LANGUAGE plpgsql SET search_path = event_service, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'schedule cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'BX021';
END
$$;
COMMENT ON FUNCTION event_service.schedules_check_transition() IS 'A cancelled performance stays cancelled; raises BX021';

CREATE TRIGGER event_schedules_transition BEFORE UPDATE OF status ON event_service.event_schedules
    FOR EACH ROW WHEN (OLD.status = 'CANCELLED' AND NEW.status <> 'CANCELLED')
    EXECUTE FUNCTION event_service.schedules_check_transition();

CREATE FUNCTION event_service.sale_state(cancelled boolean, sale_start timestamptz, sale_end timestamptz,
                                         at timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN cancelled THEN 'CANCELLED'
                WHEN at < sale_start THEN 'UPCOMING'
                WHEN at < sale_end THEN 'ONGOING'
                ELSE 'ENDED' END
$$;
COMMENT ON FUNCTION event_service.sale_state(boolean, timestamptz, timestamptz, timestamptz) IS
    'What the public sees of a sale at an instant: the window is [start, end)';

CREATE VIEW event_service.event_sales WITH (security_invoker = true) AS
SELECT event_id,
       min(event_start_at) AS starts_at,
       max(event_end_at) AS ends_at,
       CASE WHEN bool_and(state = 'CANCELLED') THEN 'CANCELLED'
            WHEN bool_or(state = 'ONGOING') THEN 'ONGOING'
            WHEN bool_or(state = 'UPCOMING') THEN 'UPCOMING'
            ELSE 'ENDED' END AS state
FROM (SELECT schedule.event_id, schedule.event_start_at, schedule.event_end_at,
             event_service.sale_state(event.status = 'CANCELLED' OR schedule.status = 'CANCELLED',
                                      schedule.sale_start_at, schedule.sale_end_at, clock.at) AS state
      FROM event_service.event_schedules AS schedule
      JOIN event_service.events AS event ON event.id = schedule.event_id
      CROSS JOIN (SELECT clock_timestamp() AS at) AS clock) AS sale
GROUP BY event_id;

COMMENT ON VIEW event_service.event_sales IS 'What the public sees of an event''s sale: its performances taken together';
COMMENT ON COLUMN event_service.event_sales.event_id IS 'Event';
COMMENT ON COLUMN event_service.event_sales.starts_at IS 'First performance begins';
COMMENT ON COLUMN event_service.event_sales.ends_at IS 'Last performance ends';
COMMENT ON COLUMN event_service.event_sales.state IS
    'CANCELLED when all performances are; else ONGOING when any sale is, else UPCOMING when any is, else ENDED';

-- Seats stand in the table in the order in which they are shown: by grade, row and number. No index covers a column
-- that a sale changes and fillfactor leaves room on each page, so that a sale touches one page and no index.
CREATE TABLE event_service.seats (
    id uuid DEFAULT uuidv7() PRIMARY KEY,
    schedule_id uuid NOT NULL REFERENCES event_service.event_schedules (id),
    ordinal integer NOT NULL CHECK (ordinal >= 1),
    seat_number text NOT NULL,
    row_label text NOT NULL,
    number integer NOT NULL CHECK (number >= 1),
    grade text NOT NULL CHECK (grade IN ('VIP', 'S', 'A', 'B')),
    price bigint NOT NULL CHECK (price BETWEEN 0 AND 100000000),
    x integer,
    y integer,
    accessible boolean NOT NULL DEFAULT false,
    view_restricted boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'AVAILABLE' CHECK (status IN ('AVAILABLE', 'SOLD')),
    sold_by uuid,
    sold_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT seats_number_taken UNIQUE (schedule_id, seat_number),
    CONSTRAINT seats_ordinal_taken UNIQUE (schedule_id, ordinal),
    CONSTRAINT seats_sold_by CHECK ((status = 'SOLD') = (sold_by IS NOT NULL)
                                    AND (status = 'SOLD') = (sold_at IS NOT NULL)),
    CONSTRAINT seats_position CHECK ((x IS NULL) = (y IS NULL))
) WITH (fillfactor = 80);

COMMENT ON TABLE event_service.seats IS 'Seats of a performance; made from the hall''s template in one statement';
COMMENT ON COLUMN event_service.seats.id IS 'Seat of this performance';
COMMENT ON COLUMN event_service.seats.schedule_id IS 'Performance';
COMMENT ON COLUMN event_service.seats.ordinal IS 'Place in the order of display: grade, row, number';
COMMENT ON COLUMN event_service.seats.seat_number IS 'What the ticket says: row-number';
COMMENT ON COLUMN event_service.seats.row_label IS 'Row';
COMMENT ON COLUMN event_service.seats.number IS 'Number in the row, from 1';
COMMENT ON COLUMN event_service.seats.grade IS 'VIP, S, A or B';
COMMENT ON COLUMN event_service.seats.price IS 'Won';
COMMENT ON COLUMN event_service.seats.x IS 'Place on the hall''s plan; NULL: not drawn';
COMMENT ON COLUMN event_service.seats.y IS 'Place on the hall''s plan; NULL: not drawn';
COMMENT ON COLUMN event_service.seats.accessible IS 'Wheelchair place';
COMMENT ON COLUMN event_service.seats.view_restricted IS 'Restricted view';
COMMENT ON COLUMN event_service.seats.status IS 'AVAILABLE or SOLD, as reservation events tell; holds are not seen here';
COMMENT ON COLUMN event_service.seats.sold_by IS 'Reservation that bought it; NULL while AVAILABLE';
COMMENT ON COLUMN event_service.seats.sold_at IS 'When that reservation was confirmed: the later one owns the seat';
COMMENT ON COLUMN event_service.seats.version IS 'Grows with every change of status';

GRANT SELECT, INSERT, UPDATE, DELETE ON event_service.venues, event_service.halls TO event_service;
GRANT SELECT, INSERT, UPDATE ON event_service.events, event_service.event_schedules TO event_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON event_service.event_prices TO event_service;
GRANT SELECT, INSERT, UPDATE (status, sold_by, sold_at, version) ON event_service.seats TO event_service;
GRANT SELECT ON event_service.event_transitions, event_service.event_sales TO event_service;
