/*
 * outcome: finding out what became of a payment, and recording it with its event in one transaction (PAY-010, PAY-013).
 *
 * PortOne's own record is the only evidence, and payment_state.h says what it means. The way is the same for a confirm
 * and for payment-saga, so it does not matter who comes first.
 *   Two at once: taking a turn (payment.sql) counts it; what is found out counts only while the turn is one's own. The
 *     turn is looked at before a call that lets go of seats or gives money back, and again when it is recorded; who
 * stops for BOX_PAYMENT_BUSY_S between the look and the call may let go of seats of a later charge, which a ticket then
 *     still gets if nobody has taken them.
 *   Killed here, store gone: the payment stays as it was, busy_until passes, payment-saga takes it up at check_at.
 *   A hint while somebody is at work: what is recorded leaves the question due at once.
 *   Repeated tomorrow: the outcome stands. A charge that shows up after FAILED is given back.
 */
#ifndef PAYMENT_OUTCOME_H
#define PAYMENT_OUTCOME_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/payment/payment.h"
#include "src/providers/portone.h"

struct finding {
    enum evidence evidence;
    const char *reason;            /* for failure_reason: why it is not paid as agreed; NULL with PAID and SILENT */
    struct portone_payment record; /* of PortOne; without one all its members are empty */
};

/* Takes a turn to find out without charging. *ours_r says whether it was to be had (the payment is pending and nobody
 * else is at work); then *taken_r is the payment as the turn began. It ends when the outcome is recorded, or after
 * BOX_PAYMENT_LOOK_BUSY_S. */
BO_MUSTCHECK const struct err *outcome_begin_look(struct ctx *ctx, const char *payment_id, struct payment *taken_r,
                                                  bool *ours_r);

/* Asks PortOne; of a payment without an amount there is nothing to ask. Not inside a transaction. */
struct finding outcome_ask(struct ctx *ctx, const struct payment *payment);

/* Asks PortOne and does what the answer means: the two below in one. */
BO_MUSTCHECK const struct err *outcome_look(struct ctx *ctx, const struct payment *taken, struct finding *finding_r,
                                            struct payment *payment_r);

/* Does what the finding means: the calls outside that the step needs (secure or let go the seats, cancel at PortOne),
 * then records it with its event. `taken` is the payment as one's turn began, *payment_r as it is afterwards; when the
 * turn was lost meanwhile nothing is recorded. Not inside a transaction. */
BO_MUSTCHECK const struct err *outcome_conclude(struct ctx *ctx, const struct payment *taken,
                                                const struct finding *finding, struct payment *payment_r);

/* Keeps the seats for this payment (contract reservation_api.h), asking once more when the answer was lost. */
BO_MUSTCHECK const struct err *outcome_secure(struct ctx *ctx, const struct payment *payment);
/* The reservation's final no, as opposed to its silence. */
bool outcome_seats_are_gone(const struct err *e);
/* The seats are gone before anything was charged: FAILED, and PortOne is asked whether the browser has. */
BO_MUSTCHECK const struct err *outcome_fail_without_seats(struct ctx *ctx, const struct payment *taken,
                                                          const char *reason, struct payment *payment_r);
/* Our charge did not happen: the seats are the hold's again. */
BO_MUSTCHECK const struct err *outcome_let_go(struct ctx *ctx, const struct payment *taken, struct payment *payment_r);

#endif
