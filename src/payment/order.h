/*
 * order: beginning to pay for a reservation (PAY-005, PAY-006, PAY-007).
 *
 *   Two at once: one payment per reservation, by a unique index; both get the same answer.
 *   Killed here: a payment that nobody goes on with is given up after the hold; nothing was charged.
 *   Answer lost: a repeat gets the same payment, with or without an Idempotency-Key.
 *   Store gone: without PostgreSQL or Redis nothing has begun; without PortOne the payment is there and a repeat
 *     registers it.
 *   Repeated tomorrow: &err_hold_expired or &err_payment_already_processed.
 */
#ifndef PAYMENT_ORDER_H
#define PAYMENT_ORDER_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/idempotency.h"
#include "common/json/json.h"

struct order_request {
    const char *user_id;
    const char *queue_token; /* NULL: none was sent; one's own hold suffices */
    const char *reservation_id;
    int64_t amount; /* won: what the buyer believes it costs */
    const char *method;
    struct idempotency idempotency;
};

/* What the browser needs to pay. */
struct order {
    const char *payment_id;
    int64_t amount;
    const char *store_id;
    const char *channel_key;
    const char *payment_key;
    bool replayed; /* the first answer again, under the same Idempotency-Key */
};
extern const struct shape order_shape;

/* A reservation of 0 won is paid with this, and PortOne never hears of it. &err_not_found (no such reservation of this
 * user), &err_queue_token_invalid (somebody else's), &err_amount_mismatch, &err_hold_expired (also when its payment has
 * failed), &err_sale_ended (called off), &err_portone_declined (PortOne does not take the order),
 * &err_payment_already_processed, &err_idempotency_key_reused, &err_too_many_requests, &err_portone_unavailable,
 * &err_unavailable, &err_uncertain (repeat). */
BO_MUSTCHECK const struct err *order_create(struct ctx *ctx, const struct order_request *request,
                                            struct order *order_r);

#endif
