/*
 * expiry: giving back what nobody paid for (RSV-007). Correctness never waits for it: a lapsed claim is taken over by
 * the next buyer anyway. It closes the reservations and tells the others.
 *
 * Each reservation is a transaction of its own, so that no buyer ever waits for more than one, and none in a circle:
 * within one reservation the claims are locked in the order in which holds take them.
 *   Two at once: each takes a reservation that the other has not locked.
 *   Killed, or the store gone: what is done is done; the next run takes up the rest.
 */
#ifndef RESERVATION_EXPIRY_H
#define RESERVATION_EXPIRY_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

#define EXPIRY_BATCH 200

/* Cancels up to EXPIRY_BATCH PENDING reservations whose hold is over and that no payment secures, the oldest first.
 * *released_r: how many, also on failure; call again while it is EXPIRY_BATCH. */
BO_MUSTCHECK const struct err *reservation_expire_holds(struct ctx *ctx, int64_t *released_r);

#endif
