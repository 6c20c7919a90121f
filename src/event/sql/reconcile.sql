-- Statements of the event service: seats compared with the claims that the reservation service has sold (reconcile.h).
-- role: event_service

-- The performance that has waited longest for a look, at least $1 seconds, and whose seats still matter. Two at once
-- find the same one, and one of them gets it.
-- name: reconcile_take :write
INSERT INTO seat_looks AS look (schedule_id, began_at)
SELECT s.id, clock_timestamp()
FROM event_schedules AS s
INNER JOIN events AS e ON s.event_id = e.id
LEFT JOIN seat_looks AS last ON s.id = last.schedule_id
WHERE
    e.status <> 'DRAFT'
    AND s.sale_start_at < clock_timestamp()
    AND s.event_end_at > clock_timestamp() - interval '7 days'
    AND coalesce(last.began_at, '-infinity') <= clock_timestamp() - make_interval(secs => $1::bigint)
ORDER BY coalesce(last.began_at, '-infinity')
LIMIT 1
ON CONFLICT (schedule_id) DO UPDATE
    SET began_at = excluded.began_at
    WHERE look.began_at <= excluded.began_at - make_interval(secs => $1::bigint)
RETURNING schedule_id, began_at;

-- Of the look at performance $1 that began at $5: the seats behind $2 up to $3 beside the claims on them, $4 as the
-- reservation service tells them. What differs is noted, what was noted and differs no longer is not. A look that has
-- been followed by another one says nothing.
-- name: reconcile_compare :write
WITH
look AS MATERIALIZED (
    SELECT schedule_id
    FROM seat_looks
    WHERE schedule_id = $1 AND began_at = $5
),
theirs AS MATERIALIZED (
    SELECT
        (claim ->> 'seatId')::uuid AS seat_id,
        (claim ->> 'reservationId')::uuid AS owner,
        (claim ->> 'confirmedAt')::timestamptz AS owned_since
    FROM jsonb_array_elements($4::jsonb -> 'sold') AS claim
),
ours AS MATERIALIZED (
    SELECT seat.id, seat.schedule_id, seat.sold_by, seat.sold_at, seat.freed_at
    FROM look
    INNER JOIN seats AS seat ON look.schedule_id = seat.schedule_id
    WHERE seat.id > $2 AND seat.id <= $3
),
doubtful AS MATERIALIZED (
    SELECT ours.*, theirs.owner, theirs.owned_since
    FROM ours
    LEFT JOIN theirs ON ours.id = theirs.seat_id
    WHERE ours.sold_by IS DISTINCT FROM theirs.owner
),
noted AS (
    INSERT INTO seat_doubts AS known (
        seat_id, schedule_id, sold_by, sold_at, freed_at, owner, owned_since, seen_at
    )
    SELECT id, schedule_id, sold_by, sold_at, freed_at, owner, owned_since, $5
    FROM doubtful
    ORDER BY id
    ON CONFLICT (seat_id) DO UPDATE
        SET
            sold_by = excluded.sold_by, sold_at = excluded.sold_at, freed_at = excluded.freed_at,
            owner = excluded.owner, owned_since = excluded.owned_since, seen_at = excluded.seen_at
        WHERE
        (known.sold_by, known.sold_at, known.freed_at, known.owner, known.owned_since)
        IS DISTINCT FROM (excluded.sold_by, excluded.sold_at, excluded.freed_at, excluded.owner, excluded.owned_since)
),
dispelled AS (
    DELETE FROM seat_doubts
    WHERE
        schedule_id IN (SELECT schedule_id FROM look)
        AND seat_id > $2 AND seat_id <= $3
        AND seat_id NOT IN (SELECT id FROM doubtful)
)
SELECT
    (SELECT count(*) FROM doubtful) AS doubtful,
    (SELECT count(*) FROM theirs WHERE seat_id NOT IN (SELECT id FROM ours)) AS unknown
FROM look;

-- Of the look at performance $1 that began at $2: what an earlier look, $3 seconds before or more, has found just so
-- becomes as it is over there, if the seat is as both have seen it; at most $5 seats. None is freed when more than $4
-- would be.
-- name: reconcile_repair :write
WITH
sure AS MATERIALIZED (
    SELECT d.*
    FROM seat_doubts AS d
    INNER JOIN seat_looks AS look ON d.schedule_id = look.schedule_id
    WHERE
        look.schedule_id = $1
        AND look.began_at = $2::timestamptz
        AND d.seen_at <= $2::timestamptz - make_interval(secs => $3::bigint)
        AND (
            d.owner IS NOT NULL
            OR $4::bigint >= (
                SELECT count(*)
                FROM seat_doubts
                WHERE schedule_id = $1 AND owner IS NULL
            )
        )
    ORDER BY d.seat_id
    LIMIT $5::bigint
),
repaired AS (
    UPDATE seats AS seat
    SET
        status = CASE WHEN sure.owner IS NULL THEN 'AVAILABLE' ELSE 'SOLD' END,
        sold_by = sure.owner,
        sold_at = sure.owned_since,
        freed_at = CASE
            WHEN sure.owner IS NULL THEN greatest(seat.freed_at, seat.sold_at)
            WHEN seat.freed_at < sure.owned_since THEN seat.freed_at
        END,
        version = seat.version + 1
    FROM sure
    WHERE
        seat.id = sure.seat_id
        AND (seat.sold_by, seat.sold_at, seat.freed_at)
        IS NOT DISTINCT FROM (sure.sold_by, sure.sold_at, sure.freed_at)
    RETURNING seat.id, sure.sold_by AS was, seat.sold_by AS owner
),
settled AS (
    DELETE FROM seat_doubts
    WHERE seat_id IN (SELECT id FROM repaired)
)
SELECT id, was, owner
FROM repaired;

-- How many more seats of a performance are counted as sold than are.
-- name: reconcile_miscount :read
SELECT
    seats_sold - (
        SELECT count(*)
        FROM seats
        WHERE schedule_id = $1 AND status = 'SOLD'
    ) AS more
FROM event_schedules
WHERE id = $1;

-- Nobody else changes seats of the performance and commits it until the end of the transaction: the next statement sees
-- all that others have.
-- name: reconcile_lock :read
SELECT id
FROM event_schedules
WHERE id = $1
FOR UPDATE;

-- $2 seats have changed.
-- name: reconcile_recount :write
UPDATE event_schedules
SET
    seats_version = seats_version + $2::bigint,
    seats_sold = (
        SELECT count(*)
        FROM seats
        WHERE schedule_id = $1 AND status = 'SOLD'
    )
WHERE id = $1;

-- How many seats are in doubt; of performances that nobody looks at any more they are forgotten.
-- name: reconcile_count :write
WITH
forgotten AS (
    DELETE FROM seat_doubts
    WHERE
        schedule_id IN (
            SELECT id
            FROM event_schedules
            WHERE event_end_at < clock_timestamp() - interval '8 days'
        )
    RETURNING seat_id
)
SELECT count(*) AS doubtful
FROM seat_doubts
WHERE seat_id NOT IN (SELECT seat_id FROM forgotten);
