-- Statements of `boxctl dlq`.
-- role: boxoffice_admin

-- name: dead_letters_done :read
SELECT record_offset, digest, action
FROM common.dead_letters_done
WHERE topic = $1 AND record_offset >= $2::bigint
ORDER BY record_offset;

-- Again: as it was.
-- name: dead_letters_note :write
INSERT INTO common.dead_letters_done (topic, record_offset, digest, action, operator, reason)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING;
