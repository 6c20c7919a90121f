-- Dead letters that an operator has dealt with. Kafka keeps them for seven days and deletes none by itself.

CREATE TABLE common.dead_letters_done (
    topic text NOT NULL,
    record_offset bigint NOT NULL CHECK (record_offset >= 0),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    action text NOT NULL CHECK (action IN ('REPLAYED', 'DROPPED')),
    operator text NOT NULL,
    reason text CHECK (length(reason) BETWEEN 1 AND 500),
    done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, record_offset, digest),
    CONSTRAINT dead_letters_done_reason CHECK (action <> 'DROPPED' OR reason IS NOT NULL)
);
COMMENT ON TABLE common.dead_letters_done IS 'Dead letters that were replayed or dropped with boxctl dlq';
COMMENT ON COLUMN common.dead_letters_done.topic IS 'Dead-letter topic';
COMMENT ON COLUMN common.dead_letters_done.record_offset IS 'Offset there';
COMMENT ON COLUMN common.dead_letters_done.digest IS
'SHA-256 of its bytes: a topic that is made anew counts from 0 again, and its letters are others';
COMMENT ON COLUMN common.dead_letters_done.action IS 'REPLAYED or DROPPED';
COMMENT ON COLUMN common.dead_letters_done.operator IS 'Who, as the operating system says';
COMMENT ON COLUMN common.dead_letters_done.reason IS 'Why it was dropped';
COMMENT ON COLUMN common.dead_letters_done.done_at IS 'When';
