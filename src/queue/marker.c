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
    bool over;
    const struct err *e = schedule_is_over(ctx, schedule_id, &over);
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
    const struct redis_value *there;
    e = redis_pipe_run(pipe, &there);
    if (!e && there->type != REDIS_INT) {
        e = &err_internal;
    }
    if (!e) {
        *in_r = there->integer == 1;
    }
    return e;
}

/* What a claim has learnt. */
struct claimed {
    const unsigned char *other; /* the schedule that the marker names instead; NULL: it names ours */
    int64_t leaves;
};

static const struct err *claim(struct ctx *ctx, const struct queue_user *user, const char *jti, const char *schedule_id,
                               const unsigned char *stale, struct claimed *claimed_r)
{
    enum { MARKER, LEAVES, REVOKED };
    unsigned char schedule[UUID_BYTES];
    const char *key = queue_marker_key(ctx->arena, queue_shard_of(user));
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_eval_begin(pipe, &redis_script_queue_claim_marker, &key, 1, 3);
    redis_pipe_arg(pipe, user->ref, sizeof user->ref);
    redis_pipe_arg(pipe, uuid_bytes(schedule_id, schedule), UUID_BYTES);
    redis_pipe_arg(pipe, stale, stale ? UUID_BYTES : 0);
    REDIS_PIPE(pipe, "GET", queue_leaves_key(ctx->arena, schedule_id, user->id));
    if (jti) {
        token_pipe_revoked(pipe, ctx, jti);
    }
    const struct redis_value *answers;
    const struct err *e = redis_pipe_run(pipe, &answers);
    if (!e && jti) {
        e = token_piped_revoked(&answers[REVOKED]);
    }
    if (!e && answers[MARKER].type == REDIS_ERROR) {
        e = &err_internal;
    }
    if (!e) {
        const struct redis_value *named = &answers[MARKER], *leaves = &answers[LEAVES];
        bool other = named->type == REDIS_STR && named->len == UUID_BYTES;
        *claimed_r = (struct claimed){other ? (const unsigned char *)named->str : NULL,
                                      leaves->type == REDIS_STR ? strtoll(leaves->str, NULL, 10) : 0};
    }
    return e;
}

const struct err *marker_claim(struct ctx *ctx, const struct queue_user *user, const char *jti, const char *schedule_id,
                               int64_t *leaves_r)
{
    struct claimed claimed;
    char other[UUID_SIZE];
    bool in;
    const struct err *e = claim(ctx, user, jti, schedule_id, NULL, &claimed);
    if (!e && claimed.other) {
        const unsigned char *stale = claimed.other;
        e = is_in(ctx, user, uuid_text(stale, other), &in);
        e = e ? e : in ? &err_already_queued_elsewhere : claim(ctx, user, NULL, schedule_id, stale, &claimed);
        e = e ? e : claimed.other ? &err_already_queued_elsewhere : NULL;
    }
    if (!e) {
        *leaves_r = claimed.leaves;
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
