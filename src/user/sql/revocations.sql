-- What Redis is told again when it has lost everything (sql/197_revocations.sql).
-- role: maintenance

-- name: revocations_ended :read
SELECT access_jti, access_expires_at
FROM ended_access($1::timestamptz, $2::uuid, $3::integer);

-- name: revocations_ended_lately :read
SELECT access_jti, access_expires_at, revoked_at
FROM ended_lately($1::timestamptz, $2::uuid, $3::integer);

-- name: revocations_demoted :read
SELECT id, demoted_at
FROM demoted_lately($1::timestamptz, $2::uuid, $3::integer);
