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

enum { MARKER, LEAVES, REVOKED };

static void pipe_claim(struct redis_pipe *pipe, struct ctx *ctx, const struct queue_user *user, const char *schedule_id,
                       const unsigned char *stale)
{
    unsigned char schedule[UUID_BYTES];
    const char *key = queue_marker_key(ctx->arena, queue_shard_of(user));
    redis_pipe_eval_begin(pipe, &redis_script_queue_claim_marker, &key, 1, 3);
    redis_pipe_arg(pipe, user->ref, sizeof user->ref);
    redis_pipe_arg(pipe, uuid_bytes(schedule_id, schedule), UUID_BYTES);
    redis_pipe_arg(pipe, stale, stale ? UUID_BYTES : 0);
}

/* *other_r: the schedule that the marker names instead; NULL: it names ours. */
static const struct err *read_claim(const struct redis_value *named, const unsigned char **other_r)
{
    bool other = named->type == REDIS_STR && named->len == UUID_BYTES;
    *other_r = other ? (const unsigned char *)named->str : NULL;
    return named->type == REDIS_ERROR ? &err_internal : NULL;
}

/* The marker names another line: it is taken over from one that the user is not in any more. */
static const struct err *take_over(struct ctx *ctx, const struct queue_user *user, const char *schedule_id,
                                   const unsigned char *stale)
{
    char other[UUID_SIZE];
    bool in;
    const struct redis_value *named;
    const unsigned char *still;
    const struct err *e = is_in(ctx, user, uuid_text(stale, other), &in);
    if (e || in) {
        return e ? e : &err_already_queued_elsewhere;
    }
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    pipe_claim(pipe, ctx, user, schedule_id, stale);
    e = redis_pipe_run(pipe, &named);
    e = e ? e : read_claim(named, &still);
    return e ? e : still ? &err_already_queued_elsewhere : NULL;
}

struct redis_pipe *marker_claim_ask(struct ctx *ctx, const struct queue_user *user, const char *jti,
                                    const char *schedule_id)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    pipe_claim(pipe, ctx, user, schedule_id, NULL);
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
    const unsigned char *other;
    const struct err *e = jti ? token_piped_revoked(&answers[REVOKED]) : NULL;
    e = e ? e : read_claim(&answers[MARKER], &other);
    if (!e && other) {
        e = take_over(ctx, user, schedule_id, other);
    }
    if (!e) {
        *leaves_r = leaves->type == REDIS_STR ? strtoll(leaves->str, NULL, 10) : 0;
    }
    return e;
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
