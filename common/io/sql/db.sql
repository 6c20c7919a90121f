-- What common/io/db.c itself asks.
-- role: service

-- name: db_ping :read
SELECT 1 AS one;

-- Of two numbers: a lock of one number, which services may take, never meets it (sql/120_own_columns.sql).
-- A lock would be lost with the connection: a lost answer is no more than that.
-- name: db_try_lock :read
SELECT pg_try_advisory_lock(($1::bigint >> 32)::integer, (($1::bigint & 4294967295) - 2147483648)::integer) AS held;
