-- Payments: one attempt to pay for one reservation, and everything needed to know its outcome later.

CREATE TABLE payment_service.payment_transitions (
    from_status text NOT NULL,
    to_status text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
COMMENT ON TABLE payment_service.payment_transitions IS 'Every change of status that is legal; the same table stands in src/payment/payment_state.c (PAY-003)';
COMMENT ON COLUMN payment_service.payment_transitions.from_status IS 'Status before the change';
COMMENT ON COLUMN payment_service.payment_transitions.to_status IS 'Status after the change';

INSERT INTO payment_service.payment_transitions (from_status, to_status) VALUES
    ('PENDING', 'SUCCESS'),
    ('PENDING', 'FAILED'),
    ('SUCCESS', 'REFUNDED');

CREATE TABLE payment_service.payments (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    reservation_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    user_id uuid NOT NULL,
    payment_key text NOT NULL UNIQUE CHECK (payment_key ~ '^[A-Za-z0-9]{32}$'),
    amount bigint NOT NULL CHECK (amount > 0),
    method text NOT NULL CHECK (method IN ('CARD')),
    status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'SUCCESS', 'FAILED', 'REFUNDED')),
    busy_until timestamptz,
    check_at timestamptz,
    checks integer NOT NULL DEFAULT 0,
    give_up_at timestamptz NOT NULL,
    portone_transaction_id text,
    portone_record jsonb,
    failure_reason text,
    paid_at timestamptz,
    failed_at timestamptz,
    refund_requested_at timestamptz,
    refund_reason text,
    refunded_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((status IN ('SUCCESS', 'REFUNDED')) = (paid_at IS NOT NULL)),
    CHECK ((status = 'FAILED') = (failed_at IS NOT NULL)),
    CHECK ((status = 'FAILED') = (failure_reason IS NOT NULL)),
    CHECK (status <> 'REFUNDED' OR refunded_at IS NOT NULL),
    CHECK (refunded_at IS NULL OR refund_requested_at IS NOT NULL),
    CHECK ((refund_requested_at IS NULL) = (refund_reason IS NULL))
);
COMMENT ON TABLE payment_service.payments IS 'One attempt to pay for one reservation (PAY-006). Kept for seven years';
COMMENT ON COLUMN payment_service.payments.id IS 'Payment id';
COMMENT ON COLUMN payment_service.payments.reservation_id IS 'What is paid for, an id of the reservation service';
COMMENT ON COLUMN payment_service.payments.schedule_id IS 'Its performance, for the check of the queue token';
COMMENT ON COLUMN payment_service.payments.user_id IS 'Who pays';
COMMENT ON COLUMN payment_service.payments.payment_key IS 'The paymentId that PortOne knows';
COMMENT ON COLUMN payment_service.payments.amount IS 'Won';
COMMENT ON COLUMN payment_service.payments.method IS 'How it is paid';
COMMENT ON COLUMN payment_service.payments.status IS 'PENDING: no outcome known; SUCCESS: charged; FAILED: will not be charged, or was and gets it back; REFUNDED: charged and given back';
COMMENT ON COLUMN payment_service.payments.busy_until IS 'Until then one process is finding out the outcome and others keep off';
COMMENT ON COLUMN payment_service.payments.check_at IS 'When payment-saga asks PortOne next; NULL: nothing is left to ask';
COMMENT ON COLUMN payment_service.payments.checks IS 'How often it has asked, for the growing pause';
COMMENT ON COLUMN payment_service.payments.give_up_at IS 'Before that time a payment that PortOne does not know as paid is not given up';
COMMENT ON COLUMN payment_service.payments.portone_transaction_id IS 'PortOne''s id of the attempt that was charged';
COMMENT ON COLUMN payment_service.payments.portone_record IS 'PortOne''s record as it was when the outcome was decided';
COMMENT ON COLUMN payment_service.payments.failure_reason IS 'Why it failed';
COMMENT ON COLUMN payment_service.payments.paid_at IS 'When it was charged';
COMMENT ON COLUMN payment_service.payments.failed_at IS 'When it was given up';
COMMENT ON COLUMN payment_service.payments.refund_requested_at IS 'The money must go back; payment-saga sees to it. Also of a FAILED payment that was charged all the same';
COMMENT ON COLUMN payment_service.payments.refund_reason IS 'Why the money goes back';
COMMENT ON COLUMN payment_service.payments.refunded_at IS 'When PortOne had given the money back';
COMMENT ON COLUMN payment_service.payments.created_at IS 'When the buyer began to pay';

CREATE UNIQUE INDEX payments_one_live ON payment_service.payments (reservation_id) WHERE status IN ('PENDING', 'SUCCESS');
CREATE INDEX payments_of_user ON payment_service.payments (user_id, id DESC);
CREATE INDEX payments_to_check ON payment_service.payments (check_at) WHERE check_at IS NOT NULL;

CREATE FUNCTION payment_service.check_payment_status() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'PENDING' THEN
            RAISE EXCEPTION 'a payment begins as PENDING' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.status <> OLD.status AND NOT EXISTS (
            SELECT FROM payment_service.payment_transitions
            WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'a payment does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION payment_service.check_payment_status() IS 'Refuses a change of status that payment_transitions does not list';

CREATE TRIGGER payments_status BEFORE INSERT OR UPDATE OF status ON payment_service.payments
    FOR EACH ROW EXECUTE FUNCTION payment_service.check_payment_status();

CREATE TABLE payment_service.webhook_events (
    webhook_id text PRIMARY KEY,
    payment_key text NOT NULL,
    type text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE payment_service.webhook_events IS 'PortOne''s webhooks, each once (PAY-WEBHOOK)';
COMMENT ON COLUMN payment_service.webhook_events.webhook_id IS 'webhook-id header, the same for every delivery';
COMMENT ON COLUMN payment_service.webhook_events.payment_key IS 'The paymentId that PortOne knows';
COMMENT ON COLUMN payment_service.webhook_events.type IS 'Transaction.Paid and the like';
COMMENT ON COLUMN payment_service.webhook_events.received_at IS 'First delivery';

CREATE TABLE payment_service.idempotency_keys (
    user_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, route, key)
);
COMMENT ON TABLE payment_service.idempotency_keys IS 'First answers of requests with an Idempotency-Key, for 24 hours';
COMMENT ON COLUMN payment_service.idempotency_keys.user_id IS 'Who asked';
COMMENT ON COLUMN payment_service.idempotency_keys.route IS 'Method and path';
COMMENT ON COLUMN payment_service.idempotency_keys.key IS 'The client''s key';
COMMENT ON COLUMN payment_service.idempotency_keys.fingerprint IS 'SHA-256 of the body';
COMMENT ON COLUMN payment_service.idempotency_keys.answer IS 'The answer''s JSON; NULL only inside the transaction that does the work';
COMMENT ON COLUMN payment_service.idempotency_keys.created_at IS 'When it was first asked';
CREATE INDEX idempotency_keys_age ON payment_service.idempotency_keys (created_at);

GRANT SELECT ON payment_service.payment_transitions TO payment_service;
GRANT SELECT, INSERT, UPDATE ON payment_service.payments TO payment_service;
GRANT SELECT, INSERT ON payment_service.webhook_events TO payment_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON payment_service.idempotency_keys TO payment_service;
REVOKE ALL ON FUNCTION payment_service.check_payment_status() FROM PUBLIC;
