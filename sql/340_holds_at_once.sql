-- A hold under an Idempotency-Key in one statement, hence without a transaction that waits for the program.

CREATE FUNCTION reservation_service.hold_seats_once(
    idempotency_route text, idempotency_key text, asked bytea, first_answer jsonb,
    reservation uuid, buyer uuid, schedule uuid, ttl_s bigint, event jsonb, seats jsonb,
    OUT key_state text, OUT stored jsonb, OUT total_amount bigint, OUT hold_expires_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    same boolean;
    ours boolean;
BEGIN
    -- Whoever has the lock, up to the end of the transaction, is the one that runs (common/io/sql/idempotency.sql).
    ours := pg_try_advisory_xact_lock(hashtextextended(buyer::text || idempotency_route || idempotency_key, 0));
    SELECT known.fingerprint = asked, known.answer INTO same, stored
    FROM reservation_service.idempotency_keys AS known
    WHERE known.user_id = buyer AND known.route = idempotency_route AND known.key = idempotency_key
        AND known.created_at > clock_timestamp() - interval '24 hours';
    key_state := CASE WHEN same THEN 'STORED' WHEN NOT same THEN 'REUSED' WHEN NOT ours THEN 'IN_USE' ELSE 'FIRST' END;
    IF key_state <> 'FIRST' THEN
        RETURN;
    END IF;

    SELECT held.total_amount, held.hold_expires_at INTO total_amount, hold_expires_at
    FROM reservation_service.hold_seats(reservation, buyer, schedule, ttl_s, event, seats) AS held;

    -- One that has lived its 24 hours may still be there.
    INSERT INTO reservation_service.idempotency_keys AS known (user_id, route, key, fingerprint, answer)
    VALUES (buyer, idempotency_route, idempotency_key, asked,
        first_answer || jsonb_build_object('totalAmount', total_amount, 'holdExpiresAt', hold_expires_at))
    ON CONFLICT (user_id, route, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at;
END $$;
COMMENT ON FUNCTION reservation_service.hold_seats_once(text, text, bytea, jsonb, uuid, uuid, uuid, bigint, jsonb, jsonb) IS
    'hold_seats() for the first request with this key, whose answer is stored (FIRST). Else nothing is done: STORED is what the first one was answered, REUSED: it asked for something else; IN_USE: it is still running';
REVOKE ALL ON FUNCTION
    reservation_service.hold_seats_once(text, text, bytea, jsonb, uuid, uuid, uuid, bigint, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    reservation_service.hold_seats_once(text, text, bytea, jsonb, uuid, uuid, uuid, bigint, jsonb, jsonb) TO reservation_service;
