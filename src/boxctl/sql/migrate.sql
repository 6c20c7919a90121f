-- Statements of `boxctl migrate`.
-- role: boxoffice_admin

-- name: migrate_database_exists :read
SELECT
FROM pg_database
WHERE datname = $1;

-- The two format statements answer a command as text: names in commands cannot be parameters, and the server quotes
-- them best.
-- name: migrate_format_database :read
SELECT format('CREATE DATABASE %I', $1::text) AS command;

-- name: migrate_format_password :read
SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text) AS command;

-- name: migrate_has_record :read
SELECT to_regclass('common.schema_migrations') IS NOT NULL AS present;

-- name: migrate_record :read
SELECT version, name, sha256, applied_at
FROM common.schema_migrations
ORDER BY version;

-- name: migrate_add :write
INSERT INTO common.schema_migrations (version, name, sha256)
VALUES ($1::integer, $2, $3);

-- The table of applied migrations.
-- name: migrate_create_record :script
CREATE SCHEMA IF NOT EXISTS common;
CREATE TABLE common.schema_migrations (
    version integer PRIMARY KEY CHECK (version BETWEEN 1 AND 999),
    name text NOT NULL UNIQUE CHECK (name ~ '^[0-9]{3}_[a-z0-9_]+[.]sql$'),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE common.schema_migrations IS 'Migration files that were applied, written by boxctl migrate';
COMMENT ON COLUMN common.schema_migrations.version IS 'Number at the start of the file''s name';
COMMENT ON COLUMN common.schema_migrations.name IS 'Name of the file';
COMMENT ON COLUMN common.schema_migrations.sha256 IS 'Digest of the file: it may never change again';
COMMENT ON COLUMN common.schema_migrations.applied_at IS 'When';
