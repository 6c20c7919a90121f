/*
 * outcome: what a payment's outcome does to its reservation (RSV-004, PAY-012). Message handlers: they run in the
 * transaction of the inbox claim, so each outcome takes effect once.
 *
 *   Two at once (with expiry, a takeover, a cancellation): the reservation's row lock and the claims' row locks order
 *     them; a ticket is given only for seats that are all still this reservation's.
 *   Killed here, store gone: nothing is committed, the message comes again.
 *   Repeated tomorrow: skipped by its event id; a second message of the same payment finds CONFIRMED and changes
 *     nothing.
 */
#ifndef RESERVATION_OUTCOME_H
#define RESERVATION_OUTCOME_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/event.h"
#include "src/contract/events.h"

/* Confirms and gives the ticket, or publishes ReservationRejected so that the payment goes back. &err_not_found for a
 * reservation that does not exist. */
BO_MUSTCHECK const struct err *reservation_on_payment_success(struct ctx *ctx, const struct event *event,
                                                              const struct payment_success *payment);
/* Frees the seats that the payment had secured. */
BO_MUSTCHECK const struct err *reservation_on_payment_failed(struct ctx *ctx, const struct event *event,
                                                             const struct payment_failed *payment);
/* The ticket of a charge that was taken back ends; of one that was given back because the ticket had ended, nothing
 * changes any more. */
BO_MUSTCHECK const struct err *reservation_on_payment_refunded(struct ctx *ctx, const struct event *event,
                                                               const struct payment_refunded *payment);
/* After the commit: the live seat map follows, and a buyer with a ticket gives the slot in the sale back. Safe to
 * repeat, however late. */
BO_MUSTCHECK const struct err *reservation_mirror_outcome(struct ctx *ctx, const char *reservation_id);

#endif
