/*
 * draw: the shuffle at the opening of a sale, a keyed permutation of arrival numbers. Pure computation; the algorithm
 * "feistel-hmac-sha256-v1" is described in docs/queue.md, so that anybody can compute it.
 */
#ifndef QUEUE_DRAW_H
#define QUEUE_DRAW_H

#include <stdint.h>

#include "common/crypto/crypto.h"

#define DRAW_ALGORITHM "feistel-hmac-sha256-v1"
#define DRAW_SEED_SIZE CRYPTO_SHA256_SIZE
#define DRAW_COUNT_MAX (INT64_C(1) << 24)
#define DRAW_ROUNDS 10
#define DRAW_HALF_MAX (1 << 12) /* values of half a number below DRAW_COUNT_MAX */

/* The permutation of 0 to count-1 of one sale. */
struct draw {
    int64_t count;
    unsigned half_bits;
    uint16_t rounds[DRAW_ROUNDS][DRAW_HALF_MAX]; /* the round function, as tables */
};

/* The seed of a schedule: bound to it by the queue's secret key, so that it is the same when everything else is lost.
 */
void draw_seed(const char *secret, const char *schedule_id, unsigned char seed_r[DRAW_SEED_SIZE]);
/* Prepares the permutation. `schedule_id` must be a UUID, `count` from 0 to DRAW_COUNT_MAX. Costs some microseconds per
 * value of half a number: a millisecond for 50,000 people. */
void draw_make(struct draw *draw, const unsigned char seed[DRAW_SEED_SIZE], const char *schedule_id, int64_t count);
/* Place (from 0) of the arrival number (from 0); numbers from draw->count on came later and stay where they are. */
int64_t draw_place(const struct draw *draw, int64_t number);
/* The inverse: who stands at the place. */
int64_t draw_number(const struct draw *draw, int64_t place);

#endif
