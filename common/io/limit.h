/*
 * limit: how often somebody may do what costs others something: a call to a provider, a row that stays, work.
 *
 * Counted in Redis from the first time on, in windows that do not overlap. Key limit:<name>:<who>.
 */
#ifndef COMMON_LIMIT_H
#define COMMON_LIMIT_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

struct limit {
    const char *name; /* "order", as clients are told it (RateLimit) */
    int64_t most;
    int64_t window_s;
};

/* Counts once more for `who`. &err_too_many_requests with ctx->retry_after_s and ctx->limit set, above limit->most in
 * one window. Without Redis nobody is held up. */
BO_MUSTCHECK const struct err *limit_take(struct ctx *ctx, const struct limit *limit, const char *who);

#endif
