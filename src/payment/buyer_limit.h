/* buyer_limit: how often a minute one buyer may ask for what costs a call to PortOne (PAY-009). */
#ifndef PAYMENT_BUYER_LIMIT_H
#define PAYMENT_BUYER_LIMIT_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Counts one more `what` ("order") of this buyer. &err_too_many_requests with ctx->retry_after_s and ctx->limit set,
 * above `most` in one minute. Without Redis nobody is held up. Key pay:limit:<what>:<user>. */
BO_MUSTCHECK const struct err *buyer_limit(struct ctx *ctx, const char *user_id, const char *what, int64_t most);

#endif
