/*
 * marker: a user waits for one schedule at a time (QUEUE-011).
 *
 * The marker says for which. It lies outside the schedule's slot, so it is only a hint of where to look: before it
 * refuses anybody, the line it names is asked. It has no life of its own: it goes when its owner leaves, and when the
 * line is closed; entering again repairs a lost one.
 */
#ifndef QUEUE_MARKER_H
#define QUEUE_MARKER_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/redis.h"
#include "src/queue/queue_keys.h"

/* Sets the marker to this schedule, in two halves: what is asked of Redis, and what came of it. In the same exchange
 * `jti` is looked up in the blacklist (NULL: it has been). &err_already_queued_elsewhere, &err_token_revoked (a marker
 * that was set stays: it is a hint only). Safe to repeat. */
struct redis_pipe *marker_claim_ask(struct ctx *ctx, const struct queue_user *user, const char *jti,
                                    const char *schedule_id);
BO_MUSTCHECK const struct err *marker_claim_answer(struct ctx *ctx, const struct queue_user *user, const char *jti,
                                                   const char *schedule_id, const struct redis_value *answers);
/* Whether it still names this schedule, asked after the place was taken: another device of the user may have taken it
 * over in between (&err_already_queued_elsewhere), or be about to, or it was dropped: then it is ours again. Safe to
 * repeat. */
void marker_pipe_look(struct redis_pipe *pipe, struct ctx *ctx, const struct queue_user *user);
BO_MUSTCHECK const struct err *marker_look(struct ctx *ctx, const struct queue_user *user, const char *schedule_id,
                                           const struct redis_value *marker);
/* Drops the marker of somebody who has left this line, unless they are in it again. Safe to repeat. */
BO_MUSTCHECK const struct err *marker_leave(struct ctx *ctx, const struct queue_user *user, const char *schedule_id);
/* Removes the markers of these users of one shard (16 bytes each, side by side) that name this schedule. */
BO_MUSTCHECK const struct err *marker_drop(struct ctx *ctx, unsigned shard, const unsigned char *refs, size_t count,
                                           const char *schedule_id);

#endif
