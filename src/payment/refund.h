/*
 * refund: giving money back (PAY-012). Message handlers only note that it must be done, in the transaction of the inbox
 * claim; payment-saga does it.
 *
 *   Two at once: one process at a time by busy_until; and PortOne gives back all that is left, so a second cancel finds
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
/* Cancelled: what was paid for it goes back; nothing when nothing was paid. */
BO_MUSTCHECK const struct err *refund_on_cancelled(struct ctx *ctx, const struct event *event,
                                                   const struct reservation_cancelled *cancelled);

/* One try to give a payment's money back. `again_s`: when to try again if it does not succeed. */
BO_MUSTCHECK const struct err *refund_try(struct ctx *ctx, const struct payment *payment, int64_t again_s);

#endif
