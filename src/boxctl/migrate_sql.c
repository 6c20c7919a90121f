#include "src/boxctl/migrate_sql.h"

/* The two FORMAT statements answer a command as text: names in commands cannot be parameters, and the server quotes
 * them best. */
const struct db_stmt migrate_stmt[MIGRATE_STMT__MAX] = {
    [MIGRATE_DATABASE_EXISTS] = {"migrate_database_exists", "SELECT FROM pg_database WHERE datname = $1"},
    [MIGRATE_FORMAT_DATABASE] = {"migrate_format_database", "SELECT format('CREATE DATABASE %I', $1::text)"},
    [MIGRATE_FORMAT_PASSWORD] = {"migrate_format_password",
                                 "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)"},
    [MIGRATE_HAS_RECORD] = {"migrate_has_record", "SELECT to_regclass('common.schema_migrations') IS NOT NULL"},
    [MIGRATE_RECORD] = {"migrate_record",
                        "SELECT version, name, sha256, applied_at FROM common.schema_migrations ORDER BY version"},
    [MIGRATE_ADD] = {"migrate_add",
                     "INSERT INTO common.schema_migrations (version, name, sha256) VALUES ($1::integer, $2, $3)"},
};

const char migrate_record_script[] =
    "CREATE SCHEMA IF NOT EXISTS common;"
    "CREATE TABLE common.schema_migrations ("
    "    version integer PRIMARY KEY CHECK (version BETWEEN 1 AND 999),"
    "    name text NOT NULL UNIQUE CHECK (name ~ '^[0-9]{3}_[a-z0-9_]+[.]sql$'),"
    "    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),"
    "    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()"
    ");"
    "COMMENT ON TABLE common.schema_migrations IS 'Migration files that were applied, written by boxctl migrate';"
    "COMMENT ON COLUMN common.schema_migrations.version IS 'Number at the start of the file''s name';"
    "COMMENT ON COLUMN common.schema_migrations.name IS 'Name of the file';"
    "COMMENT ON COLUMN common.schema_migrations.sha256 IS 'Digest of the file: it may never change again';"
    "COMMENT ON COLUMN common.schema_migrations.applied_at IS 'When';";
