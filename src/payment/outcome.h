/*
 * outcome: finding out what became of a payment, and recording it with its event in one transaction (PAY-010, PAY-013).
 *
 * PortOne's own record is the only evidence. The recording is the same for a confirm, a webhook and payment-saga, so
 * it does not matter who comes first.
 *   Two at once: the payment's row lock orders them; the second finds an outcome and changes nothing.
 *   Killed here, store gone: the payment stays as it was, busy_until passes, payment-saga takes it up at check_at.
 *   Repeated tomorrow: the outcome stands. A charge that shows up after FAILED is given back.
 */
#ifndef PAYMENT_OUTCOME_H
#define PAYMENT_OUTCOME_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/payment/payment.h"
#include "src/providers/portone.h"

enum evidence {
    EVIDENCE_NONE,    /* PortOne cannot be asked, or does not know yet */
    EVIDENCE_UNPAID,  /* not charged as far as PortOne knows; it could still happen */
    EVIDENCE_REFUSED, /* not charged, finally */
    EVIDENCE_PAID,    /* charged as agreed, and the seats are kept for it */
    EVIDENCE_WRONG,   /* charged, but not as agreed or without seats: must go back */
};

struct finding {
    enum evidence evidence;
    const char *reason;            /* for failure_reason; NULL with PAID and NONE */
    struct portone_payment record; /* PAID and WRONG; of others .raw may be NULL */
};

/* Asks PortOne. Not inside a transaction. */
struct finding outcome_ask(struct ctx *ctx, const struct payment *payment);
/* Keeps the seats for this payment (contract reservation_api.h), asking once more when the answer was lost. */
BO_MUSTCHECK const struct err *outcome_secure(struct ctx *ctx, const struct payment *payment);
/* Asks PortOne and, of a paid one, secures the seats if that has not happened: one that comes too late is WRONG. */
struct finding outcome_investigate(struct ctx *ctx, const struct payment *payment);

/* Records the finding: PENDING becomes SUCCESS or FAILED with its event, a charge that must go back gets its refund
 * requested, anything without evidence stays PENDING until `again_s` seconds from now. EVIDENCE_UNPAID counts as none
 * until the payment is overdue. *payment_r is the payment as it is afterwards. */
BO_MUSTCHECK const struct err *outcome_record(struct ctx *ctx, const char *payment_id, const struct finding *finding,
                                              int64_t again_s, struct payment *payment_r);

#endif
