-- Statements of the payment service: payments, what is asked about them, refunds, and PortOne's webhooks.
-- role: payment_service

-- A payment, as payment_read_row() takes it.
{% set payment_columns -%}
    id, reservation_id, schedule_id, user_id, payment_key, amount, method, status,
    question, coalesce(question_ends_at < clock_timestamp(), FALSE) AS over, checks, turn, nudges, hold_ends_at,
    failure_reason, paid_at, refund_requested_at, refund_reason, refunded_at,
    coalesce(refunded_amount, 0) AS refunded_amount,
    portone_record #>> '{method,card,name}' AS card_name,
    portone_record #>> '{method,card,number}' AS card_number,
    created_at
{%- endset %}

-- When a question is asked next: after a pause, but not later than shortly before the hold ends, while there is still
-- time to secure the seats of what turns out to be paid, and from then on four times as often; and not later than the
-- question's own end.
{% macro next_check(pause, before, hold_ends_at="hold_ends_at", question_ends_at="question_ends_at") -%}
    least(
        clock_timestamp() + make_interval(secs => {{ pause }}::bigint),
        CASE
            WHEN {{ hold_ends_at }} > clock_timestamp() + make_interval(secs => {{ before }}::bigint)
                THEN {{ hold_ends_at }} - make_interval(secs => {{ before }}::bigint)
            WHEN {{ hold_ends_at }} > clock_timestamp()
                THEN least(
                    clock_timestamp() + make_interval(secs => {{ before }}::bigint / 6.0),
                    greatest({{ hold_ends_at }} - interval '1 s', clock_timestamp() + interval '0.5 s')
                )
        END,
        CASE WHEN {{ question_ends_at }} > clock_timestamp() THEN {{ question_ends_at }} END
    )
{%- endmacro %}

-- ---- orders ----

-- A reservation has one payment; a second order for it inserts nothing and takes the first. $7 when the hold ends, $8
-- seconds after that until it is given up, $9 seconds until PortOne is asked, or so that it is $10 before the hold's
-- end.
-- name: payment_insert :write
INSERT INTO payments (
    reservation_id, schedule_id, user_id, payment_key, amount, method,
    hold_ends_at, give_up_at, question, question_ends_at, check_at
)
VALUES (
    $1, $2, $3, $4, $5, $6,
    $7::timestamptz, $7::timestamptz + make_interval(secs => $8::bigint),
    'PAID', $7::timestamptz + make_interval(secs => $8::bigint),
    {{ next_check("$9", "$10", "$7::timestamptz", "NULL::timestamptz") | indent(4) }}
)
ON CONFLICT (reservation_id) WHERE NOT superseded DO NOTHING;

-- name: payment_of_reservation :read
SELECT
    {{ payment_columns }}
FROM payments
WHERE reservation_id = $1 AND NOT superseded;

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

-- ---- taking turns: one process at a time finds out about a payment, for a limited time ----

-- A look at PortOne's record, for $2 seconds. It moves no deadline.
-- name: payment_begin_look :write
UPDATE payments
SET busy_until = clock_timestamp() + make_interval(secs => $2::bigint), turn = turn + 1
WHERE id = $1 AND status = 'PENDING' AND (busy_until IS NULL OR busy_until < clock_timestamp())
RETURNING
    {{ payment_columns }};

-- Whoever goes on to act outside has $3 seconds for it from now, if the turn $2 is still the last.
-- name: payment_renew_turn :write
UPDATE payments
SET busy_until = clock_timestamp() + make_interval(secs => $3::bigint)
WHERE id = $1 AND turn = $2::bigint;

-- Our own charge, under the key $3, for $2 seconds. Nothing is charged once it is given up, nor another charge while
-- one may be under way; the same one may be sent again, which PortOne knows by its key, and has as long to arrive as
-- the first. Somebody who only looks whether the buyer has paid is no hindrance: that turn is over with this one.
-- name: payment_begin_charge :write
UPDATE payments
SET
    busy_until = clock_timestamp() + make_interval(secs => $2::bigint), turn = turn + 1,
    question = 'CHARGED', charge_key = $3, checks = 0,
    question_ends_at = clock_timestamp() + make_interval(secs => $2::bigint),
    check_at = clock_timestamp() + make_interval(secs => $2::bigint)
WHERE
    id = $1 AND status = 'PENDING' AND give_up_at > clock_timestamp()
    AND (
        question = 'PAID'
        OR (charge_key = $3 AND (busy_until IS NULL OR busy_until < clock_timestamp()))
    )
RETURNING
    old.question = 'CHARGED' AS again,
    {{ payment_columns }};

-- The payment that has been due longest and is nobody's, seats that wait first, then money; several sagas
-- share the work. The statement's own time is a bound that an index can use, unlike the clock's.
{% macro due_longest(more) -%}
    SELECT id
    FROM payments
    WHERE
        check_at < statement_timestamp() AND (busy_until IS NULL OR busy_until < statement_timestamp()){{ more }}
    ORDER BY check_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
{%- endmacro %}

{% set turn_ends -%}
    clock_timestamp()
    + make_interval(secs => CASE question WHEN 'PAID' THEN $2::bigint ELSE $1::bigint END)
{%- endset %}

-- For $2 seconds to see whether the buyer has paid, for $1 to find out anything else.
-- name: payment_take_due :write
UPDATE payments
SET
    busy_until = {{ turn_ends }}, turn = turn + 1,
    check_at = {{ turn_ends }}, checks = checks + 1
WHERE
    id = coalesce(
        (
            {{ due_longest(" AND question IN ('PAID', 'CHARGED')") | indent(12) }}
        ),
        (
            {{ due_longest(" AND question = 'REFUND'") | indent(12) }}
        ),
        (
            {{ due_longest("") | indent(12) }}
        )
    )
RETURNING
    {{ payment_columns }};

-- ---- what became of a question; each ends the turn ----

-- name: payment_ask_again :write
UPDATE payments
SET busy_until = NULL, check_at = {{ next_check("$2", "$3") }}
WHERE id = $1;

-- name: payment_let_go :write
UPDATE payments
SET
    busy_until = NULL, question = 'PAID', question_ends_at = give_up_at, checks = 0,
    check_at = {{ next_check("$2", "$3", question_ends_at="give_up_at") }}
WHERE id = $1;

-- name: payment_rest :write
UPDATE payments
SET busy_until = NULL, question = NULL, question_ends_at = NULL, check_at = NULL
WHERE id = $1;

-- name: payment_succeed :write
UPDATE payments
SET
    status = $2, paid_at = $3, portone_transaction_id = $4, portone_record = $5,
    busy_until = NULL, question = NULL, question_ends_at = NULL, check_at = NULL
WHERE id = $1;

-- $5 the question that is left, if any, which ends in $6 seconds and is due in $7.
-- name: payment_fail :write
UPDATE payments
SET
    status = $2, failed_at = clock_timestamp(), failure_reason = $3, portone_record = $4,
    busy_until = NULL, question = $5, checks = 0,
    question_ends_at = CASE WHEN $5::text IS NOT NULL THEN clock_timestamp() + make_interval(secs => $6::bigint) END,
    check_at = CASE WHEN $5::text IS NOT NULL THEN clock_timestamp() + make_interval(secs => $7::bigint) END
WHERE id = $1
RETURNING failed_at;

-- What PortOne has given back, $3 won. Who had not asked for it finds out why.
-- name: payment_refunded :write
UPDATE payments
SET
    status = $2, refunded_at = clock_timestamp(), refunded_amount = $3,
    refund_requested_at = coalesce(refund_requested_at, clock_timestamp()),
    refund_reason = coalesce(refund_reason, 'TAKEN_BACK_AT_PROVIDER'),
    busy_until = NULL, question = NULL, question_ends_at = NULL, check_at = NULL
WHERE id = $1
RETURNING refunded_at, refund_reason;

-- name: payment_note_part :write
UPDATE payments
SET
    refunded_amount = $2,
    busy_until = NULL, question = NULL, question_ends_at = NULL, check_at = NULL
WHERE id = $1;

-- ---- hints that there is more to find out; none ends anybody's turn ----

-- PortOne knows more: due at once, never later than before, and again at once if somebody is at work right now. A
-- question that had ended is asked once more and no longer. A hint about a cancellation ($2) is one for a SUCCESS too.
{% set nudge -%}
UPDATE payments
SET
    nudges = nudges + 1, check_at = least(check_at, clock_timestamp()),
    question = coalesce(question, CASE status WHEN 'FAILED' THEN 'LATE' WHEN 'SUCCESS' THEN 'TAKEN_BACK' END),
    question_ends_at = CASE WHEN question IS NULL THEN clock_timestamp() ELSE question_ends_at END
{%- endset %}
{% set may_know_more -%}
(status IN ('PENDING', 'FAILED') OR (status = 'SUCCESS' AND ($2::boolean OR question IS NOT NULL)))
    AND refunded_at IS NULL
{%- endset %}

-- name: payment_nudge :write
{{ nudge }}
WHERE id = $1 AND {{ may_know_more }};

-- name: payment_webhook_nudge :write
{{ nudge }}
WHERE payment_key = $1 AND {{ may_know_more }};

-- The seats are given back: what is not paid by now is given up.
-- name: payment_give_up :write
UPDATE payments
SET
    give_up_at = least(give_up_at, clock_timestamp()),
    question_ends_at = CASE question
        WHEN 'PAID' THEN least(question_ends_at, clock_timestamp())
        ELSE question_ends_at
    END,
    nudges = nudges + 1, check_at = least(check_at, clock_timestamp())
WHERE reservation_id = $1 AND status = 'PENDING';

-- ---- refunds ----

-- A refund is asked for once, and due at once; whoever is at work on it finds nothing out any more.
{% set ask_for_refund -%}
UPDATE payments
SET
    refund_requested_at = clock_timestamp(), refund_reason = $2,
    question = 'REFUND', question_ends_at = NULL, checks = 0,
    check_at = clock_timestamp(), busy_until = NULL, turn = turn + 1
{%- endset %}

-- FAILED too: its money may have moved after all.
-- name: payment_request_refund :write
{{ ask_for_refund }}
WHERE id = $1 AND status IN ('SUCCESS', 'FAILED') AND refund_requested_at IS NULL;

-- name: payment_request_refund_of_reservation :write
{{ ask_for_refund }}
WHERE reservation_id = $1 AND status = 'SUCCESS' AND refund_requested_at IS NULL;

-- ---- webhooks ----

-- PortOne repeats what it has not seen answered; each is stored once.
-- name: payment_webhook_store :write
INSERT INTO webhook_events (webhook_id, payment_key, type)
VALUES ($1, $2, $3)
ON CONFLICT (webhook_id) DO NOTHING
RETURNING coalesce((SELECT amount > 0 FROM payments AS p WHERE p.payment_key = $2), false) AS expected;
