/* clang-format off: the table
 *
 * queue_keys: the Redis keys of the waiting room. Those of a schedule share its hash tag; U is a user's UUID as 16
 * bytes, xx its last byte in hex, n a number and p a place in the line (docs/queue.md).
 *
 *     queue:{S}:state      hash    opens_ms, commitment; opened_ms, count, seed (the draw); sequence (numbers given),
 *                                  cursor (places called or passed over), mercy_ds (until then everybody counts as
 *                                  present); base_rate, sold_out (the schedule's); rate, paused, max_active (set by
 *                                  hand); credit, credited_us; pace, tps, shares (measured); notes (of calls while as
 *                                  many are inside as may be); told, reason (what people are told); closed_ms;
 *                                  counters: called, admitted, returned, passed_over, no_shows, sent_back, finished,
 *                                  expired, left
 *     queue:{S}:view       string  of the state, what is asked most: packed by admit.lua, read by parts/tell.lua; away
 *                                  when it must be made anew
 *     queue:{S}:people:xx  hash    U -> "n", "n:p" once drawn, "n:p:token" once admitted
 *     queue:{S}:seen       string  8 bytes per n: when expected back at the latest, when the rate limit is full again;
 *                                  tenths of a second from 2026-01-01, big-endian; not in Redis' log
 *     queue:{S}:used       bitmap  n of those who have been admitted or have left
 *     queue:{S}:gone       bitmap  p of those who left while waiting
 *     queue:{S}:early      set     n of those who left before the draw
 *     queue:{S}:joined     string  4 bytes per 64 n: the Unix second at which the first of them came
 *     queue:{S}:called     zset    n -> until when (ms) the token must be fetched
 *     queue:{S}:returning  zset    n -> p of those passed over who are back
 *     queue:{S}:active     zset    U -> end of the token (ms)
 *     queue:{S}:finished   set     user ids of those who have bought; see src/contract/queue_token.h
 *     queue:{S}:token:T    string  see src/contract/queue_token.h
 *     queue:{S}:audit      stream  changed settings
 *     queue:{S}:leaves:U   string  how often somebody has left, within a minute
 *     queue:tries:U        string  requests of somebody outside the line asked for, within a minute
 *     queue:users:xx       hash    U -> schedule (16 bytes): the one queue of a user
 *     queue:schedules      set     schedules with people to be called or looked after: what approvers go through
 *     queue:lines          set     schedules that have a line, until it is closed and forgotten
 *
 * Two or three hundred people share a hash, so that it stays a listpack (hash-max-listpack-entries).
 */
/* clang-format on */
#ifndef QUEUE_QUEUE_KEYS_H
#define QUEUE_QUEUE_KEYS_H

#include "common/base/arena.h"
#include "common/crypto/uuid.h"

#define QUEUE_SCHEDULES_KEY "queue:schedules"
#define QUEUE_LINES_KEY "queue:lines"
#define QUEUE_SHARDS 256

struct queue_keys {
    const char *state;
    const char *view;
    const char *seen;
    const char *used;
    const char *gone;
    const char *early;
    const char *joined;
    const char *called;
    const char *returning;
    const char *active;
    const char *finished;
    const char *audit;
    const char *people; /* what the keys of the people begin with */
    const char *tokens; /* what the keys of the tokens begin with */
};

/* A user as Redis knows one. */
struct queue_user {
    const char *id;
    unsigned char ref[UUID_BYTES];
};

/* The keys of one schedule; strings in the arena. */
struct queue_keys queue_keys_of(struct arena *arena, const char *schedule_id);
/* `user_id` must be a UUID; it is borrowed. */
struct queue_user queue_user_of(const char *user_id);
/* The hash of the line in which such users are. */
const char *queue_people_key(struct arena *arena, const struct queue_keys *keys, unsigned shard);
/* The counts of a user's requests outside the line asked for, and of leaving a line. */
const char *queue_tries_key(struct arena *arena, const char *user_id);
const char *queue_leaves_key(struct arena *arena, const char *schedule_id, const char *user_id);
/* The hash of the one-queue markers. */
const char *queue_marker_key(struct arena *arena, unsigned shard);
/* Which of the hashes is the user's. */
unsigned queue_shard_of(const struct queue_user *user);

#endif
