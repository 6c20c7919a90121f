/*
 * refund: giving money back (PAY-012). Message handlers only note that it must be done, in the transaction of the inbox
 * claim; payment-saga does it.
 *
 *   Two at once: one process at a time by its turn; and PortOne gives back all that is left, so a second cancel finds
 *     nothing.
 *   Killed here, answer lost: PortOne's record is read before every try, so what was given back is seen.
 *   Store or PortOne gone: tried again with growing pauses, for ever.
 */
#ifndef PAYMENT_REFUND_H
#define PAYMENT_REFUND_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/event.h"
#include "src/contract/events.h"
#include "src/payment/payment.h"

/* Paid, but the seats were gone. */
BO_MUSTCHECK const struct err *refund_on_rejected(struct ctx *ctx, const struct event *event,
                                                  const struct reservation_rejected *rejected);
/* Cancelled: what was paid for it goes back, what is not paid yet is given up. */
BO_MUSTCHECK const struct err *refund_on_cancelled(struct ctx *ctx, const struct event *event,
                                                   const struct reservation_cancelled *cancelled);

enum refund_state {
    REFUND_DONE,    /* by this try: *returned_r won */
    REFUND_REFUSED, /* PortOne's no */
    REFUND_UNKNOWN, /* not yet, or not known: PortOne's record will tell */
};

/* One try to give back all that is left of a charge. */
enum refund_state refund_try(struct ctx *ctx, const struct payment *payment, const char *reason, int64_t *returned_r);

#endif
