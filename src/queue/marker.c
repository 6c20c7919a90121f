#include "src/queue/marker.h"

#include <stdlib.h>
#include <string.h>

#include "common/auth/token.h"
#include "common/io/redis.h"
#include "src/contract/schedule.h"
#include "src/queue/queue_errors.h"

extern const struct redis_script redis_script_queue_claim_marker;
extern const struct redis_script redis_script_queue_drop_marker;

/* True when the user has a place in that line, or may come back to one. */
static const struct err *is_in(struct ctx *ctx, const struct queue_user *user, const char *schedule_id, bool *in_r)
{
    struct schedule schedule;
    bool over;
    const struct err *e = schedule_find(ctx, schedule_id, &schedule, &over);
    if (e || over) {
        *in_r = false;
        return e;
    }
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    const char *people = queue_people_key(ctx->arena, &keys, queue_shard_of(user));
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_begin(pipe, 3);
    redis_pipe_arg(pipe, "HEXISTS", strlen("HEXISTS"));
    redis_pipe_arg(pipe, people, strlen(people));
    redis_pipe_arg(pipe, user->ref, sizeof user->ref);
    REDIS_PIPE(pipe, "HEXISTS", keys.state, "closed_ms"); /* known before every copy of the schedule says so */
    const struct redis_value *there;
    e = redis_pipe_run(pipe, &there);
    if (!e && (there[0].type != REDIS_INT || there[1].type != REDIS_INT)) {
        e = &err_internal;
    }
    if (!e) {
        *in_r = there[0].integer == 1 && there[1].integer == 0;
    }
    return e;
}

/* ---- the common case: who has no marker, or one of this line ---- */

enum { SET, MARKER, LEAVES, REVOKED };

static void pipe_look(struct redis_pipe *pipe, const char *key, const struct queue_user *user)
{
    redis_pipe_begin(pipe, 3);
    redis_pipe_arg(pipe, "HGET", strlen("HGET"));
    redis_pipe_arg(pipe, key, strlen(key));
    redis_pipe_arg(pipe, user->ref, sizeof user->ref);
}

/* Two plain commands, which cost Redis half of a script. */
static void pipe_set(struct redis_pipe *pipe, const char *key, const struct queue_user *user, const char *schedule_id)
{
    unsigned char schedule[UUID_BYTES];
    redis_pipe_begin(pipe, 4);
    redis_pipe_arg(pipe, "HSETNX", strlen("HSETNX"));
    redis_pipe_arg(pipe, key, strlen(key));
    redis_pipe_arg(pipe, user->ref, sizeof user->ref);
    redis_pipe_arg(pipe, uuid_bytes(schedule_id, schedule), UUID_BYTES);
    pipe_look(pipe, key, user);
}

static bool names(const struct redis_value *marker, const char *schedule_id)
{
    unsigned char schedule[UUID_BYTES];
    return marker->type == REDIS_STR && marker->len == UUID_BYTES &&
           memcmp(marker->str, uuid_bytes(schedule_id, schedule), UUID_BYTES) == 0;
}

/* ---- the other one ---- */

/* `stale`: the line that the marker may be taken over from; NULL: none. */
static const struct err *claim(struct ctx *ctx, const struct queue_user *user, const char *schedule_id,
                               const unsigned char *stale)
{
    unsigned char schedule[UUID_BYTES];
    const char *key = queue_marker_key(ctx->arena, queue_shard_of(user));
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *other;
    redis_pipe_eval_begin(pipe, &redis_script_queue_claim_marker, &key, 1, 3);
    redis_pipe_arg(pipe, user->ref, sizeof user->ref);
    redis_pipe_arg(pipe, uuid_bytes(schedule_id, schedule), UUID_BYTES);
    redis_pipe_arg(pipe, stale, stale ? UUID_BYTES : 0);
    const struct err *e = redis_pipe_run(pipe, &other);
    if (!e && other->type == REDIS_ERROR) {
        e = &err_internal;
    }
    return e ? e : other->type == REDIS_STR ? &err_already_queued_elsewhere : NULL;
}

/* The marker names another line, or was dropped this very moment: it is taken over from one that the user is not in any
 * more. Whoever is entering that line meanwhile looks at the marker after having taken a place (marker_look()), and we
 * look for a place after having taken the marker: one of the two sees the other. */
static const struct err *take_over(struct ctx *ctx, const struct queue_user *user, const char *schedule_id,
                                   const struct redis_value *marker)
{
    char other[UUID_SIZE];
    unsigned char ours[UUID_BYTES];
    bool in = false;
    bool whole = marker->type == REDIS_STR && marker->len == UUID_BYTES;
    const unsigned char *stale = whole ? (const unsigned char *)marker->str : NULL;
    const struct err *e = stale ? is_in(ctx, user, uuid_text(stale, other), &in) : NULL;
    if (!e && in) {
        e = &err_already_queued_elsewhere;
    }
    e = e ? e : claim(ctx, user, schedule_id, stale);
    if (e || !stale) {
        return e;
    }
    e = is_in(ctx, user, other, &in);
    if (!e && in) {
        e = claim(ctx, user, other, uuid_bytes(schedule_id, ours));
        return e ? e : &err_already_queued_elsewhere;
    }
    return e;
}

struct redis_pipe *marker_claim_ask(struct ctx *ctx, const struct queue_user *user, const char *jti,
                                    const char *schedule_id)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    pipe_set(pipe, queue_marker_key(ctx->arena, queue_shard_of(user)), user, schedule_id);
    REDIS_PIPE(pipe, "GET", queue_leaves_key(ctx->arena, schedule_id, user->id));
    if (jti) {
        token_pipe_revoked(pipe, ctx, jti);
    }
    return pipe;
}

const struct err *marker_claim_answer(struct ctx *ctx, const struct queue_user *user, const char *jti,
                                      const char *schedule_id, const struct redis_value *answers, int64_t *leaves_r)
{
    const struct redis_value *leaves = &answers[LEAVES];
    const struct err *e = jti ? token_piped_revoked(&answers[REVOKED]) : NULL;
    if (e && answers[SET].type == REDIS_INT && answers[SET].integer == 1 &&
        marker_drop(ctx, queue_shard_of(user), user->ref, 1, schedule_id) != NULL) {
        log_warn(&ctx->log, "the marker of somebody who was refused stays until they enter again");
    }
    if (!e && (answers[SET].type != REDIS_INT || answers[MARKER].type == REDIS_ERROR)) {
        e = &err_internal;
    }
    if (!e && !names(&answers[MARKER], schedule_id)) {
        e = take_over(ctx, user, schedule_id, &answers[MARKER]);
    }
    if (!e) {
        *leaves_r = leaves->type == REDIS_STR ? strtoll(leaves->str, NULL, 10) : 0;
    }
    return e;
}

const struct err *marker_restore(struct ctx *ctx, const struct queue_user *user, const char *schedule_id)
{
    return claim(ctx, user, schedule_id, NULL);
}

void marker_pipe_look(struct redis_pipe *pipe, struct ctx *ctx, const struct queue_user *user)
{
    pipe_look(pipe, queue_marker_key(ctx->arena, queue_shard_of(user)), user);
}

const struct err *marker_look(struct ctx *ctx, const struct queue_user *user, const char *schedule_id,
                              const struct redis_value *marker)
{
    if (marker->type == REDIS_ERROR) {
        return &err_internal;
    }
    if (marker->type == REDIS_STR) {
        return names(marker, schedule_id) ? NULL : &err_already_queued_elsewhere;
    }
    return marker_restore(ctx, user, schedule_id);
}

const struct err *marker_drop(struct ctx *ctx, unsigned shard, const unsigned char *refs, size_t count,
                              const char *schedule_id)
{
    unsigned char schedule[UUID_BYTES];
    const char *key = queue_marker_key(ctx->arena, shard);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_eval_begin(pipe, &redis_script_queue_drop_marker, &key, 1, 1 + count);
    redis_pipe_arg(pipe, uuid_bytes(schedule_id, schedule), UUID_BYTES);
    for (size_t i = 0; i < count; i++) {
        redis_pipe_arg(pipe, refs + i * UUID_BYTES, UUID_BYTES);
    }
    const struct redis_value *removed;
    const struct err *e = redis_pipe_run(pipe, &removed);
    return e ? e : removed->type == REDIS_ERROR ? &err_internal : NULL;
}
