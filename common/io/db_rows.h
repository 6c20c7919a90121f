/* db_rows: a result as db.c made it; what may be read of it stands in db.h. */
#ifndef COMMON_DB_ROWS_H
#define COMMON_DB_ROWS_H

#include <libpq-fe.h>

#include "common/io/db.h"

struct db_rows {
    PGresult *result;
    const struct db_stmt *stmt;
    int next_col; /* where a name is looked for first: rows are mostly read in the order of their columns */
};

#endif
