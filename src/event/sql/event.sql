-- Statements of the event service: events and their performances (schedules).
-- role: event_service

-- name: event_insert :write
INSERT INTO events (venue_id, hall_id, title, artist, description, poster_url)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id;

-- name: event_price_insert :write
INSERT INTO event_prices (event_id, grade, price)
VALUES ($1, $2, $3);

-- name: event_schedule_insert :write
INSERT INTO event_schedules (
    event_id, play_sequence, event_start_at, event_end_at, sale_start_at, sale_end_at,
    admission_rate, queue_capacity, seats_total
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- A status that cannot become OPEN is refused by the table's trigger.
-- name: event_open :write
UPDATE events
SET status = 'OPEN', updated_at = clock_timestamp()
WHERE id = $1 AND deleted_at IS NULL;

-- name: event_schedule_ids :read
SELECT id
FROM event_schedules
WHERE event_id = $1;

{% set begins_between -%}
event_start_at >= coalesce($2::timestamptz, '-infinity')
AND event_start_at < coalesce($3::timestamptz, 'infinity')
{%- endset %}
{% set in_order -%}
ORDER BY
    CASE WHEN $5 = 'startDate' THEN starts_at END,
    CASE WHEN $5 = '-startDate' THEN starts_at END DESC,
    CASE WHEN $5 = 'title' THEN title END,
    id DESC
{%- endset %}
{% macro listed(candidates) -%}
matching AS MATERIALIZED (
    SELECT
        e.id, e.title, e.artist, v.name AS venue_name, v.city,
        (SELECT min(event_start_at) FROM event_schedules WHERE event_id = e.id) AS starts_at
    FROM {{ candidates }} AS e
    JOIN venues AS v ON v.id = e.venue_id
    WHERE
        e.status <> 'DRAFT'
        AND e.deleted_at IS NULL
        AND ($1::text IS NULL OR v.city = $1)
        AND (
            ($2::timestamptz IS NULL AND $3::timestamptz IS NULL)
            OR EXISTS (
                SELECT
                FROM event_schedules AS s
                WHERE
                    s.event_id = e.id
                    AND {{ begins_between }}
            )
        )
        AND ($4::text IS NULL OR (SELECT state FROM event_sales WHERE event_id = e.id) = $4)
),
page AS (
    SELECT *
    FROM matching
    WHERE
        $8::uuid IS NULL
        OR CASE $5::text
            WHEN 'startDate' THEN starts_at > $9::timestamptz OR (starts_at = $9 AND id < $8)
            WHEN '-startDate' THEN starts_at < $9 OR (starts_at = $9 AND id < $8)
            WHEN 'title' THEN title > $10::text OR (title = $10 AND id < $8)
            ELSE id < $8
        END
    {{ in_order }}
    LIMIT $6::bigint OFFSET $7::bigint
)
SELECT counted.total, page.*, sale.ends_at, sale.state, sale.sold_out
FROM (SELECT count(*) AS total FROM matching) AS counted
LEFT JOIN page ON true
LEFT JOIN
    LATERAL (
        SELECT ends_at, state, sold_out
        FROM event_sales
        WHERE event_id = page.id
        ORDER BY event_id
        OFFSET 0
    ) AS sale
    ON true
{{ in_order }}
{%- endmacro %}
{% macro contains(column, text) -%}
    strpos(lower({{ column }}), lower({{ text }})) > 0
{%- endmacro %}
-- Published events: $1 city, $2 to $3 when a performance begins, $4 sale state, each NULL for any; $5 order, $6 rows of
-- a page, $7 rows before it, or the last event before: $8 its id, $9 when it begins, $10 its title. As venue_list.
-- OFFSET 0: the sale of each event on the page is looked up by itself; one that opens meanwhile is shown as it is then.
-- name: event_list :read
WITH
{{ listed("events") }};

-- The same with $2 or $3. This and the next are statements of their own: one plan for all filters, which the store may
-- make when a statement has run some times, would read all events.
-- name: event_list_between :read
WITH
candidates AS MATERIALIZED (
    SELECT id, venue_id, title, artist, status, deleted_at
    FROM events
    WHERE id IN (SELECT event_id FROM event_schedules WHERE {{ begins_between }})
),
{{ listed("candidates") }};

-- The same with text, $11 in title or artist, $12 in the artist, one of them NULL or none.
-- name: event_search :read
WITH
candidates AS MATERIALIZED (
    SELECT id, venue_id, title, artist, status, deleted_at
    FROM events
    WHERE
        grams(title) || grams(artist)
        @> grams(coalesce($11::text, $12::text), least(length(coalesce($11, $12)), 3))
        AND ($11 IS NULL OR {{ contains("title", "$11") }} OR {{ contains("artist", "$11") }})
        AND ($12 IS NULL OR {{ contains("artist", "$12") }})
),
{{ listed("candidates") }};

-- $2: as administrators see it: drafts too, and with its own status in place of the sale state; nothing is written when
-- an event ends.
-- name: event_detail :read
SELECT
    e.id, e.title, e.artist, e.description, e.poster_url,
    CASE
        WHEN NOT $2::boolean THEN sale.state
        WHEN e.status = 'OPEN' AND sale.ends_at <= clock_timestamp() THEN 'ENDED'
        ELSE e.status
    END AS status,
    v.id AS venue_id, v.name AS venue_name, h.id AS hall_id, h.name AS hall_name
FROM events AS e
JOIN venues AS v ON v.id = e.venue_id
JOIN halls AS h ON h.id = e.hall_id
JOIN event_sales AS sale ON sale.event_id = e.id
WHERE
    e.id = $1
    AND e.deleted_at IS NULL
    AND ($2 OR e.status <> 'DRAFT');

-- name: event_detail_schedules :read
SELECT
    s.id, s.play_sequence, s.event_start_at, s.event_end_at, s.sale_start_at, s.sale_end_at,
    sale_state(s.status = 'CANCELLED', s.sale_start_at, s.sale_end_at, clock_timestamp()) AS state,
    s.seats_total, s.seats_sold
FROM event_schedules AS s
WHERE s.event_id = $1
ORDER BY s.play_sequence;

-- A performance that others may see: its event is neither a draft nor deleted.
-- name: event_schedule_get :read
SELECT
    s.id, e.id AS event_id, e.title, e.artist, v.name AS venue_name, h.name AS hall_name,
    CASE
        WHEN e.status = 'CANCELLED' OR s.status = 'CANCELLED' THEN 'CANCELLED'
        ELSE 'OPEN'
    END AS status,
    s.event_start_at, s.event_end_at, s.sale_start_at, s.sale_end_at,
    s.admission_rate, s.queue_capacity, s.seats_sold = s.seats_total AS sold_out
FROM event_schedules AS s
JOIN events AS e ON e.id = s.event_id
JOIN venues AS v ON v.id = e.venue_id
JOIN halls AS h ON h.id = e.hall_id
WHERE
    s.id = $1
    AND e.status <> 'DRAFT'
    AND e.deleted_at IS NULL;

-- When a sale of event $1 or of schedule $2 opens or closes next, and when one last did.
-- name: event_edges :read
SELECT
    min(edge.at) FILTER (WHERE edge.at > statement_timestamp()) AS next_at,
    max(edge.at) FILTER (WHERE edge.at <= statement_timestamp()) AS last_at
FROM event_schedules AS s
CROSS JOIN LATERAL (VALUES (s.sale_start_at), (s.sale_end_at)) AS edge (at)
WHERE s.event_id = $1 OR s.id = $2;

-- The same of all sales.
-- name: event_edges_of_all :read
SELECT
    least(
        (SELECT min(sale_start_at) FROM event_schedules WHERE sale_start_at > statement_timestamp()),
        (SELECT min(sale_end_at) FROM event_schedules WHERE sale_end_at > statement_timestamp())
    ) AS next_at,
    greatest(
        (SELECT max(sale_start_at) FROM event_schedules WHERE sale_start_at <= statement_timestamp()),
        (SELECT max(sale_end_at) FROM event_schedules WHERE sale_end_at <= statement_timestamp())
    ) AS last_at;
