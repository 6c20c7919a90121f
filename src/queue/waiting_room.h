/*
 * waiting_room: the line in front of a sale, one per schedule (QUEUE-001 to QUEUE-006, QUEUE-011).
 *
 * All state is in Redis under the schedule's hash tag, and every transition is one script on Redis' clock:
 *
 *     enter --> WAITING --(admission.h)--> called --status--> ACTIVE with a token --> done, left or expired
 *
 * Order is a counter taken inside the script. Everything may be repeated: a second enter gives the same place, a second
 * status the same token. Losing the answer therefore costs nothing but asking again.
 *
 * A user waits for one schedule at a time. The marker that remembers which lies outside the schedule's slot; it is only
 * a hint of where to look: before it refuses anyone, the line it names is asked.
 */
#ifndef QUEUE_WAITING_ROOM_H
#define QUEUE_WAITING_ROOM_H

#include <stdint.h>

#include "common/ctx.h"
#include "common/err.h"

enum queue_state { QUEUE_NONE, QUEUE_WAITING, QUEUE_ACTIVE };

struct queue_place {
    enum queue_state state;
    int64_t rank;             /* from 1; 0 unless WAITING */
    int64_t sequence;         /* number in the line, never reused; 0 unless WAITING */
    int64_t estimated_wait_s; /* at the present admission rate */
    int64_t poll_after_s;     /* when to ask again */
    const char *token;        /* "qr_<uuid>"; NULL unless ACTIVE */
    int64_t token_expires_at; /* microseconds; CLOCK_NONE unless ACTIVE */
};

/* Takes a place, or finds the one the user has. &err_not_found (no such schedule), &err_sale_not_open,
 * &err_sale_ended, &err_already_queued_elsewhere, &err_queue_full with ctx->retry_after_s. */
BO_MUSTCHECK const struct err *queue_enter(struct ctx *ctx, const char *user_id, const char *schedule_id,
                                           struct queue_place *place_r);
/* Who asks. */
struct queue_caller {
    const char *user_id;
    const char *jti; /* the access token's id, to be looked up in the same round trip; NULL: it has been */
};

/* Where the user stands; hands out the token once called. One round trip to Redis. &err_not_in_queue,
 * &err_token_revoked. */
BO_MUSTCHECK const struct err *queue_status(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                                            struct queue_place *place_r);
/* Gives up the place or the admission and its token. &err_not_in_queue when there was none. */
BO_MUSTCHECK const struct err *queue_leave(struct ctx *ctx, const char *user_id, const char *schedule_id);

#endif
