/* migrate_sql: statements of `boxctl migrate`. */
#ifndef BOXCTL_MIGRATE_SQL_H
#define BOXCTL_MIGRATE_SQL_H

#include "common/io/db.h"

enum migrate_stmt {
    MIGRATE_DATABASE_EXISTS,
    MIGRATE_FORMAT_DATABASE,
    MIGRATE_FORMAT_PASSWORD,
    MIGRATE_HAS_RECORD,
    MIGRATE_RECORD,
    MIGRATE_ADD,
    MIGRATE_STMT__MAX
};
extern const struct db_stmt migrate_stmt[MIGRATE_STMT__MAX];

/* Script that makes the table of applied migrations. */
extern const char migrate_record_script[];

#endif
