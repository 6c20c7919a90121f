-- Statements of the reservation service: reservations, and the seat claims that decide who owns a seat.
-- role: reservation_service

-- Takes all the seats or none; raises BX001 (a seat is taken), BX002 (the buyer holds seats of this performance).
-- name: reservation_hold :write
SELECT total_amount, hold_expires_at
FROM hold_seats($1::uuid, $2::uuid, $3::uuid, $4::bigint, $5::jsonb, $6::jsonb);

-- The same once for all requests with one Idempotency-Key.
-- name: reservation_hold_once :write
SELECT total_amount, hold_expires_at, key_state, stored
FROM
    hold_seats_once(
        $7, $8, $9::bytea, $10::jsonb, $1::uuid, $2::uuid, $3::uuid, $4::bigint, $5::jsonb, $6::jsonb
    );

-- ---- reading and locking reservations ----

-- A reservation with its seats, as reservation_read_row() takes it. json_read() wants an object, hence the list in one.
{% set reservation_row %}
SELECT
    r.id, r.user_id, r.schedule_id, r.status, r.total_amount, r.hold_expires_at, r.secured_by,
    r.event_id, r.event_title, r.artist, r.venue_name, r.hall_name, r.event_start_at,
    r.ticket_number, r.confirmed_at, r.created_at,
    r.hold_expires_at < clock_timestamp() AND r.secured_by IS NULL AS lapsed,
    (
        SELECT
            jsonb_build_object('list', jsonb_agg(
                jsonb_build_object(
                    'seatId', s.seat_id, 'seatNumber', s.seat_number, 'grade', s.grade, 'price', s.price
                )
                ORDER BY s.seat_id
            ))
        FROM reservation_seats AS s
        WHERE s.reservation_id = r.id
    ) AS seats
FROM reservations AS r
{% endset %}

-- name: reservation_get :read
{{ reservation_row }}
WHERE r.id = $1;

-- name: reservation_lock :read
{{ reservation_row }}
WHERE r.id = $1
FOR UPDATE OF r;

-- The hold that lapsed first. Several sweepers share the work: each passes over what another one has locked, and
-- takes one at a time, so that a transaction holds no more than one reservation.
-- name: reservation_lock_lapsed :read
{{ reservation_row }}
WHERE r.status = 'PENDING' AND r.secured_by IS NULL AND r.hold_expires_at < statement_timestamp()
ORDER BY r.hold_expires_at
LIMIT 1
FOR UPDATE OF r SKIP LOCKED;

-- The lapsed hold that stands in its own buyer's way. It waits for a sweeper that has it, and then finds nothing.
-- name: reservation_lock_lapsed_of :read
{{ reservation_row }}
WHERE
    r.user_id = $1 AND r.schedule_id = $2
    AND r.status = 'PENDING' AND r.secured_by IS NULL AND r.hold_expires_at < clock_timestamp()
FOR UPDATE OF r;

-- Newest first: ids are UUIDs of version 7.
-- name: reservation_list :read
{{ reservation_row }}
WHERE r.user_id = $1
ORDER BY r.id DESC
LIMIT $2::bigint OFFSET $3::bigint;

-- name: reservation_count :read
SELECT count(*) AS total
FROM reservations
WHERE user_id = $1;

-- What a buyer would lose by going now.
-- name: reservation_standing :read
SELECT
    count(*) FILTER (WHERE status = 'CONFIRMED' AND event_start_at > clock_timestamp()) AS tickets,
    count(*) FILTER (
        WHERE status = 'PENDING' AND (secured_by IS NOT NULL OR hold_expires_at > clock_timestamp())
    ) AS pending
FROM reservations
WHERE user_id = $1;

-- name: reservation_live_seats :read
SELECT count(*) AS seats
FROM seat_claims
WHERE schedule_id = $1 AND (sold OR expires_at > clock_timestamp());

-- What is sold of performance $1 behind seat $2, at most $3 seats in the order of their ids.
-- name: reservation_sold :read
SELECT c.seat_id, c.reservation_id, r.confirmed_at
FROM seat_claims AS c
INNER JOIN reservations AS r ON c.reservation_id = r.id
WHERE c.schedule_id = $1 AND c.seat_id > $2 AND c.sold
ORDER BY c.seat_id
LIMIT $3::bigint;

-- ---- claims ----

-- The claims that reservation $1 still owns, locked in the order in which holds take them. Locking looks at each row
-- as it is now, so a seat that has just been taken over is not among them.
{% set owned_claims %}
WITH owned AS (
    SELECT schedule_id, seat_id
    FROM seat_claims
    WHERE reservation_id = $1
    ORDER BY schedule_id, seat_id
    FOR UPDATE
)
{% endset %}

-- All $2 seats or none: a payment may be in flight only for a reservation that is still whole.
-- name: reservation_claims_secure :write
{{ owned_claims }}
UPDATE seat_claims AS c
SET expires_at = 'infinity'
FROM owned AS o
WHERE
    c.schedule_id = o.schedule_id AND c.seat_id = o.seat_id
    AND $2::bigint = (SELECT count(*) FROM owned);

-- The seats end with the hold again, at $2.
-- name: reservation_claims_unsecure :write
{{ owned_claims }}
UPDATE seat_claims AS c
SET expires_at = $2
FROM owned AS o
WHERE c.schedule_id = o.schedule_id AND c.seat_id = o.seat_id;

-- All $2 seats or none, whether or not their hold has lapsed meanwhile.
-- name: reservation_claims_sell :write
{{ owned_claims }}
UPDATE seat_claims AS c
SET sold = TRUE, expires_at = 'infinity'
FROM owned AS o
WHERE
    c.schedule_id = o.schedule_id AND c.seat_id = o.seat_id
    AND $2::bigint = (SELECT count(*) FROM owned);

-- name: reservation_claims_free :write
{{ owned_claims }}
DELETE FROM seat_claims AS c
USING owned AS o
WHERE c.schedule_id = o.schedule_id AND c.seat_id = o.seat_id;

-- What the mirror has to know: the claims in force of the whole performance $1, or of the seats $2. left_ms is a
-- duration, since Redis counts by its own clock; NULL without end.
-- name: reservation_claims_live :read
SELECT
    c.seat_id, r.user_id, c.reservation_id, c.sold,
    CASE
        WHEN c.expires_at = 'infinity' THEN NULL
        ELSE ceil(extract(EPOCH FROM c.expires_at - clock_timestamp()) * 1000)::bigint
    END AS left_ms
FROM seat_claims AS c
INNER JOIN reservations AS r ON c.reservation_id = r.id
WHERE
    c.schedule_id = $1
    AND c.expires_at > clock_timestamp()
    AND ($2::uuid[] IS NULL OR c.seat_id = any($2));

-- ---- changing a reservation that is locked ----

-- For the payment $2, about which the payment service is asked after $3 seconds; NULL: for none.
-- name: reservation_secure :write
UPDATE reservations
SET
    secured_by = $2,
    secured_check_at = CASE WHEN $2::uuid IS NOT NULL THEN clock_timestamp() + make_interval(secs => $3::bigint) END
WHERE id = $1;

-- The secured hold that has been due longest; it is due again after $1 seconds. Several processes share the work.
-- name: reservation_take_secured :write
UPDATE reservations
SET secured_check_at = clock_timestamp() + make_interval(secs => $1::bigint)
WHERE
    id = (
        SELECT id
        FROM reservations
        WHERE
            status = 'PENDING' AND secured_by IS NOT NULL
            AND coalesce(secured_check_at, '-infinity') < statement_timestamp()
        ORDER BY coalesce(secured_check_at, '-infinity')
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
RETURNING id, secured_by;

-- name: reservation_confirm :write
UPDATE reservations
SET status = $2, secured_by = $3, ticket_number = $4, confirmed_at = clock_timestamp()
WHERE id = $1
RETURNING confirmed_at;

-- name: reservation_cancel :write
UPDATE reservations
SET status = $2, cancel_reason = $3, cancelled_at = clock_timestamp()
WHERE id = $1
RETURNING cancelled_at;
