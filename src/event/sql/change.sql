-- What administrators change (sql/300_catalogue_changes.sql).
-- role: event_service

-- Who acts, until the end of the transaction: the tables' triggers write it down.
-- name: change_begin :write
SELECT set_config('boxoffice.admin', coalesce($1::text, ''), TRUE), set_config('boxoffice.trace', $2::text, TRUE);

-- ---- venues and halls ----

-- name: change_venue_lock :read
SELECT id
FROM venues
WHERE id = $1
FOR UPDATE;

-- name: change_venue :write
UPDATE venues
SET
    name = coalesce($2, name), address = coalesce($3, address), city = coalesce($4, city),
    updated_at = clock_timestamp()
WHERE id = $1;

-- name: change_venue_delete :write
DELETE FROM venues
WHERE id = $1;

-- Some names of what would be left without its venue, and how many there are.
-- name: change_venue_uses :read
SELECT
    (SELECT count(*) FROM halls WHERE venue_id = $1) AS total,
    (
        SELECT string_agg(name, ', ')
        FROM (
            SELECT name
            FROM halls
            WHERE venue_id = $1
            ORDER BY name
            LIMIT 5
        ) AS few
    ) AS names;

-- name: change_hall_lock :read
SELECT id, seat_template
FROM halls
WHERE id = $1 AND venue_id = $2
FOR UPDATE;

-- name: change_hall :write
UPDATE halls
SET
    name = coalesce($2, name), capacity = coalesce($3::integer, capacity),
    seat_template = coalesce($4::jsonb, seat_template), updated_at = clock_timestamp()
WHERE id = $1;

-- name: change_hall_delete :write
DELETE FROM halls
WHERE id = $1;

{% macro hall_uses(which) -%}
    SELECT
        (SELECT count(*) FROM events AS e WHERE e.hall_id = $1{{ which }}) AS total,
        (
            SELECT string_agg(few.title, ', ')
            FROM (
                SELECT e.title
                FROM events AS e
                WHERE e.hall_id = $1{{ which }}
                ORDER BY e.id DESC
                LIMIT 5
            ) AS few
        ) AS names
{%- endmacro %}

-- Events that are or were there, deleted ones too: their seats are of this hall.
-- name: change_hall_uses :read
{{ hall_uses("") }};

-- Events that are still to come there.
-- name: change_hall_future_uses :read
{{ hall_uses(" AND e.deleted_at IS NULL AND e.status <> 'CANCELLED' AND exists(
                SELECT FROM event_schedules AS s WHERE s.event_id = e.id AND s.event_end_at > clock_timestamp()
            )") }};

-- Events to come that tell the name of this venue, or of this hall of it; more than these are old by themselves.
-- name: change_events_told :read
SELECT e.id
FROM events AS e
WHERE
    e.venue_id = $1 AND e.hall_id = coalesce($2, e.hall_id) AND e.deleted_at IS NULL AND e.status <> 'DRAFT'
    AND EXISTS (
        SELECT
        FROM event_schedules AS s
        WHERE s.event_id = e.id AND s.event_end_at > clock_timestamp()
    )
ORDER BY e.id DESC
LIMIT 1000;

-- ---- events ----

-- An event stays as it is until the end of the transaction.
-- name: change_event_lock :read
SELECT status
FROM events
WHERE id = $1 AND deleted_at IS NULL
FOR UPDATE;

-- Its performances do, too. A sale counts as begun a minute before it begins: until then all copies have learnt of a
-- change; and as going on for two minutes more, until all have learnt that it has ended.
-- name: change_schedules_lock :read
SELECT
    s.id, s.event_start_at, s.event_end_at, s.sale_start_at, s.sale_end_at, s.status,
    s.sale_start_at <= clock_timestamp() + interval '1 minute' AS begun,
    s.sale_start_at <= clock_timestamp() + interval '1 minute'
    AND least(s.sale_end_at, s.cancelled_at) > clock_timestamp() - interval '2 minutes' AS selling
FROM event_schedules AS s
WHERE s.event_id = $1
ORDER BY s.id
FOR UPDATE;

-- name: change_event :write
UPDATE events
SET
    title = coalesce($2, title), artist = coalesce($3, artist), description = coalesce($4, description),
    poster_url = coalesce($5, poster_url), updated_at = clock_timestamp()
WHERE id = $1;

-- name: change_schedule :write
UPDATE event_schedules
SET
    event_start_at = $2, event_end_at = $3, sale_start_at = $4, sale_end_at = $5,
    admission_rate = coalesce($6::integer, admission_rate), queue_capacity = coalesce($7::integer, queue_capacity),
    updated_at = clock_timestamp()
WHERE id = $1;

-- No row: the event has no such grade.
-- name: change_price :write
UPDATE event_prices
SET price = $3
WHERE event_id = $1 AND grade = $2;

-- name: change_seat_prices :write
UPDATE seats
SET price = p.price
FROM event_schedules AS s, event_prices AS p
WHERE
    s.event_id = $1 AND p.event_id = $1 AND seats.schedule_id = s.id AND seats.grade = p.grade
    AND seats.price <> p.price;

-- ---- ends ----

-- name: change_event_delete :write
UPDATE events
SET deleted_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE id = $1;

-- name: change_event_cancel :write
UPDATE events
SET status = 'CANCELLED', updated_at = clock_timestamp()
WHERE id = $1;

-- Performances of the event $1, of all or of $2, that were not called off before and have not taken place.
-- name: change_schedules_cancel :write
UPDATE event_schedules
SET status = 'CANCELLED', cancelled_at = clock_timestamp(), cancel_reason = $3, updated_at = clock_timestamp()
WHERE event_id = $1 AND id = coalesce($2, id) AND status <> 'CANCELLED' AND event_end_at > clock_timestamp()
RETURNING id, cancelled_at;

-- name: change_event_of_schedule :read
SELECT event_id
FROM event_schedules
WHERE id = $1;

-- ---- what was changed ----

-- Before the change $3, the latest first; of the subject $1 or the administrator $2, each NULL for any.
-- name: change_list :read
SELECT id, at, admin_id, action, subject, subject_id, before, after, trace_id
FROM changes
WHERE
    ($1::uuid IS NULL OR subject_id = $1::uuid) AND ($2::uuid IS NULL OR admin_id = $2::uuid)
    AND ($3::uuid IS NULL OR id < $3::uuid)
ORDER BY id DESC
LIMIT $4::bigint;
