/*
 * payment_api: what the reservation service asks of payment, served under /internal on its responder.
 *
 * Seats are secured for a payment until that payment has an outcome or lets go of them, which the payment service sees
 * to. Of a payment that does not exist nobody would ever hear again.
 */
#ifndef CONTRACT_PAYMENT_API_H
#define CONTRACT_PAYMENT_API_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

/* Query of GET /internal/payments. */
struct payment_query {
    const char *reservation_id;
};
extern const struct shape payment_query_shape;

/* Its answer: the payment of a reservation, whatever has become of it. */
struct payment_of {
    const char *reservation_id;
    const char *payment_id; /* NULL: nobody has ordered one */
};
extern const struct shape payment_of_shape;

/* &err_unavailable, &err_uncertain, &err_bad_gateway: it is not known; only an answer in so many words says that there
 * is no payment. Safe to repeat. */
BO_MUSTCHECK const struct err *payment_api_of_reservation(struct ctx *ctx, const char *reservation_id,
                                                          struct payment_of *payment_r);

#endif
