-- Statements of the event service: the seats of performances.
-- role: event_service

{% macro named_by(member) -%}
    SELECT s.prefix || named.seat AS seat
    FROM sections AS s
    CROSS JOIN LATERAL jsonb_array_elements_text(s.t -> '{{ member }}') AS named (seat)
{%- endmacro %}

-- Makes the seats of all performances of event $1 from the template of its hall, in the order of display. A hall
-- without sections is one section without a name. In a row, i counts the places from the left of the plan; what is told
-- of a seat (number, place) is worked out before the sorting, which so has no template to carry along.
-- name: seat_generate :write
WITH
sections AS MATERIALIZED (
    SELECT
        s.t,
        s.t -> 'positions' AS positions,
        s.place,
        s.t ->> 'name' AS name,
        coalesce(s.t ->> 'name' || '-', '') AS prefix,
        s.t #>> '{rowRange,from}' AS row_from,
        s.t #>> '{rowRange,to}' AS row_to,
        s.t #>> '{rowRange,from}' ~ '[A-Z]' AS lettered,
        coalesce((s.t #>> '{numbering,from}')::integer, 1) AS number_from,
        coalesce((s.t #>> '{numbering,step}')::integer, 1) AS number_step,
        coalesce(s.t #>> '{numbering,direction}' = 'RIGHT_TO_LEFT', FALSE) AS backwards,
        (s.t #>> '{origin,x}')::integer AS x,
        (s.t #>> '{origin,y}')::integer AS y,
        coalesce((s.t ->> 'rotation')::integer, 0) AS rotation,
        coalesce((s.t #>> '{spacing,x}')::integer, 10) AS seat_spacing,
        coalesce((s.t #>> '{spacing,y}')::integer, 10) AS row_spacing
    FROM events AS e
    JOIN halls AS h ON h.id = e.hall_id
    CROSS JOIN
        LATERAL jsonb_array_elements(coalesce(h.seat_template -> 'sections', jsonb_build_array(h.seat_template)))
        WITH ORDINALITY AS s (t, place)
    WHERE e.id = $1
),
labels AS (
    SELECT s.place AS section_place, r.label, r.place - 1 AS rows_before
    FROM sections AS s
    CROSS JOIN LATERAL jsonb_array_elements_text(s.t -> 'rows') WITH ORDINALITY AS r (label, place)
    UNION ALL
    SELECT s.place, CASE WHEN s.lettered THEN chr(r.code) ELSE r.code::text END, r.place - 1
    FROM sections AS s
    CROSS JOIN LATERAL generate_series(
        CASE WHEN s.lettered THEN ascii(s.row_from) ELSE s.row_from::integer END,
        CASE WHEN s.lettered THEN ascii(s.row_to) ELSE s.row_to::integer END
    ) WITH ORDINALITY AS r (code, place)
),
section_rows AS MATERIALIZED (
    SELECT
        r.section_place,
        r.label,
        r.rows_before,
        CASE jsonb_typeof(s.t -> 'gradeMapping')
            WHEN 'string' THEN s.t ->> 'gradeMapping'
            ELSE s.t -> 'gradeMapping' ->> r.label
        END AS grade,
        CASE jsonb_typeof(s.t -> 'seatsPerRow')
            WHEN 'number' THEN (s.t ->> 'seatsPerRow')::integer
            ELSE (s.t -> 'seatsPerRow' ->> r.label)::integer
        END AS seats
    FROM labels AS r
    JOIN sections AS s ON s.place = r.section_place
),
missing AS (
    {{ named_by("missing") }}
),
accessible AS (
    {{ named_by("accessible") }}
),
restricted AS (
    {{ named_by("viewRestricted") }}
),
places AS MATERIALIZED (
    SELECT
        s.place AS section_place,
        s.name AS section,
        r.label,
        r.rows_before,
        r.grade,
        n.number,
        s.prefix || r.label || '-' || n.number AS seat,
        s.positions -> (r.label || '-' || n.number) AS own,
        s.x + round(plan.across * cosd(s.rotation) - plan.behind * sind(s.rotation)) AS x,
        s.y + round(plan.across * sind(s.rotation) + plan.behind * cosd(s.rotation)) AS y
    FROM section_rows AS r
    JOIN sections AS s ON s.place = r.section_place
    CROSS JOIN LATERAL generate_series(1, r.seats) AS i
    CROSS JOIN
        LATERAL (
            SELECT s.number_from + s.number_step * CASE WHEN s.backwards THEN r.seats - i ELSE i - 1 END AS number
        ) AS n
    CROSS JOIN LATERAL (
        SELECT s.seat_spacing * (i - (r.seats + 1) / 2.0::float8) AS across, s.row_spacing * r.rows_before AS behind
    ) AS plan
),
seats_of_hall AS (
    SELECT
        p.*,
        row_number() OVER (
            ORDER BY array_position(ARRAY['VIP', 'S', 'A', 'B'], p.grade), p.section_place, p.rows_before, p.number
        ) AS ordinal
    FROM places AS p
    WHERE p.seat NOT IN (SELECT seat FROM missing)
)
INSERT INTO seats (
    schedule_id, ordinal, seat_number, section, row_label, number, grade, price, x, y,
    accessible, view_restricted
)
SELECT
    s.id, p.ordinal, p.seat, p.section, p.label, p.number, p.grade, price.price,
    coalesce((p.own ->> 'x')::integer, p.x), coalesce((p.own ->> 'y')::integer, p.y),
    p.seat IN (SELECT seat FROM accessible),
    p.seat IN (SELECT seat FROM restricted)
FROM event_schedules AS s
CROSS JOIN seats_of_hall AS p
JOIN event_prices AS price ON price.event_id = $1 AND price.grade = p.grade
WHERE s.event_id = $1
ORDER BY s.id, p.ordinal;

-- Up to 100,000 rows, which C reads in the order of these columns.
-- name: seat_list :read
SELECT
    id, seat_number, section, row_label, number, grade, price, x, y, accessible, view_restricted, status
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

-- The last change of what is told of the seats but their state, in microseconds.
-- name: seat_layout_version :read
SELECT (extract(EPOCH FROM s.layout_at) * 1000000)::bigint AS layout
FROM event_schedules AS s
JOIN events AS e ON e.id = s.event_id
WHERE s.id = $1 AND e.status <> 'DRAFT' AND e.deleted_at IS NULL;

-- A mark for each seat in the order of display: 1 SOLD, 0 not.
-- name: seat_live :read
SELECT
    (extract(EPOCH FROM s.layout_at) * 1000000)::bigint AS layout,
    s.seats_version AS version,
    (
        SELECT string_agg(CASE seat.status WHEN 'SOLD' THEN '1' ELSE '0' END, '' ORDER BY seat.ordinal)
        FROM seats AS seat
        WHERE seat.schedule_id = s.id
    ) AS marks
FROM event_schedules AS s
JOIN events AS e ON e.id = s.event_id
WHERE s.id = $1 AND e.status <> 'DRAFT' AND e.deleted_at IS NULL;
