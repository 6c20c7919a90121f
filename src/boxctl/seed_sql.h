/* seed_sql: statements of `boxctl seed`, which find what an earlier run has made. */
#ifndef BOXCTL_SEED_SQL_H
#define BOXCTL_SEED_SQL_H

#include "common/io/db.h"

enum seed_stmt { SEED_VENUE, SEED_HALL, SEED_EVENT, SEED_SCHEDULE, SEED_STMT__MAX };
extern const struct db_stmt seed_stmt[SEED_STMT__MAX];
extern const struct db_table seed_statements;

#endif
