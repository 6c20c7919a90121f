-- Statements of the user service: accounts, terms and sessions.
-- role: user_service

-- ---- terms ----

-- The newest version in force of each type, in the order in which people are shown them.
-- name: user_terms_current :read
SELECT type, version, required, title, body
FROM (
    SELECT DISTINCT ON (type) *
    FROM terms
    WHERE effective_at <= clock_timestamp()
    ORDER BY type, version DESC
) AS newest
ORDER BY array_position(ARRAY['SERVICE', 'PRIVACY', 'MARKETING'], type);

-- A decision that is the same as the latest changes nothing.
-- name: user_agreement_insert :write
INSERT INTO terms_agreements (user_id, type, version, agreed)
SELECT $1::uuid, $2::text, $3::integer, $4::boolean
WHERE NOT EXISTS (
    SELECT
    FROM (
        SELECT version, agreed
        FROM terms_agreements
        WHERE user_id = $1 AND type = $2
        ORDER BY decided_at DESC
        LIMIT 1
    ) AS latest
    WHERE latest.version = $3 AND latest.agreed = $4
);

-- The latest decision about each type, in the order in which people are shown the terms.
-- name: user_agreements :read
SELECT type, version, agreed, decided_at
FROM (
    SELECT DISTINCT ON (type) *
    FROM terms_agreements
    WHERE user_id = $1
    ORDER BY type, decided_at DESC
) AS latest
ORDER BY array_position(ARRAY['SERVICE', 'PRIVACY', 'MARKETING'], type);

-- ---- accounts ----

-- name: user_email_exists :read
SELECT exists(
    SELECT
    FROM users
    WHERE email_hash = $1
) AS taken;

-- name: user_insert :write
INSERT INTO users (id, email, email_hash, name, phone, phone_hash, ci, ci_hash, di, password_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: user_profile :read
SELECT
    u.email, u.email_verified_at IS NOT NULL AS email_proved, u.name, u.phone, u.role, u.created_at,
    (
        SELECT coalesce(json_agg(o.provider ORDER BY o.provider), '[]')
        FROM oauth_accounts AS o
        WHERE o.user_id = u.id
    ) AS linked_providers
FROM users AS u
WHERE u.id = $1 AND u.status = 'ACTIVE';

-- Of the person $2; what is NULL stays as it is.
-- name: user_profile_set :write
UPDATE users
SET
    name = coalesce($3, name), phone = coalesce($4, phone), phone_hash = coalesce($5, phone_hash),
    updated_at = clock_timestamp()
WHERE id = $1 AND ci_hash = $2 AND status = 'ACTIVE';

-- For another address, which is a key: a lock that is got by degrees would meet others that are.
-- name: user_email_lock :write
SELECT email
FROM users
WHERE id = $1 AND status = 'ACTIVE'
FOR UPDATE;

-- name: user_email_set :write
UPDATE users
SET email = $2, email_hash = $3, updated_at = clock_timestamp()
WHERE id = $1;

-- Also takes away the account from logins and refreshes that are under way.
-- name: user_withdraw :write
UPDATE users
SET status = 'DELETED', deleted_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE id = $1 AND status <> 'DELETED';

-- name: user_links_remove :write
DELETE FROM oauth_accounts
WHERE user_id = $1;

-- age_s: how long ago the session of the access token $2 began; negative: the clock was set back; null: it has ended.
-- Both at one moment: a session also ends with its account.
-- name: user_session_standing :read
SELECT
    users.status,
    (
        SELECT floor(extract(EPOCH FROM clock_timestamp() - uuid_extract_timestamp(t.family)))::bigint
        FROM refresh_tokens AS t
        WHERE t.access_jti = $2 AND t.user_id = users.id AND t.revoked_at IS NULL
    ) AS age_s
FROM users
WHERE users.id = $1;

{% set long_unseen -%}
    coalesce(last_login_at < statement_timestamp() - interval '1 day', TRUE)
{%- endset %}

-- name: user_role_and_status :read
SELECT
    role, status,
    {{ long_unseen }} AS long_unseen
FROM users
WHERE id = $1;

-- ---- login ----

-- What is one client, and its network (client.h); the first and the last address of either.
{% macro part(address, bits_4, bits_6) -%}
    network(set_masklen({{ address }}, CASE family({{ address }}) WHEN 4 THEN {{ bits_4 }} ELSE {{ bits_6 }} END))
{%- endmacro %}
{% macro host(address) -%}
    {{ part(address, 32, 64) }}
{%- endmacro %}
{% macro network(address) -%}
    {{ part(address, 24, 48) }}
{%- endmacro %}
{% macro single(address, of) -%}
    set_masklen({{ address }}, CASE family({{ of }}) WHEN 4 THEN 32 ELSE 128 END)
{%- endmacro %}
{% macro within(part, address) -%}
    ip BETWEEN {{ single(part + "::inet", address) }} AND {{ single("broadcast(" + part + ")", address) }}
{%- endmacro %}

{% macro logged_in_from(addresses) -%}
    exists(
        SELECT
        FROM login_history
        WHERE
            user_id = users.id AND result = 'SUCCESS' AND {{ addresses }}
            AND created_at > statement_timestamp() - interval '90 days'
    )
{%- endmacro %}

-- Whether this person has logged in before from where the login $2 comes from: 2 from that address, 1 from its network,
-- 0 from neither. Both as ranges, which the index has in order.
{% set login_known -%}
    CASE
        WHEN {{ logged_in_from(within(host("$2::inet"), "$2::inet")) | indent(8) }} THEN 2
        WHEN {{ logged_in_from(within(network("$2::inet"), "$2::inet")) | indent(8) }} THEN 1
        ELSE 0
    END
{%- endset %}

-- name: user_login_find :read
SELECT
    id, password_hash, role, status,
    greatest(ceil(extract(EPOCH FROM locked_until - clock_timestamp())), 0)::bigint AS locked_s,
    {{ login_known }} AS known
FROM users
WHERE email_hash = $1 AND status <> 'DELETED';

-- name: user_password_find :read
SELECT
    email, email_hash, name, phone, password_hash,
    {{ login_known }} AS known
FROM users
WHERE id = $1 AND status = 'ACTIVE';

-- name: user_password_set :write
UPDATE users
SET password_hash = $3, updated_at = clock_timestamp()
WHERE id = $1 AND password_hash = $2 AND status = 'ACTIVE';

-- name: user_of_person :read
SELECT id, password_hash
FROM users
WHERE email_hash = $1 AND ci_hash = $2 AND status <> 'DELETED';

-- name: user_is_person :read
SELECT exists(
    SELECT
    FROM users
    WHERE id = $1 AND ci_hash = $2 AND status <> 'DELETED'
) AS own;

-- name: user_identity_use :write
INSERT INTO identity_uses (verification, user_id)
VALUES ($1, $2);

-- The account with this e-mail that a sign-up with this verification has made.
-- name: user_signed_up :read
SELECT u.id, u.password_hash
FROM identity_uses AS i
INNER JOIN users AS u ON i.user_id = u.id
WHERE
    i.verification = $1
    AND i.used_at > statement_timestamp() - interval '10 minutes'
    AND u.email_hash = $2
    AND u.status = 'ACTIVE'
    AND u.created_at > i.used_at - interval '1 minute';

-- Lately: that a request is repeated is no reason for it to be good for ever.
-- name: user_identity_used_by :read
SELECT user_id
FROM identity_uses
WHERE verification = $1 AND used_at > statement_timestamp() - interval '10 minutes';

-- name: user_password_reset :write
UPDATE users
SET password_hash = $3, updated_at = clock_timestamp()
WHERE id = $1 AND ci_hash = $2 AND status <> 'DELETED';

-- Of what is tried at a locked account by one client one row in a quarter of an hour says it all.
-- name: user_login_record :write
INSERT INTO login_history (user_id, method, result, ip, user_agent)
SELECT $1::uuid, $2::text, $3::text, $4::inet, $5::text
WHERE $3 <> 'LOCKED' OR NOT EXISTS (
    SELECT
    FROM login_history
    WHERE
        user_id = $1 AND result = 'LOCKED' AND {{ host("ip") }} IS NOT DISTINCT FROM {{ host("$4::inet") }}
        AND created_at > statement_timestamp() - interval '15 minutes'
);

-- name: user_login_stamp :write
UPDATE users
SET last_login_at = clock_timestamp()
WHERE
    id = $1 AND password_hash IS NOT DISTINCT FROM $2 AND status = 'ACTIVE'
    AND coalesce(locked_until <= clock_timestamp(), TRUE)
RETURNING role;

-- Of the person $3, awake or not; the login with which it wakes is stamped.
-- name: user_wake :write
UPDATE users
SET status = 'ACTIVE', last_login_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE
    id = $1 AND password_hash = $2 AND ci_hash = $3 AND status <> 'DELETED'
    AND coalesce(locked_until <= clock_timestamp(), TRUE)
RETURNING role;

-- ---- social login ----

-- What decides whether an account may be logged in to.
{% set login_account -%}
    u.id, u.status, greatest(ceil(extract(EPOCH FROM u.locked_until - clock_timestamp())), 0)::bigint AS locked_s
{%- endset %}

-- name: user_of_subject :read
SELECT
    {{ login_account }}
FROM oauth_accounts AS o
INNER JOIN users AS u ON o.user_id = u.id
WHERE o.provider = $1 AND o.subject = $2 AND u.status <> 'DELETED';

-- name: user_of_ci :read
SELECT
    {{ login_account }}
FROM users AS u
WHERE u.ci_hash = $1 AND u.status <> 'DELETED';

-- Orders what changes the ways into an account. Leaves the key to the new token of a refresh, which has the lock of the
-- sessions that a login waits for next.
-- name: user_lock :write
SELECT password_hash IS NOT NULL AS has_password
FROM users
WHERE id = $1 AND status = 'ACTIVE'
FOR NO KEY UPDATE;

-- A sleeping account of the person with this CI.
-- name: user_social_wake :write
UPDATE users
SET status = 'ACTIVE', updated_at = clock_timestamp()
WHERE id = $1 AND ci_hash = $2 AND status = 'DORMANT' AND coalesce(locked_until <= clock_timestamp(), TRUE);

-- What user_lock has found, logged in to.
-- name: user_social_stamp :write
UPDATE users
SET last_login_at = clock_timestamp()
WHERE
    id = $1 AND status = 'ACTIVE' AND coalesce(locked_until <= clock_timestamp(), TRUE)
    AND EXISTS (
        SELECT
        FROM oauth_accounts AS o
        WHERE o.user_id = users.id AND o.provider = $2 AND o.subject = $3
    )
RETURNING role;

-- name: user_link_insert :write
INSERT INTO oauth_accounts (user_id, provider, subject)
VALUES ($1, $2, $3);

-- name: user_link_subject :read
SELECT subject
FROM oauth_accounts
WHERE user_id = $1 AND provider = $2;

-- name: user_link_others :read
SELECT exists(
    SELECT
    FROM oauth_accounts
    WHERE user_id = $1 AND provider <> $2
) AS others;

-- name: user_link_remove :write
DELETE FROM oauth_accounts
WHERE user_id = $1 AND provider = $2;

-- name: user_email :read
SELECT email
FROM users
WHERE id = $1;

-- ---- new devices ----

-- A client's name without the numbers that change with each of its versions.
{% macro unnumbered(agent) -%}
    regexp_replace({{ agent }}, '[0-9]+', '', 'g')
{%- endmacro %}

-- For the login from $2 by the client $3 that is about to be written down: whether the account $1 had one before, and
-- one such. Of its latest 500 logins: nobody makes this costly by more.
-- name: user_device :read
WITH latest AS MATERIALIZED (
    SELECT ip, user_agent
    FROM login_history
    WHERE user_id = $1 AND result = 'SUCCESS' AND created_at > statement_timestamp() - interval '90 days'
    ORDER BY created_at DESC
    LIMIT 500
)

SELECT
    users.email,
    exists(
        SELECT
        FROM login_history
        WHERE user_id = $1 AND result = 'SUCCESS'
    ) AS seen,
    exists(
        SELECT
        FROM latest
        WHERE
            {{ network("ip") }} IS NOT DISTINCT FROM {{ network("$2::inet") }}
            AND {{ unnumbered("user_agent") }} = {{ unnumbered("$3::text") }}
    ) AS known
FROM users
WHERE users.id = $1;

-- ---- sessions ----

-- An access token opens doors for TOKEN_SKEW_S (token.h) after its end, as clocks differ.
{% set access_alive -%}
    access_expires_at > clock_timestamp() - interval '30 seconds'
{%- endset %}

-- name: user_token_insert :write
INSERT INTO refresh_tokens (
    id, user_id, family, replaces, token_hash, access_jti, access_expires_at, issued_at, expires_at, ip, user_agent
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- Only a live token rotates: of two requests with the same one, the second finds no row.
-- name: user_token_rotate :write
UPDATE refresh_tokens
SET rotated_at = clock_timestamp()
WHERE
    token_hash = $1
    AND rotated_at IS NULL AND revoked_at IS NULL AND expires_at > clock_timestamp()
RETURNING id, user_id;

-- Why a token did not rotate.
-- name: user_token_find :read
SELECT rotated_at IS NOT NULL AS rotated, revoked_at IS NOT NULL AS revoked
FROM refresh_tokens
WHERE token_hash = $1;

-- What a token was exchanged for, less than $2 seconds ago, when that has not been used yet.
-- name: user_token_next :read
SELECT
    next.id, next.user_id, next.token_hash, next.access_jti, next.access_expires_at, next.issued_at, next.expires_at
FROM refresh_tokens AS used
INNER JOIN refresh_tokens AS next ON used.id = next.replaces
WHERE
    used.token_hash = $1
    AND used.rotated_at > clock_timestamp() - make_interval(secs => $2::bigint)
    AND next.rotated_at IS NULL AND next.revoked_at IS NULL AND next.expires_at > clock_timestamp();

-- The session that an access token belongs to.
-- name: user_family_of_access :read
SELECT family
FROM refresh_tokens
WHERE access_jti = $1 AND user_id = $2;

-- Until the end of the transaction. Sessions of an account are many rows, and what a refresh adds is not there to be
-- locked.
-- name: user_sessions_lock :write
SELECT pg_advisory_xact_lock(hashtextextended($1, 2)) AS locked;

-- Who goes on with a session has not gone away. Waits for nobody: who ends sessions locks the account first, then them.
-- name: user_seen :write
UPDATE users
SET last_login_at = clock_timestamp()
WHERE id = (
    SELECT id
    FROM users
    WHERE id = $1 AND status = 'ACTIVE' AND {{ long_unseen }}
    FOR UPDATE SKIP LOCKED
);

-- name: user_family_revoke :write
UPDATE refresh_tokens
SET revoked_at = clock_timestamp()
WHERE family = $1 AND revoked_at IS NULL;

-- Its access tokens that are still alive: whoever ends a session blacklists them.
-- name: user_family_access :read
SELECT access_jti, access_expires_at
FROM refresh_tokens
WHERE family = $1 AND {{ access_alive }}
ORDER BY coalesce(access_jti = $2, FALSE);

-- The last used first. Its family's id tells when a session began; the access token $2 tells which one is asking.
-- name: user_sessions :read
SELECT
    t.family, uuid_extract_timestamp(t.family) AS started_at, t.issued_at, t.expires_at, host(t.ip) AS ip, t.user_agent,
    exists(
        SELECT
        FROM refresh_tokens AS own
        WHERE own.access_jti = $2 AND own.family = t.family
    ) AS current
FROM refresh_tokens AS t
WHERE t.user_id = $1 AND t.rotated_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
ORDER BY t.issued_at DESC, t.id DESC
LIMIT $3::bigint OFFSET $4::bigint;

-- name: user_sessions_count :read
SELECT count(*) AS total
FROM refresh_tokens
WHERE user_id = $1 AND rotated_at IS NULL AND revoked_at IS NULL AND expires_at > clock_timestamp();

-- Whether a person has or had this session.
-- name: user_family_owned :read
SELECT exists(
    SELECT
    FROM refresh_tokens
    WHERE family = $1 AND user_id = $2
) AS owned;

-- All sessions but that of the access token $2; NULL, or of nobody's: all.
-- name: user_others_revoke :write
UPDATE refresh_tokens
SET revoked_at = clock_timestamp()
WHERE
    user_id = $1 AND revoked_at IS NULL
    AND family IS DISTINCT FROM (
        SELECT own.family
        FROM refresh_tokens AS own
        WHERE own.access_jti = $2 AND own.user_id = $1
    );

-- All sessions but the $2 that were used last.
-- name: user_surplus_revoke :write
UPDATE refresh_tokens
SET revoked_at = clock_timestamp()
WHERE
    user_id = $1 AND revoked_at IS NULL
    AND family IN (
        SELECT live.family
        FROM refresh_tokens AS live
        WHERE
            live.user_id = $1 AND live.rotated_at IS NULL AND live.revoked_at IS NULL
            AND live.expires_at > clock_timestamp()
        ORDER BY live.issued_at DESC, live.id DESC
        OFFSET $2::bigint
    );

-- The access tokens that are still alive of all sessions that have ended, but for that of the access token $2.
-- name: user_other_access :read
SELECT access_jti, access_expires_at
FROM refresh_tokens
WHERE
    user_id = $1 AND revoked_at IS NOT NULL AND {{ access_alive }}
    AND family IS DISTINCT FROM (
        SELECT own.family
        FROM refresh_tokens AS own
        WHERE own.access_jti = $2 AND own.user_id = $1
    );

-- ---- login history ----

-- name: user_logins :read
SELECT created_at, method, result, host(ip) AS ip, user_agent
FROM login_history
WHERE user_id = $1
ORDER BY created_at DESC, id DESC
LIMIT $2::bigint OFFSET $3::bigint;

-- name: user_logins_count :read
SELECT count(*) AS total
FROM login_history
WHERE user_id = $1;
