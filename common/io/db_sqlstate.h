/* db_sqlstate: what the server's error codes mean for us. Private to the db module. */
#ifndef COMMON_DB_SQLSTATE_H
#define COMMON_DB_SQLSTATE_H

#include <stdbool.h>

#include "common/base/err.h"

struct db_sqlstate {
    const char *prefix;
    const struct err *err;
    bool lost; /* the connection is of no more use */
};

/* The row for five characters; never NULL: what is not listed is &err_internal. */
const struct db_sqlstate *db_sqlstate_find(const char *code);
/* May the primary message of such an error quote a value that was stored or sent? */
bool db_sqlstate_quotes_data(const char *code);

#endif
