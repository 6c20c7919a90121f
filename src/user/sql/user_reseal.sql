-- Sealing what is known of people under a new key: the first byte of what is sealed says under which it is.
-- role: key_keeper
{% macro any_key(comparison) -%}
(
    substring(email FROM 1 FOR 1) {{ comparison }} OR substring(name FROM 1 FOR 1) {{ comparison }}
    OR substring(phone FROM 1 FOR 1) {{ comparison }} OR substring(ci FROM 1 FOR 1) {{ comparison }}
    OR substring(di FROM 1 FOR 1) {{ comparison }}
)
{%- endmacro %}

-- The next accounts after $1 of which something is sealed under another key than $2.
-- name: user_reseal_next :read
SELECT id, email, name, phone, ci, di
FROM users
WHERE id > $1 AND {{ any_key("<> $2::bytea") }}
ORDER BY id
LIMIT $3::bigint;

-- name: user_reseal_left :read
SELECT count(*) AS remaining
FROM users
WHERE {{ any_key("<> $1::bytea") }};

-- Whether anything is sealed under a key, also mail that waits.
-- name: user_reseal_uses :read
SELECT
    EXISTS (
        SELECT
        FROM users
        WHERE {{ any_key("= $1::bytea") }}
    )
    OR EXISTS (
        SELECT
        FROM mails
        WHERE substring(recipient FROM 1 FOR 1) = $1::bytea OR substring(content FROM 1 FOR 1) = $1::bytea
    ) AS used;

-- Nothing is done to an account that has changed since it was read.
-- name: user_reseal_set :write
UPDATE users
SET email = $2, name = $3, phone = $4, ci = $5, di = $6
WHERE
    id = $1 AND email IS NOT DISTINCT FROM $7 AND name IS NOT DISTINCT FROM $8 AND phone IS NOT DISTINCT FROM $9
    AND ci IS NOT DISTINCT FROM $10 AND di IS NOT DISTINCT FROM $11
RETURNING id;
