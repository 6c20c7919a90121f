-- What the mailer reads and marks.
-- role: mailer

{% macro due(kinds) -%}
    (
        SELECT id
        FROM mails
        WHERE
            status = 'WAITING' AND next_try_at <= statement_timestamp() AND expires_at > statement_timestamp()
            AND kind {{ kinds }}
        ORDER BY next_try_at
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
{%- endmacro %}
{% set code = due("= 'EMAIL_CODE' AND attempts = 0") | indent(8) %}
{% set to_owner = due("NOT IN ('EMAIL_CODE', 'DORMANCY_NOTICE') AND attempts = 0") | indent(8) %}
{% set again = due("<> 'DORMANCY_NOTICE' AND attempts > 0") | indent(8) %}
{% set notice = due("= 'DORMANCY_NOTICE'") | indent(8) %}

-- The one due for longest, for $1 seconds, of those whose turn it is ($2); else a code, for which somebody waits; else
-- what an owner must know; else what failed before; else a notice of sleep, if it is still true. Who logs in after this
-- look may get it all the same.
-- name: mailer_take :write
UPDATE mails
SET attempts = attempts + 1, next_try_at = clock_timestamp() + make_interval(secs => $1::bigint)
WHERE
    id = coalesce(
        CASE $2::text
            WHEN 'OWNERS' THEN {{ to_owner }}
            WHEN 'FAILED' THEN {{ again }}
            WHEN 'SLEEPERS' THEN {{ notice }}
        END,
        {{ code }},
        {{ to_owner }},
        {{ again }},
        {{ notice }}
    )
RETURNING
    id, kind, recipient, content, language, created_at, attempts,
    kind <> 'DORMANCY_NOTICE' OR will_sleep(user_id, created_at) AS holds;

-- Only for who has taken it last.
-- name: mailer_end :write
UPDATE mails
SET status = $3, last_error = $4, ended_at = clock_timestamp(), recipient = NULL, content = NULL
WHERE id = $1 AND attempts = $2 AND status = 'WAITING';

-- Again in $3 milliseconds.
-- name: mailer_later :write
UPDATE mails
SET next_try_at = clock_timestamp() + $3::bigint * interval '1 millisecond', last_error = $4
WHERE id = $1 AND attempts = $2 AND status = 'WAITING';

-- What is too late to be of use, at most $1.
-- name: mailer_expire :write
WITH gone AS (
    UPDATE mails
    SET status = 'EXPIRED', ended_at = clock_timestamp(), recipient = NULL, content = NULL
    WHERE
        id IN (
            SELECT id
            FROM mails
            WHERE status = 'WAITING' AND expires_at <= statement_timestamp()
            ORDER BY expires_at
            LIMIT $1::bigint
            FOR UPDATE SKIP LOCKED
        )
    RETURNING id
)

SELECT count(*) AS total
FROM gone;

-- Counted up to $1.
-- name: mailer_backlog :read
SELECT
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM mails
            WHERE status = 'WAITING'
            ORDER BY created_at
            LIMIT $1::bigint
        ) AS counted
    ) AS waiting,
    coalesce(
        (
            SELECT extract(EPOCH FROM clock_timestamp() - min(created_at))::bigint
            FROM mails
            WHERE status = 'WAITING'
        ), 0
    ) AS oldest_s;
