/*
 * settle: what payment-saga does with one payment whose question is due (payment_state.h): one nobody went on with, one
 * whose confirm broke off, one that a webhook spoke of, one whose money must go back (PAY-008, PAY-012). Header
 * comments of outcome.h and refund.h say what holds when it is interrupted.
 */
#ifndef PAYMENT_SETTLE_H
#define PAYMENT_SETTLE_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/payment/payment.h"

/* The first half: takes the turn of the payment that has been due longest, if any, for a limited time. */
BO_MUSTCHECK const struct err *settle_take(struct ctx *ctx, struct payment *taken_r, bool *found_r);
/* Takes up the payment that has been due longest, if any. *found_r: there was one; there may be more. */
BO_MUSTCHECK const struct err *settle_next(struct ctx *ctx, bool *found_r);

#endif
