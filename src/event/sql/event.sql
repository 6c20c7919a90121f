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
SET status = 'OPEN', updated_at = CASE WHEN status = 'OPEN' THEN updated_at ELSE clock_timestamp() END
WHERE id = $1 AND deleted_at IS NULL;

-- name: event_schedule_ids :read
SELECT id
FROM event_schedules
WHERE event_id = $1;

{% set begins_between -%}
event_start_at >= coalesce($2::timestamptz, '-infinity')
AND event_start_at < coalesce($3::timestamptz, 'infinity')
{%- endset %}
{% set orders = {
    "first": {
        "by": "e.starts_at, e.id DESC",
        "from": "e.starts_at >= coalesce($8::timestamptz, '-infinity')",
        "after": "e.starts_at > $8 OR (e.starts_at = $8 AND e.id < $7::uuid)",
    },
    "last": {
        "by": "e.starts_at DESC, e.id DESC",
        "from": "e.starts_at <= coalesce($8::timestamptz, 'infinity')",
        "after": "e.starts_at < $8 OR (e.starts_at = $8 AND e.id < $7::uuid)",
    },
    "titled": {
        "by": "e.title, e.id DESC",
        "from": "e.title >= coalesce($8::text, '')",
        "after": "e.title > $8 OR (e.title = $8 AND e.id < $7::uuid)",
    },
    "newest": {
        "by": "e.id DESC",
        "from": "e.id <= coalesce($8::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')",
        "after": "e.id < $8",
    },
} %}
{% set counted_most = 1000 %}
{% set wanted -%}
    e.status <> 'DRAFT'
    AND e.deleted_at IS NULL
    AND ($1::text IS NULL OR e.venue_id IN (SELECT id FROM venues WHERE city = $1))
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
    AND (
        $4::text IS NULL
        OR sale_state(e.status = 'CANCELLED', e.sale_windows, statement_timestamp()) = $4
    )
{%- endset %}
{% macro counted(source, condition) -%}
    SELECT
    FROM {{ source }} AS e
    WHERE
        {{ wanted }}
        AND {{ condition }}
    LIMIT {{ counted_most }}
{%- endmacro %}
{% macro paged(source, order, condition) -%}
    SELECT e.id, e.venue_id, e.title, e.artist, e.starts_at
    FROM {{ source }} AS e
    WHERE
        {{ wanted }}
        AND {{ order.from }}
        AND ($7::uuid IS NULL OR {{ order.after }})
        AND {{ condition }}
    ORDER BY {{ order.by }}
    LIMIT $5::bigint OFFSET $6::bigint
{%- endmacro %}
{% macro told(order) -%}
SELECT
    total.total, e.id, e.title, e.artist, e.starts_at, v.name AS venue_name, v.city,
    sale.ends_at, sale.state, sale.sold_out
FROM (SELECT count(*) AS total FROM counted) AS total
LEFT JOIN page AS e ON true
LEFT JOIN venues AS v ON v.id = e.venue_id
LEFT JOIN
    LATERAL (
        SELECT ends_at, state, sold_out
        FROM event_sales
        WHERE event_id = e.id
        ORDER BY event_id
        OFFSET 0
    ) AS sale
    ON true
ORDER BY {{ order.by }}
{%- endmacro %}
{% macro contains(column, text) -%}
    strpos(search_form({{ column }}), search_form({{ text }})) > 0
{%- endmacro %}
{% set has_text -%}
    ($9 IS NULL OR {{ contains("e.title", "$9") }}
        OR {{ contains("e.artist", "$9") }})
    AND ($10 IS NULL OR {{ contains("e.artist", "$10") }})
{%- endset %}
{% macro listed(order) -%}
WITH
counted AS (
    {{ counted("events", "true") }}
),
page AS (
    {{ paged("events", order, "true") }}
)
{{ told(order) }}
{%- endmacro %}
{% macro found(order, by_index, condition) -%}
WITH
candidates AS MATERIALIZED (
    SELECT e.id, e.venue_id, e.title, e.artist, e.status, e.deleted_at, e.starts_at, e.sale_windows
    FROM events AS e
    WHERE
        {{ by_index }}
        AND {{ condition }}
    LIMIT {{ counted_most }}
),
many AS MATERIALIZED (
    SELECT count(*) = {{ counted_most }} AS are FROM candidates
),
counted AS (
    ({{ counted("candidates", "NOT (SELECT are FROM many)") }})
    UNION ALL
    ({{ counted("events", "(SELECT are FROM many) AND " ~ condition) }})
),
page AS (
    ({{ paged("candidates", order, "NOT (SELECT are FROM many)") }})
    UNION ALL
    ({{ paged("events", order, "(SELECT are FROM many) AND " ~ condition) }})
)
{{ told(order) }}
{%- endmacro %}
{% set in_time -%}
    e.id IN (
        SELECT event_id
        FROM event_schedules
        WHERE {{ begins_between }}
    )
{%- endset %}
{% macro between(order) -%}
    {{ found(order, in_time, "true") }}
{%- endmacro %}
{% set has_parts -%}
    grams(e.title) || grams(e.artist)
    @> grams(coalesce($9::text, $10::text), least(length(search_form(coalesce($9, $10))), 3))
{%- endset %}
{% macro searched(order) -%}
    {{ found(order, has_parts, has_text) }}
{%- endmacro %}
-- Published events: $1 city, $2 to $3 when a performance begins, $4 sale state, each NULL for any; $5 rows of a page,
-- $6 rows before it, or the last event before: $7 its id, $8 what it is ordered by. A statement for each order, which
-- an index of events has, so that a page is read and not all events. They are counted up to a bound.
-- OFFSET 0: the sale of each event on the page is looked up by itself; one that opens meanwhile is shown as it is then.
-- name: event_list_first :read
{{ listed(orders.first) }};

-- name: event_list_last :read
{{ listed(orders.last) }};

-- name: event_list_titled :read
{{ listed(orders.titled) }};

-- name: event_list_newest :read
{{ listed(orders.newest) }};

-- The same with $2 or $3, or below with text: of few that an index finds the page is put in order, of many it is found
-- soon in the list's order. Statements of their own: one plan for all filters, which the store may make when one has
-- run some times, would read all events.
-- name: event_between_first :read
{{ between(orders.first) }};

-- name: event_between_last :read
{{ between(orders.last) }};

-- name: event_between_titled :read
{{ between(orders.titled) }};

-- name: event_between_newest :read
{{ between(orders.newest) }};

-- $9 in title or artist, $10 in the artist, one of them NULL or none.
-- name: event_search_first :read
{{ searched(orders.first) }};

-- name: event_search_last :read
{{ searched(orders.last) }};

-- name: event_search_titled :read
{{ searched(orders.titled) }};

-- name: event_search_newest :read
{{ searched(orders.newest) }};

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
