-- What the relay reads costs the same however many rows wait.

ALTER TABLE common.outbox_events ADD COLUMN retry_at timestamptz;
UPDATE common.outbox_events SET retry_at = clock_timestamp() WHERE published_at IS NULL AND attempts > 0;

CREATE INDEX outbox_events_next ON common.outbox_events (partition_no, id)
WHERE published_at IS NULL AND retry_at IS NULL;
CREATE INDEX outbox_events_due ON common.outbox_events (partition_no, retry_at)
WHERE published_at IS NULL AND retry_at IS NOT NULL;
CREATE INDEX outbox_events_stuck ON common.outbox_events (partition_key, id)
WHERE published_at IS NULL AND retry_at IS NOT NULL;

COMMENT ON COLUMN common.outbox_events.retry_at IS
    'NULL: in its turn; else when it is looked at again, because it was refused or stands behind a refused one of its key';
COMMENT ON COLUMN common.outbox_events.attempts IS 'How often a broker has refused it; that none was there does not count';
COMMENT ON COLUMN common.outbox_events.last_error IS 'Why it was refused last';

GRANT UPDATE (retry_at) ON common.outbox_events TO outbox_relay;
