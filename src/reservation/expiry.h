/*
 * expiry: giving back what nobody paid for (RSV-007). Correctness never waits for it: a lapsed claim is taken over by
 * the next buyer anyway. It closes the reservations and tells the others.
 *
 *   Two at once: each takes reservations that the other has not locked.
 *   Killed, or the store gone: a batch is one transaction; the next run takes it up.
 */
#ifndef RESERVATION_EXPIRY_H
#define RESERVATION_EXPIRY_H

#include <stdint.h>

#include "common/ctx.h"
#include "common/err.h"

/* Cancels up to 200 PENDING reservations whose hold is over and that no payment secures. *released_r: how many; call
 * again while it is 200. */
BO_MUSTCHECK const struct err *reservation_expire_holds(struct ctx *ctx, int64_t *released_r);

#endif
