/* hold_steps: a hold from its first step to its last. */
#ifndef TESTS_SUPPORT_HOLD_STEPS_H
#define TESTS_SUPPORT_HOLD_STEPS_H

#include "common/io/redis.h"
#include "src/reservation/hold.h"

/* With nobody else's beside. */
static inline const struct err *hold_create(struct ctx *ctx, const struct hold_request *request, struct hold *hold_r)
{
    struct hold_attempt *attempt;
    struct redis_pipe *pipe;
    const struct redis_value *answers;
    const struct err *e = hold_knock(ctx, request, &attempt, &pipe);
    if (!e && pipe) {
        e = redis_pipe_run(pipe, &answers);
        e = e ? hold_lost(attempt, e) : hold_claim(attempt, answers);
    }
    return e ? e : hold_take(attempt, hold_r);
}

#endif
