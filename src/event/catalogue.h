/* catalogue: changes that an administrator makes, each of which is written down (event_service.changes). */
#ifndef EVENT_CATALOGUE_H
#define EVENT_CATALOGUE_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"

/* db_transact(), or db_transact_long() with `statement_ms` above 0, in the name of ctx->admin_id: the tables' triggers
 * write down who has changed what, in the same transaction. Without an administrator (boxctl seed) nothing is written
 * down. */
BO_MUSTCHECK const struct err *catalogue_transact(struct ctx *ctx, int64_t statement_ms, db_work *work, void *arg);

#endif
