/*
 * idempotency: the first answer again (Idempotency-Key draft 06).
 *
 * begin and store are called inside the transaction that does the work. Two at once: the second is refused while the
 * first runs, and gets its answer afterwards; if the first rolled back, the second does the work. A failed request
 * leaves nothing behind and may be repeated under the same key. Keys live 24 hours and belong to one user and route.
 * Table idempotency_keys of the service's own schema.
 */
#ifndef COMMON_IDEMPOTENCY_H
#define COMMON_IDEMPOTENCY_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"

struct idempotency {
    const char *key; /* NULL: not asked for; both calls do nothing */
    const char *user_id;
    const char *route; /* "POST /reservations/hold" */
    const char *body;  /* what the request asks for, always in the same form */
    size_t body_len;
};

/* *stored_r: NULL = do the work; else the first answer's JSON, to be sent again. &err_idempotency_key_reused when the
 * body differs, &err_idempotency_key_in_use with ctx->retry_after_s while another one with the key is running,
 * which a killed one may seem to be for seconds. */
BO_MUSTCHECK const struct err *idempotency_begin(struct ctx *ctx, const struct idempotency *idem,
                                                 const char **stored_r);
BO_MUSTCHECK const struct err *idempotency_store(struct ctx *ctx, const struct idempotency *idem, const char *answer);

/* For a service that finds and stores the answer in one statement of its own: what tells requests under one key apart,
 * and the error of begin while another one is running. */
struct db_arg idempotency_fingerprint(struct ctx *ctx, const struct idempotency *idem);
BO_MUSTCHECK const struct err *idempotency_in_use(struct ctx *ctx);

/* Only looks, outside a transaction: *stored_r NULL: none yet, one that is still running, or no key. */
BO_MUSTCHECK const struct err *idempotency_peek(struct ctx *ctx, const struct idempotency *idem, const char **stored_r);

#endif
