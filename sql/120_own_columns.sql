-- Between services: who may change what, where a role may go, what is kept of a buyer, and seats that nobody pays for.

-- ---- a role for the operator's command that makes administrators; the user service makes none ----

DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'user_admin') THEN
        CREATE ROLE user_admin LOGIN NOINHERIT;
        ALTER ROLE user_admin SET search_path = user_service;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO user_admin', current_database());
END
$roles$;
GRANT USAGE ON SCHEMA user_service TO user_admin;
GRANT SELECT (id, email_hash, status), UPDATE (role, updated_at) ON user_service.users TO user_admin;

-- ---- columns: ids, owners, amounts, roles and times of what has happened are written once ----

REVOKE INSERT, UPDATE ON user_service.users FROM user_service;
GRANT INSERT (id, email, email_hash, name, phone, phone_hash, ci, ci_hash, di, password_hash),
      UPDATE (email, email_hash, name, phone, phone_hash, ci, ci_hash, di, password_hash, status, locked_until,
              last_login_at, updated_at, deleted_at)
ON user_service.users TO user_service;

REVOKE UPDATE ON user_service.refresh_tokens, user_service.email_codes FROM user_service;
GRANT UPDATE (rotated_at, revoked_at) ON user_service.refresh_tokens TO user_service;
GRANT UPDATE (attempts, verified_at) ON user_service.email_codes TO user_service;

REVOKE INSERT ON user_service.terms_agreements, user_service.login_history FROM user_service;
GRANT INSERT (user_id, type, version, agreed) ON user_service.terms_agreements TO user_service;
GRANT INSERT (user_id, method, result, ip, user_agent) ON user_service.login_history TO user_service;

REVOKE UPDATE ON event_service.venues, event_service.halls, event_service.events, event_service.event_schedules,
                 event_service.event_prices FROM event_service;
GRANT UPDATE (name, address, city, updated_at) ON event_service.venues TO event_service;
GRANT UPDATE (name, capacity, seat_template, updated_at) ON event_service.halls TO event_service;
GRANT UPDATE (venue_id, hall_id, title, artist, description, poster_url, status, updated_at, deleted_at)
ON event_service.events TO event_service;
GRANT UPDATE (play_sequence, event_start_at, event_end_at, sale_start_at, sale_end_at, status, admission_rate,
              queue_capacity, seats_total, seats_sold, seats_version, updated_at)
ON event_service.event_schedules TO event_service;
GRANT UPDATE (price) ON event_service.event_prices TO event_service;

-- What is paid for a seat was fixed when its performance was made (seats.price), and for a reservation with its hold.
REVOKE UPDATE ON reservation_service.reservations, reservation_service.seat_claims,
                 reservation_service.idempotency_keys FROM reservation_service;
GRANT UPDATE (reservation_id, expires_at, sold) ON reservation_service.seat_claims TO reservation_service;
GRANT UPDATE (fingerprint, answer, created_at) ON reservation_service.idempotency_keys TO reservation_service;

REVOKE INSERT ON payment_service.webhook_events, reservation_service.check_ins FROM payment_service, reservation_service;
GRANT INSERT (webhook_id, payment_key, type) ON payment_service.webhook_events TO payment_service;
GRANT INSERT (reservation_id, checked_by) ON reservation_service.check_ins TO reservation_service;
REVOKE UPDATE ON payment_service.idempotency_keys FROM payment_service;
GRANT UPDATE (fingerprint, answer, created_at) ON payment_service.idempotency_keys TO payment_service;

-- A seat that is sold goes to nobody else: it is given back first.
CREATE FUNCTION reservation_service.refuse_sold_seat() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    RAISE EXCEPTION 'a seat that is sold has an owner' USING ERRCODE = 'check_violation';
END $$;
COMMENT ON FUNCTION reservation_service.refuse_sold_seat() IS 'Refuses a new owner of a claim that is sold';
REVOKE ALL ON FUNCTION reservation_service.refuse_sold_seat() FROM PUBLIC;
CREATE TRIGGER seat_claims_sold BEFORE UPDATE OF reservation_id ON reservation_service.seat_claims
    FOR EACH ROW WHEN (OLD.sold AND NEW.reservation_id <> OLD.reservation_id)
    EXECUTE FUNCTION reservation_service.refuse_sold_seat();

-- ---- our roles go into our database only ----

-- Those that every server has, where the owner of ours may say so. Others are for their owners to close; pg_hba.conf of
-- the local stack closes all.
DO $others$
DECLARE
    other name;
BEGIN
    FOR other IN
        SELECT datname
        FROM pg_database
        WHERE datname IN ('postgres', 'template1') AND pg_has_role(datdba, 'USAGE')
              AND has_database_privilege('public', oid, 'CONNECT')
    LOOP
        EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', other);
    END LOOP;
END
$others$;

-- Trigrams are all that is there, and of use to the events' search alone.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO event_service;

-- ---- what PostgreSQL lets everybody do, and one service could stop another by ----

-- A lock that anybody can take is nobody's: the relay leads by some. Large objects grow where no purge looks.
DO $locks$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN
        SELECT oid::regprocedure
        FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname ~ '^pg_(try_)?advisory_' OR proname ~ '^lo_')
              AND pg_has_role(proowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
END
$locks$;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint) TO user_service;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_xact_lock(bigint) TO reservation_service, payment_service;
-- Of two numbers, which no lock of one number ever meets.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(integer, integer) TO outbox_relay;

CREATE FUNCTION event_service.try_seed_lock() RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT pg_catalog.pg_try_advisory_lock(1, 1936025956)';
COMMENT ON FUNCTION event_service.try_seed_lock() IS 'The one lock of boxctl seed, for as long as its connection lives';
REVOKE ALL ON FUNCTION event_service.try_seed_lock() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_service.try_seed_lock() TO event_service;

-- ---- of PortOne's record, the fields that src/providers/portone_record.c names ----

CREATE FUNCTION pg_temp.only(record jsonb, VARIADIC keys text []) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE jsonb_typeof(record)
        WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(record) WHERE key = ANY (keys))
        WHEN 'array' THEN (SELECT coalesce(jsonb_agg(pg_temp.only(one, VARIADIC keys)), '[]') FROM jsonb_array_elements(record) AS one)
    END
$$;
CREATE FUNCTION pg_temp.with_only(record jsonb, name text, VARIADIC keys text []) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN record ? name THEN jsonb_set(record, ARRAY[name], coalesce(pg_temp.only(record -> name, VARIADIC keys), 'null'))
                ELSE record END
$$;
UPDATE payment_service.payments
SET portone_record = pg_temp.only(
    portone_record, 'status', 'id', 'transactionId', 'merchantId', 'storeId', 'version', 'channel', 'method', 'amount',
    'currency', 'orderName', 'requestedAt', 'updatedAt', 'statusChangedAt', 'paidAt', 'failedAt', 'cancelledAt', 'pgTxId',
    'failure', 'cancellations')
WHERE jsonb_typeof(portone_record) = 'object';
UPDATE payment_service.payments
SET portone_record = pg_temp.with_only(pg_temp.with_only(pg_temp.with_only(pg_temp.with_only(pg_temp.with_only(
    portone_record,
    'channel', 'type', 'id', 'key', 'pgProvider', 'pgMerchantId'),
    'method', 'type', 'provider', 'card', 'approvalNumber', 'installment'),
    'amount', 'total', 'taxFree', 'vat', 'supply', 'discount', 'paid', 'cancelled', 'cancelledTaxFree'),
    'failure', 'reason', 'pgCode'),
    'cancellations', 'status', 'id', 'pgCancellationId', 'totalAmount', 'taxFreeAmount', 'vatAmount', 'requestedAt',
    'cancelledAt')
WHERE jsonb_typeof(portone_record) = 'object';
UPDATE payment_service.payments
SET portone_record = jsonb_set(portone_record, '{method}', pg_temp.with_only(pg_temp.with_only(
    portone_record -> 'method',
    'card', 'publisher', 'issuer', 'brand', 'type', 'ownerType', 'name', 'number'),
    'installment', 'month', 'isInterestFree'))
WHERE jsonb_typeof(portone_record -> 'method') = 'object';
DROP FUNCTION pg_temp.with_only(jsonb, text, text []), pg_temp.only(jsonb, text []);
COMMENT ON COLUMN payment_service.payments.portone_record IS
    'What is kept of PortOne''s record as it was when the outcome was decided: nothing that says who or where the buyer is';

-- ---- seats secured for a payment that nobody knows ----

ALTER TABLE reservation_service.reservations ADD COLUMN secured_check_at timestamptz;
UPDATE reservation_service.reservations
SET secured_check_at = clock_timestamp()
WHERE status = 'PENDING' AND secured_by IS NOT NULL;
CREATE INDEX reservations_secured ON reservation_service.reservations (coalesce(secured_check_at, '-infinity'))
WHERE status = 'PENDING' AND secured_by IS NOT NULL;
COMMENT ON COLUMN reservation_service.reservations.secured_check_at IS
    'When the payment service is asked whether it knows the payment that keeps the seats; NULL: none does';

GRANT UPDATE (status, hold_expires_at, secured_by, secured_check_at, ticket_number, confirmed_at, cancelled_at, cancel_reason)
ON reservation_service.reservations TO reservation_service;
