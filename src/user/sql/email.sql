-- Addresses that are proved by a code.
-- role: user_service

-- Until the end of the transaction, for one mailbox.
-- name: email_code_lock :write
SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 1)) AS locked;

-- How many seconds network $4 has to wait for a code to the mailbox $1: a minute from its last; when it asked for $2
-- within a day, or everybody for $3, until there are fewer. 0: none. And how many everybody has asked for within a day;
-- and whatever the address, within a minute, counted up to $5.
-- name: email_code_pace :read
WITH
sent AS (
    SELECT sent_at, coalesce(network = $4::inet, FALSE) AS own
    FROM email_codes
    WHERE mailbox_hash = $1 AND sent_at > statement_timestamp() - interval '1 day'
)

SELECT
    greatest(
        ceil(extract(EPOCH FROM max(sent_at) FILTER (WHERE own) - clock_timestamp() + interval '1 minute')),
        CASE
            WHEN count(*) FILTER (WHERE own) >= $2::bigint
                THEN ceil(extract(EPOCH FROM min(sent_at) FILTER (WHERE own) - clock_timestamp() + interval '1 day'))
        END,
        CASE
            WHEN count(*) >= $3::bigint
                THEN ceil(extract(EPOCH FROM min(sent_at) - clock_timestamp() + interval '1 day'))
        END,
        0
    )::bigint AS wait_s,
    count(*) AS sent,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM email_codes
            WHERE sent_at > statement_timestamp() - interval '1 minute'
            ORDER BY sent_at
            LIMIT $5::bigint
        ) AS counted
    ) AS rush
FROM sent;

-- name: email_code_insert :write
INSERT INTO email_codes (id, email_hash, code_hash, expires_at, network, mailbox_hash)
VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4::bigint), $5, $6)
RETURNING expires_at;

-- Counts a try of network $2 at the latest code of an address, if one is left: before the code is looked at, and of two
-- at once each. While one lives that this network has asked for, it is that one.
-- name: email_code_try :write
UPDATE email_codes
SET
    attempts = attempts + 1,
    tries = jsonb_set(tries, ARRAY[$2::text], to_jsonb(coalesce((tries ->> $2::text)::integer, 0) + 1))
WHERE
    id = (
        SELECT id
        FROM email_codes
        WHERE email_hash = $1 AND expires_at > clock_timestamp()
        ORDER BY coalesce(network = $3::inet, FALSE) DESC, sent_at DESC
        LIMIT 1
    )
    AND coalesce((tries ->> $2::text)::integer, 0) < 5 AND (attempts < 15 OR network = $3::inet) AND used_at IS NULL
    AND expires_at > clock_timestamp()
RETURNING id, code_hash;

-- The try was right: it does not count.
-- name: email_code_prove :write
UPDATE email_codes
SET
    attempts = attempts - 1, tries = jsonb_set(tries, ARRAY[$3::text], to_jsonb((tries ->> $3::text)::integer - 1)),
    token_hash = $2, verified_at = coalesce(verified_at, clock_timestamp())
WHERE id = $1 AND used_at IS NULL AND attempts > 0
RETURNING id;

{% set token_valid -%}
    token_hash = $1 AND email_hash = $2 AND used_at IS NULL
    AND verified_at > clock_timestamp() - interval '30 minutes'
{%- endset %}

-- name: email_token_find :read
SELECT exists(
    SELECT
    FROM email_codes
    WHERE {{ token_valid }}
) AS valid;

-- name: email_token_use :write
WITH used AS (
    UPDATE email_codes
    SET used_at = clock_timestamp()
    WHERE {{ token_valid }}
    RETURNING verified_at
)

UPDATE users
SET email_verified_at = used.verified_at
FROM used
WHERE users.id = $3
RETURNING users.id;
