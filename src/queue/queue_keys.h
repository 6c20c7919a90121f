/*
 * queue_keys: the Redis keys of the waiting room. Those of a schedule share its hash tag.
 *
 *     queue:{S}:state     hash   sequence, rate (set by hand), pace (in force), credit, credited_us, serving,
 *                                admitted, expired
 *     queue:{S}:waiting   zset   user -> sequence
 *     queue:{S}:active    zset   user -> until when (ms): to arrive, then the token's end
 *     queue:{S}:tokens    hash   user -> token, for those who have fetched it
 *     queue:{S}:token:T   string user; see src/contract/queue_token.h
 *     queue:user:U        string schedule: the one queue of user U
 *     queue:schedules     set    schedules that have a line
 */
#ifndef QUEUE_QUEUE_KEYS_H
#define QUEUE_QUEUE_KEYS_H

#include "common/arena.h"

#define QUEUE_SCHEDULES_KEY "queue:schedules"

struct queue_keys {
    const char *state;
    const char *waiting;
    const char *active;
    const char *tokens;
};

/* The keys of one schedule; strings in the arena. */
struct queue_keys queue_keys_of(struct arena *arena, const char *schedule_id);
/* The one-queue marker of a user. */
const char *queue_marker_key(struct arena *arena, const char *user_id);

#endif
