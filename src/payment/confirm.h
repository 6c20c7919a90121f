/*
 * confirm: the buyer's "pay now" (PAY-008, PAY-010, PAY-011). No transaction and no lock is open during the calls to
 * the reservation service and to PortOne.
 *
 * The payment is marked busy, the seats are secured, then with a payment token PortOne is told to charge (nothing was
 * charged before), and in any case PortOne's own record decides.
 *   Two at once: one of them marks the payment busy; the other gets PENDING. PortOne charges an id once.
 *   Killed here, store gone: busy_until passes and payment-saga settles it; the seats stay secured till then.
 *   Answer lost (ours or PortOne's): a repeat gets the outcome.
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
    const char *queue_token;
    const char *payment_id;
    const char *reservation_id;
    const char *payment_key;
    const char *transaction_id; /* PortOne's attempt, as the browser SDK told it */
    int64_t amount;
    const char *payment_token; /* manual capture; NULL: charged in the browser */
};

/* NULL: *payment_r is SUCCESS, or PENDING while PortOne's outcome is not known. Else &err_not_found,
 * &err_queue_token_invalid, &err_amount_mismatch, &err_hold_expired, &err_portone_declined,
 * &err_payment_already_processed, &err_invalid_request (not this payment's reservation or key),
 * &err_portone_unavailable and &err_unavailable (nothing was charged: repeat), &err_uncertain (repeat). */
BO_MUSTCHECK const struct err *confirm_payment(struct ctx *ctx, const struct confirm_request *request,
                                               struct payment *payment_r);

#endif
