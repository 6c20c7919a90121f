/* sandbox_fault: misbehaviour that a test has ordered from a stand-in. */
#ifndef SANDBOX_SANDBOX_FAULT_H
#define SANDBOX_SANDBOX_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* An order, and what strikes one call. Zero or NULL: not that. */
struct sandbox_fault {
    const char *target;    /* "portone", "recaptcha", "oauth" */
    const char *operation; /* "confirm", ...; NULL: all of the target */
    int64_t share_ppm;     /* share of calls that it strikes, in millionths */
    int64_t times;         /* calls that it strikes before it is over; 0 = until deleted */
    int64_t latency_ms;    /* wait before the work is begun */
    int64_t status;        /* answer this status instead of working; with lose_answer instead of the real answer */
    const char *type;      /* PortOne's error type in that answer; NULL: an answer that is not the provider's */
    bool hang;             /* never answer; the work is not done unless lose_answer */
    bool lose_answer;      /* the work is done, its answer is not given */
    const char *epoch;     /* of the orders, for sandbox_fault_hang() */
};

BO_MUSTCHECK const struct err *sandbox_fault_order(struct ctx *ctx, const struct sandbox_fault *fault);
/* The fault that strikes this call, if any (*struck_r). Orders are tried in the order in which they came. */
BO_MUSTCHECK const struct err *sandbox_fault_take(struct ctx *ctx, const char *target, const char *operation,
                                                  struct sandbox_fault *fault_r, bool *struck_r);
/* The orders that stand, as JSON texts. */
BO_MUSTCHECK const struct err *sandbox_fault_list(struct ctx *ctx, const char *const **faults_r, size_t *count_r);
/* Deletes all orders and wakes the calls that hang. */
BO_MUSTCHECK const struct err *sandbox_fault_clear(struct ctx *ctx);
/* Blocks for cfg_sandbox.hang_ms or until the orders are deleted. */
void sandbox_fault_hang(struct ctx *ctx, const struct sandbox_fault *fault);

#endif
