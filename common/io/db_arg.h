/* db_arg: parameters as PostgreSQL's text format. Private to the db module. */
#ifndef COMMON_DB_ARG_H
#define COMMON_DB_ARG_H

#include "common/io/db.h"

/* Texts in the order of `args`, NULL for SQL NULL; in the arena. &err_internal (logged) for a list element that is no
 * UUID: it would change the meaning of the array. */
BO_MUSTCHECK const struct err *db_arg_texts(struct ctx *ctx, const struct db_arg *args, size_t count,
                                            const char *const **texts_r);

#endif
