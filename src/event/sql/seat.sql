-- Statements of the event service: the seats of performances.
-- role: event_service

-- Makes the seats of all performances of event $1 from the template of its hall, in the order of display.
-- name: seat_generate :write
WITH
hall AS MATERIALIZED (
    SELECT h.seat_template AS t
    FROM events AS e
    JOIN halls AS h ON h.id = e.hall_id
    WHERE e.id = $1
),
hall_rows AS MATERIALIZED (
    SELECT
        r.label,
        r.place,
        t -> 'gradeMapping' ->> r.label AS grade,
        CASE jsonb_typeof(t -> 'seatsPerRow')
            WHEN 'number' THEN (t ->> 'seatsPerRow')::integer
            ELSE (t -> 'seatsPerRow' ->> r.label)::integer
        END AS seats
    FROM hall, jsonb_array_elements_text(t -> 'rows') WITH ORDINALITY AS r (label, place)
),
missing AS (
    SELECT jsonb_array_elements_text(t -> 'missing') AS seat
    FROM hall
),
accessible AS (
    SELECT jsonb_array_elements_text(t -> 'accessible') AS seat
    FROM hall
),
restricted AS (
    SELECT jsonb_array_elements_text(t -> 'viewRestricted') AS seat
    FROM hall
),
positions AS (
    SELECT p.key AS seat, (p.value ->> 'x')::integer AS x, (p.value ->> 'y')::integer AS y
    FROM hall, jsonb_each(t -> 'positions') AS p
),
places AS (
    SELECT
        row_number() OVER (
            ORDER BY array_position(ARRAY['VIP', 'S', 'A', 'B'], r.grade), r.place, n
        ) AS ordinal,
        r.label || '-' || n AS seat,
        r.label,
        n,
        r.grade
    FROM hall_rows AS r
    CROSS JOIN LATERAL generate_series(1, r.seats) AS n
    WHERE r.label || '-' || n NOT IN (SELECT seat FROM missing)
)
INSERT INTO seats (
    schedule_id, ordinal, seat_number, row_label, number, grade, price, x, y,
    accessible, view_restricted
)
SELECT
    s.id, p.ordinal, p.seat, p.label, p.n, p.grade, price.price, at.x, at.y,
    p.seat IN (SELECT seat FROM accessible),
    p.seat IN (SELECT seat FROM restricted)
FROM event_schedules AS s
CROSS JOIN places AS p
JOIN event_prices AS price ON price.event_id = $1 AND price.grade = p.grade
LEFT JOIN positions AS at ON at.seat = p.seat
WHERE s.event_id = $1
ORDER BY s.id, p.ordinal;

-- Up to 100,000 rows, which C reads in the order of these columns.
-- name: seat_list :read
SELECT
    id, seat_number, row_label, number, grade, price, x, y, accessible, view_restricted, status
FROM seats
WHERE schedule_id = $1
ORDER BY ordinal;

-- name: seat_list_sold :read
SELECT id
FROM seats
WHERE schedule_id = $1 AND status = 'SOLD'
ORDER BY ordinal;

-- Reservation $3, confirmed at $4, has the seats, unless something later is known of one: seat_map.h tells the order.
-- name: seat_sell :write
WITH
sold AS (
    UPDATE seats
    SET status = 'SOLD', sold_by = $3, sold_at = $4, version = version + 1
    WHERE
        schedule_id = $1
        AND id = any($2::uuid[])
        AND coalesce(greatest(sold_at, freed_at), '-infinity') < $4
    RETURNING old.status AS was
)
UPDATE event_schedules
SET
    seats_version = seats_version + (SELECT count(*) FROM sold),
    seats_sold = seats_sold + (SELECT count(*) FROM sold WHERE was = 'AVAILABLE')
WHERE id = $1
RETURNING (SELECT count(*) FROM seats WHERE schedule_id = $1 AND id = any($2::uuid[])) AS known;

-- Reservation $3, confirmed at $4 (NULL: never, or that is not told) and cancelled at $5, has the seats no longer. A
-- hold that merely lapsed never had one, and leaves the schedule's row alone, which everybody's sale changes.
-- name: seat_free :write
WITH
ended AS (
    UPDATE seats
    SET
        status = 'AVAILABLE',
        sold_by = NULL,
        sold_at = NULL,
        freed_at = greatest(freed_at, $4::timestamptz, $5::timestamptz),
        version = version + (status = 'SOLD')::integer
    WHERE
        schedule_id = $1
        AND id = any($2::uuid[])
        AND (sold_by = $3 OR coalesce(sold_at, freed_at, '-infinity') < $4::timestamptz)
    RETURNING old.status AS was
),
freed AS (
    SELECT count(*) AS seats
    FROM ended
    WHERE was = 'SOLD'
)
UPDATE event_schedules
SET seats_version = seats_version + freed.seats, seats_sold = seats_sold - freed.seats
FROM freed
WHERE id = $1 AND freed.seats > 0;

-- The last change of anything but the state of seats, in microseconds.
-- name: seat_layout_version :read
SELECT (extract(EPOCH FROM greatest(e.updated_at, s.updated_at)) * 1000000)::bigint AS layout
FROM event_schedules AS s
JOIN events AS e ON e.id = s.event_id
WHERE s.id = $1 AND e.status <> 'DRAFT' AND e.deleted_at IS NULL;

-- A mark for each seat in the order of display: 1 SOLD, 0 not.
-- name: seat_live :read
SELECT
    (extract(EPOCH FROM greatest(e.updated_at, s.updated_at)) * 1000000)::bigint AS layout,
    s.seats_version AS version,
    (
        SELECT string_agg(CASE seat.status WHEN 'SOLD' THEN '1' ELSE '0' END, '' ORDER BY seat.ordinal)
        FROM seats AS seat
        WHERE seat.schedule_id = s.id
    ) AS marks
FROM event_schedules AS s
JOIN events AS e ON e.id = s.event_id
WHERE s.id = $1 AND e.status <> 'DRAFT' AND e.deleted_at IS NULL;
