/*
 * opening: the draw of a line: its commitment, its opening, and the places it gives.
 *
 *   Two at once: the script fixes count and seed once; who comes second finds them.
 *   Killed here, store gone: until the seal is over nobody has been told a place, so an opening that was lost may
 * happen again; after that it is on disk.
 */
#ifndef QUEUE_OPENING_H
#define QUEUE_OPENING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/crypto/uuid.h"
#include "common/io/redis.h"
#include "src/contract/schedule.h"
#include "src/queue/draw.h"

/* A schedule's seed and the commitment to it, in hex. The line keeps the pair with which it began. */
struct opening_secret {
    char schedule_id[UUID_SIZE];
    char seed[2 * DRAW_SEED_SIZE + 1];
    char commitment[2 * CRYPTO_SHA256_SIZE + 1];
};
/* Owned by this module, valid until the next call. */
const struct opening_secret *opening_secret(struct arena *arena, const char *schedule_id);
/* True when this process has seen the line open; opening_saw() tells it what it sees. Only saves what would
 * do nothing: what a Redis has lost, approvers do again. */
bool opening_seen(const char *schedule_id);
void opening_saw(const char *schedule_id, bool open);
/* Adds the opening of this schedule's line to a pipeline, in so many commands that answer integers: lists the line, and
 * opens it, which happens only when the sale has begun, and once. */
#define OPENING_COMMANDS 2
void opening_pipe(struct redis_pipe *pipe, struct ctx *ctx, const struct schedule *schedule);
/* The same alone. *open_r false: it is too early. */
BO_MUSTCHECK const struct err *opening_run(struct ctx *ctx, const struct schedule *schedule, bool *open_r);
/* The permutation of a line whose draw is fixed, with this many people in it. Owned by this module, valid until the
 * next call: the last one is kept, as everybody asks for the same. Asks Redis for the seed when it is another. */
BO_MUSTCHECK const struct err *opening_draw_of(struct ctx *ctx, const char *schedule_id, int64_t count,
                                               const struct draw **draw_r);

#endif
