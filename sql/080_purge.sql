-- What is kept for a time is kept no longer than that. boxoffice-maint purge calls this until nothing is left to do.

CREATE FUNCTION common.purge(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$purge$
    WITH
    events AS (
        DELETE FROM common.outbox_events
        WHERE id IN (SELECT id FROM common.outbox_events
                     WHERE published_at IS NOT NULL AND published_at < statement_timestamp() - interval '7 days'
                     ORDER BY published_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    processed AS (
        DELETE FROM common.processed_events
        WHERE (event_id, consumer) IN (SELECT event_id, consumer FROM common.processed_events
                                       WHERE processed_at < statement_timestamp() - interval '30 days'
                                       ORDER BY processed_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING event_id),
    webhooks AS (
        DELETE FROM payment_service.webhook_events
        WHERE webhook_id IN (SELECT webhook_id FROM payment_service.webhook_events
                             WHERE received_at < statement_timestamp() - interval '30 days'
                             ORDER BY received_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING webhook_id),
    payment_keys AS (
        DELETE FROM payment_service.idempotency_keys
        WHERE (user_id, route, key) IN (SELECT user_id, route, key FROM payment_service.idempotency_keys
                                        WHERE created_at < statement_timestamp() - interval '24 hours'
                                        ORDER BY created_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING key),
    reservation_keys AS (
        DELETE FROM reservation_service.idempotency_keys
        WHERE (user_id, route, key) IN (SELECT user_id, route, key FROM reservation_service.idempotency_keys
                                        WHERE created_at < statement_timestamp() - interval '24 hours'
                                        ORDER BY created_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING key)
    SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM processed) + (SELECT count(*) FROM webhooks)
           + (SELECT count(*) FROM payment_keys) + (SELECT count(*) FROM reservation_keys)
$purge$;

COMMENT ON FUNCTION common.purge(integer) IS
    'Deletes what is past its time, at most so many rows of each table: published events after 7 days, processed ones and webhooks after 30, idempotency keys after 24 hours. Returns how many';
CREATE INDEX webhook_events_age ON payment_service.webhook_events (received_at);
COMMENT ON TABLE payment_service.webhook_events IS 'PortOne''s webhooks, each once (PAY-WEBHOOK). Kept 30 days';

REVOKE ALL ON FUNCTION common.purge(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION common.purge(integer) TO reservation_service; -- whose jobs boxoffice-maint runs
