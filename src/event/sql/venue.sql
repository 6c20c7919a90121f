-- Statements of the event service: venues and their halls.
-- role: event_service

-- name: venue_insert :write
INSERT INTO venues (name, address, city)
VALUES ($1, $2, $3)
RETURNING id;

-- A list answers the number of all rows beside each row of the page: one row of NULLs beside it when the page is empty.
-- name: venue_list :read
SELECT counted.total, page.*
FROM (SELECT count(*) AS total FROM venues) AS counted
LEFT JOIN LATERAL (
    SELECT id, name, address, city
    FROM venues
    ORDER BY name, id
    LIMIT $1::bigint OFFSET $2::bigint
) AS page ON true;

-- name: venue_get :read
SELECT id, name, address, city
FROM venues
WHERE id = $1;

-- No row: there is no such venue. It stays until the end of the transaction.
-- name: venue_hall_insert :write
INSERT INTO halls (venue_id, name, capacity, seat_template)
SELECT id, $2::text, $3::integer, $4::jsonb
FROM venues
WHERE id = $1
FOR KEY SHARE
RETURNING id;

-- A list as venue_list; no row at all: there is no such venue.
-- name: venue_hall_list :read
SELECT counted.total, page.*
FROM (
    SELECT v.id, count(h.id) AS total
    FROM venues AS v
    LEFT JOIN halls AS h ON h.venue_id = v.id
    WHERE v.id = $1
    GROUP BY v.id
) AS counted
LEFT JOIN LATERAL (
    SELECT id, venue_id, name, capacity, seat_template
    FROM halls
    WHERE venue_id = counted.id
    ORDER BY name, id
    LIMIT $2::bigint OFFSET $3::bigint
) AS page ON true;

-- name: venue_hall_get :read
SELECT id, venue_id, name, capacity, seat_template
FROM halls
WHERE id = $1;

-- What an event needs of its hall; the hall stays as it is until the end of the transaction.
-- name: venue_hall_for_event :read
SELECT
    capacity,
    (
        SELECT jsonb_object_agg(g.grade #>> '{}', TRUE)
        FROM jsonb_array_elements(coalesce(seat_template -> 'sections', jsonb_build_array(seat_template))) AS s (t)
        CROSS JOIN jsonb_path_query(s.t -> 'gradeMapping', '$.** ? (@.type() == "string")') AS g (grade)
    ) AS grades
FROM halls
WHERE id = $1 AND venue_id = $2
FOR SHARE;
