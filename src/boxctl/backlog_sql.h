/* backlog_sql: statements of `boxctl outbox`. */
#ifndef BOXCTL_BACKLOG_SQL_H
#define BOXCTL_BACKLOG_SQL_H

#include "common/io/db.h"

enum backlog_stmt { BACKLOG_SUM, BACKLOG_STMT__MAX };
extern const struct db_stmt backlog_stmt[BACKLOG_STMT__MAX];
extern const struct db_table backlog_statements;

#endif
