/*
 * secure: keeping the seats while money may move (PAY-005, architecture decision 3).
 *
 *   Two at once: the reservation's row lock orders them; the second payment gets &err_hold_expired.
 *   Killed here, answer lost here: one transaction; a repeat by the same payment is a success.
 *   Store gone: &err_unavailable, or &err_uncertain when the commit's answer was lost: repeat.
 *   Called off meanwhile: what is not secured yet is refused (architecture decision 3: no money without a sale); what
 * is secured stays so, since its money may have moved. While the event service is away the last that is known of the
 *   performance counts.
 *   Repeated tomorrow: the seats stay secured until the payment has an outcome or lets go of them, or turns out not to
 *   exist.
 */
#ifndef RESERVATION_SECURE_H
#define RESERVATION_SECURE_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/contract/reservation_api.h"
#include "src/reservation/reservation.h"

/* Keeps the seats of a PENDING reservation for one payment. A lapsed hold is secured too as long as nobody has taken
 * one of its seats. &err_not_found, &err_amount_mismatch, &err_hold_expired, &err_sale_ended when the performance was
 * called off, &err_unavailable, &err_uncertain. */
BO_MUSTCHECK const struct err *reservation_secure_seats(struct ctx *ctx, const char *reservation_id,
                                                        const struct reservation_secure *secure,
                                                        struct reservation_info *info_r);
/* The seats that this payment has secured are the hold's again, and end with it. Nothing changes, and it is no error,
 * when they are not this payment's or the reservation is no longer PENDING. &err_not_found, &err_unavailable,
 * &err_uncertain. */
BO_MUSTCHECK const struct err *reservation_unsecure_seats(struct ctx *ctx, const char *reservation_id,
                                                          const char *payment_id, struct reservation_info *info_r);
/* Takes the secured hold that has been due longest and lets go of it when the payment service says that this payment is
 * not this reservation's; whatever else it says, or if it says nothing, the seats stay and it is asked again later.
 * *more_r: there was one. Any number of processes may do it. &err_unavailable, &err_uncertain, &err_bad_gateway. */
BO_MUSTCHECK const struct err *reservation_ask_about_secured(struct ctx *ctx, bool *more_r);
/* What payment may know of a reservation; whether the performance was called off is not asked. */
struct reservation_info reservation_info_of(const struct reservation *reservation);

#endif
