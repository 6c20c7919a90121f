-- The life of a payment as one machine: what is asked next of PortOne about each, and until when (docs/payment.md).

ALTER TABLE payment_service.payments
    ADD COLUMN question text,
    ADD COLUMN question_ends_at timestamptz,
    ADD COLUMN hold_ends_at timestamptz,
    ADD COLUMN turn bigint NOT NULL DEFAULT 0,
    ADD COLUMN nudges bigint NOT NULL DEFAULT 0,
    ADD COLUMN charge_key text,
    ADD COLUMN superseded boolean NOT NULL DEFAULT false,
    ADD COLUMN refunded_amount bigint CHECK (refunded_amount >= 0),
    DROP CONSTRAINT payments_amount_check,
    ADD CONSTRAINT payments_amount_check CHECK (amount >= 0);

UPDATE payment_service.payments
SET
    hold_ends_at = give_up_at,
    question = CASE
        WHEN refund_requested_at IS NOT NULL AND refunded_at IS NULL THEN 'REFUND'
        WHEN status = 'PENDING' THEN 'CHARGED' -- what was begun before is settled as if our charge were out
        WHEN status = 'FAILED' AND refunded_at IS NULL AND failed_at > clock_timestamp() - interval '3 days' THEN 'LATE'
    END;
UPDATE payment_service.payments
SET
    question_ends_at = CASE question
        WHEN 'CHARGED' THEN give_up_at
        WHEN 'LATE' THEN failed_at + interval '3 days'
    END,
    check_at = CASE WHEN question IS NOT NULL THEN coalesce(check_at, clock_timestamp()) END;

-- One payment for one reservation. Before, an attempt could fail and another be begun.
UPDATE payment_service.payments AS earlier
SET superseded = true
FROM payment_service.payments AS later
WHERE earlier.reservation_id = later.reservation_id AND earlier.id < later.id;
DROP INDEX payment_service.payments_one_live;
CREATE UNIQUE INDEX payments_of_reservation ON payment_service.payments (reservation_id) WHERE NOT superseded;

CREATE INDEX payments_open ON payment_service.payments (check_at) WHERE question IN ('PAID', 'CHARGED');
CREATE INDEX payments_refunds ON payment_service.payments (check_at) WHERE question = 'REFUND';

ALTER TABLE payment_service.payments
    ALTER COLUMN hold_ends_at SET NOT NULL,
    ADD CONSTRAINT payments_question CHECK (
        CASE status
            WHEN 'PENDING' THEN coalesce(question, '') IN ('PAID', 'CHARGED')
            WHEN 'SUCCESS' THEN coalesce(question, 'REFUND') IN ('REFUND', 'TAKEN_BACK')
            WHEN 'FAILED' THEN coalesce(question, 'REFUND') IN ('REFUND', 'LATE')
            ELSE question IS NULL
        END),
    ADD CONSTRAINT payments_question_is_due CHECK ((question IS NULL) = (check_at IS NULL)),
    ADD CONSTRAINT payments_refund_is_asked_for CHECK (question IS DISTINCT FROM 'REFUND' OR refund_requested_at IS NOT NULL);

COMMENT ON COLUMN payment_service.payments.question IS 'What PortOne is asked about it next: PAID, CHARGED, LATE, TAKEN_BACK, REFUND; the same table stands in src/payment/payment_state.c';
COMMENT ON COLUMN payment_service.payments.question_ends_at IS 'From then on an answer that decides nothing ends the question; NULL: it is asked until decided';
COMMENT ON COLUMN payment_service.payments.check_at IS 'When it is asked; NULL with the question';
COMMENT ON COLUMN payment_service.payments.checks IS 'How often the question was asked, for the growing pause';
COMMENT ON COLUMN payment_service.payments.hold_ends_at IS 'When the hold on the seats ends: shortly before, PortOne is asked once more';
COMMENT ON COLUMN payment_service.payments.give_up_at IS 'Fixed with the order: from then on nothing is charged, and what is not paid is given up';
COMMENT ON COLUMN payment_service.payments.turn IS 'Counts who works on it: what a process finds out counts only while the turn is its own';
COMMENT ON COLUMN payment_service.payments.nudges IS 'Counts the hints that PortOne knows more: who is at work when one comes leaves the question due at once';
COMMENT ON COLUMN payment_service.payments.charge_key IS 'Under which our charge was sent to PortOne: only the same one is sent again while it may be out';
COMMENT ON COLUMN payment_service.payments.superseded IS 'A failed attempt of the time when a reservation could have several; still asked about';
COMMENT ON COLUMN payment_service.payments.refunded_amount IS 'Won that PortOne has given back; less than the amount when a part was';
COMMENT ON COLUMN payment_service.payments.amount IS 'Won; 0: nothing to charge, PortOne never hears of it';

-- A charge that PortOne has taken back ends the ticket.
ALTER TABLE reservation_service.reservations
    DROP CONSTRAINT reservations_cancel_reason_check,
    ADD CONSTRAINT reservations_cancel_reason_check CHECK (
        cancel_reason IN ('USER_REQUEST', 'PAYMENT_FAILED', 'PAYMENT_REFUNDED', 'HOLD_TIMEOUT', 'EVENT_CANCELLED'));
