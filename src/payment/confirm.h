/*
 * confirm: the buyer's "pay now" (PAY-008, PAY-010, PAY-011). No transaction and no lock is open during the calls to
 * the reservation service and to PortOne.
 *
 * Without a payment token PortOne's record is looked at, and nothing else is done: neither seats nor deadlines change
 * for the mere asking. With one (manual capture) the seats are secured, PortOne is told to charge, and its record
 * decides; if the charge surely did not happen the seats are the hold's again and another card may be tried.
 *   Two at once: one of them takes the turn; the other gets PENDING. PortOne charges an id once.
 *   Killed here, store gone: busy_until passes and payment-saga goes on; the seats stay secured till then.
 *   Answer lost (ours or PortOne's): a repeat gets the outcome.
 *   Repeated for ever: nothing is kept longer than the order fixed; nothing is charged after that.
 *   Repeated tomorrow: the same answer of a SUCCESS; &err_payment_already_processed of a failed one.
 */
#ifndef PAYMENT_CONFIRM_H
#define PAYMENT_CONFIRM_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/payment/payment.h"

struct confirm_request {
    const char *user_id;
    const char *queue_token; /* NULL: none was sent; one's own hold suffices */
    const char *payment_id;
    const char *reservation_id;
    const char *payment_key;
    const char *transaction_id; /* PortOne's attempt, as the browser SDK told it */
    int64_t amount;
    const char *payment_token; /* manual capture; NULL: charged in the browser */
};

/* NULL: *payment_r is SUCCESS, or PENDING while PortOne's outcome is not known. Else &err_not_found,
 * &err_queue_token_invalid (somebody else's), &err_amount_mismatch, &err_hold_expired, &err_sale_ended (called off),
 * &err_portone_declined (the card; details tell why and how long another one may be tried),
 * &err_payment_already_processed, &err_invalid_request (not this payment's reservation, key, token or attempt: nothing
 * has changed), &err_too_many_requests, &err_portone_unavailable and &err_unavailable (nothing was charged: repeat),
 * &err_uncertain (repeat). */
BO_MUSTCHECK const struct err *confirm_payment(struct ctx *ctx, const struct confirm_request *request,
                                               struct payment *payment_r);

#endif
