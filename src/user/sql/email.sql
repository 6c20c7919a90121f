-- Addresses that are proved by a code.
-- role: user_service

-- Until the end of the transaction, for one address.
-- name: email_code_lock :write
SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 1)) AS locked;

-- How many seconds the address $1 has to wait: a minute from the last, and when there were $2 within a day until there
-- are fewer. 0: none.
-- name: email_code_pace :read
SELECT
    greatest(
        ceil(extract(EPOCH FROM max(sent_at) - clock_timestamp() + interval '1 minute')),
        CASE
            WHEN count(*) >= $2::bigint
                THEN ceil(extract(EPOCH FROM min(sent_at) - clock_timestamp() + interval '1 day'))
        END,
        0
    )::bigint AS wait_s
FROM email_codes
WHERE email_hash = $1 AND sent_at > clock_timestamp() - interval '1 day';

-- name: email_code_insert :write
INSERT INTO email_codes (id, email_hash, code_hash, expires_at)
VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4::bigint))
RETURNING expires_at;

-- Counts a try at the latest code of an address, if one is left: before the code is looked at, and of two at once each.
-- name: email_code_try :write
UPDATE email_codes
SET attempts = attempts + 1
WHERE
    id = (
        SELECT id
        FROM email_codes
        WHERE email_hash = $1
        ORDER BY sent_at DESC
        LIMIT 1
    )
    AND attempts < 5 AND used_at IS NULL AND expires_at > clock_timestamp()
RETURNING id, code_hash;

-- The try was right: it does not count.
-- name: email_code_prove :write
UPDATE email_codes
SET attempts = attempts - 1, token_hash = $2, verified_at = coalesce(verified_at, clock_timestamp())
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
