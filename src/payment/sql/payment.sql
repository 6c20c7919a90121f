-- Statements of the payment service: payments, their settlement and refunds, and PortOne's webhooks.
-- role: payment_service

-- A payment, as payment_read_row() takes it.
{% set payment_columns -%}
    id, reservation_id, schedule_id, user_id, payment_key, amount, method, status, checks,
    give_up_at < clock_timestamp() AS overdue,
    failure_reason, paid_at, refund_requested_at, refund_reason, refunded_at,
    portone_record #>> '{method,card,name}' AS card_name,
    portone_record #>> '{method,card,number}' AS card_number,
    created_at
{%- endset %}

-- ---- orders ----

-- A reservation has one live payment; a second order for it inserts nothing and takes the first.
-- name: payment_insert :write
INSERT INTO payments (reservation_id, schedule_id, user_id, payment_key, amount, method, give_up_at, check_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (reservation_id) WHERE status IN ('PENDING', 'SUCCESS') DO NOTHING;

-- name: payment_live_of_reservation :read
SELECT
    {{ payment_columns }}
FROM payments
WHERE reservation_id = $1 AND status IN ('PENDING', 'SUCCESS');

-- name: payment_get :read
SELECT
    {{ payment_columns }}
FROM payments
WHERE id = $1;

-- name: payment_lock :read
SELECT
    {{ payment_columns }}
FROM payments
WHERE id = $1
FOR UPDATE;

-- Newest first: ids are UUIDs of version 7.
-- name: payment_list :read
SELECT
    {{ payment_columns }}
FROM payments
WHERE user_id = $1
ORDER BY id DESC
LIMIT $2::bigint OFFSET $3::bigint;

-- name: payment_count :read
SELECT count(*) AS total
FROM payments
WHERE user_id = $1;

-- ---- settlement: who works on a payment, and when it is looked at next ----

-- One confirm at a time; $2 seconds until it counts as lost and payment-saga asks PortOne instead.
-- name: payment_begin_confirm :write
UPDATE payments
SET
    busy_until = clock_timestamp() + make_interval(secs => $2::bigint),
    check_at = clock_timestamp() + make_interval(secs => $2::bigint),
    checks = 0,
    give_up_at = greatest(give_up_at, clock_timestamp() + make_interval(secs => $3::bigint))
WHERE id = $1 AND status = 'PENDING' AND (busy_until IS NULL OR busy_until < clock_timestamp());

-- The payment that has been due longest and is nobody's; several sagas share the work.
-- name: payment_take_due :write
UPDATE payments
SET
    busy_until = clock_timestamp() + make_interval(secs => $1::bigint),
    check_at = clock_timestamp() + make_interval(secs => $1::bigint),
    checks = checks + 1
WHERE
    id = (
        SELECT id
        FROM payments
        WHERE check_at < clock_timestamp() AND (busy_until IS NULL OR busy_until < clock_timestamp())
        ORDER BY check_at
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
RETURNING
    {{ payment_columns }};

-- Still open: again in $2 seconds.
-- name: payment_postpone :write
UPDATE payments
SET busy_until = NULL, check_at = clock_timestamp() + make_interval(secs => $2::bigint)
WHERE id = $1 AND (status = 'PENDING' OR (refund_requested_at IS NOT NULL AND refunded_at IS NULL));

-- Nothing more to ask.
-- name: payment_rest :write
UPDATE payments
SET busy_until = NULL, check_at = NULL
WHERE id = $1 AND status <> 'PENDING';

-- ---- outcomes ----

-- name: payment_succeed :write
UPDATE payments
SET
    status = $2, paid_at = $3, portone_transaction_id = $4, portone_record = $5,
    busy_until = NULL, check_at = NULL
WHERE id = $1;

-- name: payment_fail :write
UPDATE payments
SET
    status = $2, failed_at = clock_timestamp(), failure_reason = $3, portone_record = $4,
    busy_until = NULL, check_at = NULL
WHERE id = $1
RETURNING failed_at;

-- ---- refunds ----

-- A refund is asked for once, and due at once.
{% set ask_for_refund %}
UPDATE payments
SET
    refund_requested_at = clock_timestamp(), refund_reason = $2,
    check_at = clock_timestamp(), busy_until = NULL, checks = 0
{% endset %}

-- FAILED too: its money may have moved after all.
-- name: payment_request_refund :write
{{ ask_for_refund }}
WHERE id = $1 AND status IN ('SUCCESS', 'FAILED') AND refund_requested_at IS NULL;

-- name: payment_request_refund_of_reservation :write
{{ ask_for_refund }}
WHERE reservation_id = $1 AND status = 'SUCCESS' AND refund_requested_at IS NULL;

-- name: payment_refunded :write
UPDATE payments
SET status = $2, refunded_at = clock_timestamp(), busy_until = NULL, check_at = NULL
WHERE id = $1
RETURNING refunded_at;

-- ---- webhooks ----

-- PortOne repeats what it has not seen answered; each is stored once.
-- name: payment_webhook_store :write
INSERT INTO webhook_events (webhook_id, payment_key, type)
VALUES ($1, $2, $3)
ON CONFLICT (webhook_id) DO NOTHING;

-- A webhook is no evidence: it only makes the payment due.
-- name: payment_webhook_nudge :write
UPDATE payments
SET check_at = clock_timestamp()
WHERE payment_key = $1 AND status IN ('PENDING', 'FAILED') AND refunded_at IS NULL;
