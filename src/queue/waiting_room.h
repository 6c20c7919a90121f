/*
 * waiting_room: what a person can do in the line in front of a sale (QUEUE-001 to QUEUE-006, QUEUE-008, QUEUE-011).
 *
 * All state is in Redis under the schedule's hash tag, and every transition is one script on Redis' clock; how it
 * works is told in docs/queue.md. Everything may be repeated: a second enter gives the same place, a second status the
 * same token, so losing an answer costs nothing but asking again.
 *
 * Requests are limited per user (&err_too_many_requests with ctx->retry_after_s; ctx->limit says what is left).
 */
#ifndef QUEUE_WAITING_ROOM_H
#define QUEUE_WAITING_ROOM_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/redis.h"

#define QUEUE_WAIT_UNKNOWN (-1)
#define QUEUE_POLL_NEAR_S 5 /* pollAfter near the front, and of whoever has been called */

enum queue_state { QUEUE_PRE_OPEN, QUEUE_WAITING, QUEUE_ACTIVE };

/* Members that the state does not name are 0, NULL or CLOCK_NONE. */
struct queue_place {
    enum queue_state state;
    int64_t arrival;          /* number in the line, from 1, never reused */
    int64_t opens_at;         /* PRE_OPEN: microseconds */
    int64_t rank;             /* WAITING: from 1 */
    int64_t sequence;         /* WAITING, ACTIVE: place in the line, from 1; drawn at the opening, then fixed */
    int64_t estimated_wait_s; /* WAITING; QUEUE_WAIT_UNKNOWN while nobody is called, delay_reason says why */
    const char *delay_reason; /* WAITING: "SOLD_OUT", "PAUSED", "FULL", "SLOWER" or NULL */
    int64_t poll_after_s;     /* when to ask again; who is late by far counts as gone */
    const char *token;        /* ACTIVE: "qr_<uuid>" */
    int64_t token_expires_at; /* ACTIVE: microseconds */
};

/* Who asks. */
struct queue_caller {
    const char *user_id;
    const char *jti; /* the access token's id, to be looked up in the same round trip; NULL: it has been */
};

/* Takes a place, or finds the one the user has. An authentic `receipt` (NULL: none) brings back a number that Redis has
 * forgotten; any other is ignored. Two round trips to Redis, as long as the copy of the schedule is fresh and nobody is
 * called at once. &err_not_found (no such schedule),
 * &err_sale_not_open (too early), &err_sale_ended, &err_already_queued_elsewhere, &err_queue_full with
 * ctx->retry_after_s, &err_token_revoked. */
BO_MUSTCHECK const struct err *queue_enter(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                                           const char *receipt, struct queue_place *place_r);
/* Where the user stands; hands out the token once called. One round trip to Redis while waiting; two for the first time
 * after the opening and for somebody who has been called, three for a stranger. &err_not_in_queue, &err_sale_ended,
 * &err_token_revoked. */
BO_MUSTCHECK const struct err *queue_status(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                                            struct queue_place *place_r);
/* The same in halves, for a process that serves many people at once: each says what is to be asked of Redis, the next
 * one goes on with the answers (as from redis_pipe_run()); between them others may be served. A visit lives in
 * ctx->arena and borrows the caller's texts, the schedule's id and the receipt. */
struct queue_visit;
struct queue_visit *queue_visit_new(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id);
struct redis_pipe *queue_status_ask(struct queue_visit *visit);
BO_MUSTCHECK const struct err *queue_status_answer(struct queue_visit *visit, const struct redis_value *answers,
                                                   struct queue_place *place_r);
BO_MUSTCHECK const struct err *queue_enter_ask(struct queue_visit *visit, const char *receipt,
                                               struct redis_pipe **pipe_r);
BO_MUSTCHECK const struct err *queue_enter_join(struct queue_visit *visit, const struct redis_value *answers,
                                                struct redis_pipe **pipe_r);
BO_MUSTCHECK const struct err *queue_enter_answer(struct queue_visit *visit, const struct redis_value *answers,
                                                  struct queue_place *place_r);

/* Gives up the place or the admission and its token. &err_not_in_queue when there was none. */
BO_MUSTCHECK const struct err *queue_leave(struct ctx *ctx, const char *user_id, const char *schedule_id);

#endif
