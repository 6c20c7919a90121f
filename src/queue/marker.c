#include "src/queue/marker.h"

#include <string.h>

#include "common/auth/token.h"
#include "common/crypto/crypto.h"
#include "common/io/redis.h"
#include "src/contract/schedule.h"
#include "src/queue/queue_errors.h"

#define TAKING_BYTES 8
#define LOOKS 3

extern const struct redis_script redis_script_queue_swap_marker;
extern const struct redis_script redis_script_queue_drop_marker;

/* ---- what a marker is ---- */

/* A schedule, and behind it, while somebody leaves it for another line or for none, a random number: that one is then
 * the only one who may go on, and only if nobody has touched the marker since. `len` 0: there is none. */
struct marker {
    const unsigned char *bytes;
    size_t len;
};

static struct marker marker_of(const struct redis_value *value)
{
    bool there = value->type == REDIS_STR;
    return (struct marker){there ? (const unsigned char *)value->str : NULL, there ? value->len : 0};
}

static struct marker marker_naming(struct ctx *ctx, const char *schedule_id)
{
    unsigned char *bytes = arena_alloc(ctx->arena, UUID_BYTES);
    uuid_bytes(schedule_id, bytes);
    return (struct marker){bytes, UUID_BYTES};
}

static struct marker marker_leaving(struct ctx *ctx, const struct marker *from)
{
    unsigned char *bytes = arena_alloc(ctx->arena, UUID_BYTES + TAKING_BYTES);
    memcpy(bytes, from->bytes, UUID_BYTES);
    crypto_random(bytes + UUID_BYTES, TAKING_BYTES);
    return (struct marker){bytes, UUID_BYTES + TAKING_BYTES};
}

static bool is_about(const struct marker *marker, const char *schedule_id)
{
    unsigned char schedule[UUID_BYTES];
    return marker->len >= UUID_BYTES && memcmp(marker->bytes, uuid_bytes(schedule_id, schedule), UUID_BYTES) == 0;
}

static bool names(const struct marker *marker, const char *schedule_id)
{
    return marker->len == UUID_BYTES && is_about(marker, schedule_id);
}

/* ---- asking and changing ---- */

/* A command on the user's field of a hash; `more` arguments follow. */
static void pipe_hash(struct redis_pipe *pipe, const char *command, const char *key, const struct queue_user *user,
                      size_t more)
{
    redis_pipe_begin(pipe, 3 + more);
    redis_pipe_arg(pipe, command, strlen(command));
    redis_pipe_arg(pipe, key, strlen(key));
    redis_pipe_arg(pipe, user->ref, sizeof user->ref);
}

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
    pipe_hash(pipe, "HEXISTS", people, user, 0);
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

static const struct err *look(struct ctx *ctx, const struct queue_user *user, struct marker *seen_r)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *value;
    marker_pipe_look(pipe, ctx, user);
    const struct err *e = redis_pipe_run(pipe, &value);
    if (!e && value->type == REDIS_ERROR) {
        e = &err_internal;
    }
    if (!e) {
        *seen_r = marker_of(value);
    }
    return e;
}

/* &err_already_queued_elsewhere when it is not `from` any more. */
static const struct err *swap(struct ctx *ctx, const struct queue_user *user, const struct marker *from,
                              const struct marker *to)
{
    const char *key = queue_marker_key(ctx->arena, queue_shard_of(user));
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *swapped;
    redis_pipe_eval_begin(pipe, &redis_script_queue_swap_marker, &key, 1, 3);
    redis_pipe_arg(pipe, user->ref, sizeof user->ref);
    redis_pipe_arg(pipe, from->bytes, from->len);
    redis_pipe_arg(pipe, to->bytes, to->len);
    const struct err *e = redis_pipe_run(pipe, &swapped);
    if (!e && swapped->type != REDIS_INT) {
        e = &err_internal;
    }
    return e ? e : swapped->integer == 1 ? NULL : &err_already_queued_elsewhere;
}

/* Leaves the line that the marker is about, for `to`, if the user is not in it. Whoever takes a place there meanwhile
 * looks at the marker afterwards (marker_look()), and we look for a place after having changed the marker: so either we
 * find the place, or they find that the marker is being left, and undo that, which ends our way. If we die on it the
 * next one goes on from there. */
static const struct err *give_way(struct ctx *ctx, const struct queue_user *user, const struct marker *from,
                                  const struct marker *to)
{
    char line[UUID_SIZE];
    bool in;
    if (from->len < UUID_BYTES) {
        return swap(ctx, user, from, to);
    }
    const struct err *e = is_in(ctx, user, uuid_text(from->bytes, line), &in);
    if (e || in) {
        return e ? e : &err_already_queued_elsewhere;
    }
    struct marker leaving = marker_leaving(ctx, from);
    e = swap(ctx, user, from, &leaving);
    e = e ? e : is_in(ctx, user, line, &in);
    if (e) {
        return e;
    }
    struct marker back = marker_naming(ctx, line);
    e = swap(ctx, user, &leaving, in ? &back : to);
    return !e && in ? &err_already_queued_elsewhere : e;
}

/* ---- entering and leaving ---- */

enum { SET, MARKER, REVOKED };

/* Two plain commands, which cost Redis half of a script: most have no marker, or one of this line. */
struct redis_pipe *marker_claim_ask(struct ctx *ctx, const struct queue_user *user, const char *jti,
                                    const char *schedule_id)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    struct marker ours = marker_naming(ctx, schedule_id);
    pipe_hash(pipe, "HSETNX", queue_marker_key(ctx->arena, queue_shard_of(user)), user, 1);
    redis_pipe_arg(pipe, ours.bytes, ours.len);
    marker_pipe_look(pipe, ctx, user);
    if (jti) {
        token_pipe_revoked(pipe, ctx, jti);
    }
    return pipe;
}

const struct err *marker_claim_answer(struct ctx *ctx, const struct queue_user *user, const char *jti,
                                      const char *schedule_id, const struct redis_value *answers)
{
    const struct err *e = jti ? token_piped_revoked(&answers[REVOKED]) : NULL;
    if (!e && answers[SET].type != REDIS_INT) {
        e = &err_internal;
    }
    e = e ? e : marker_look(ctx, user, schedule_id, &answers[MARKER]);
    if (e == &err_already_queued_elsewhere) {
        struct marker seen = marker_of(&answers[MARKER]), ours = marker_naming(ctx, schedule_id);
        e = give_way(ctx, user, &seen, &ours);
    }
    return e;
}

void marker_pipe_look(struct redis_pipe *pipe, struct ctx *ctx, const struct queue_user *user)
{
    pipe_hash(pipe, "HGET", queue_marker_key(ctx->arena, queue_shard_of(user)), user, 0);
}

const struct err *marker_look(struct ctx *ctx, const struct queue_user *user, const char *schedule_id,
                              const struct redis_value *marker)
{
    struct marker seen = marker_of(marker), ours = marker_naming(ctx, schedule_id);
    const struct err *e = marker->type == REDIS_ERROR ? &err_internal : NULL;
    for (int i = 0; !e && i < LOOKS; i++) {
        if (names(&seen, schedule_id)) {
            return NULL;
        }
        if (seen.len > 0 && !is_about(&seen, schedule_id)) {
            return &err_already_queued_elsewhere;
        }
        e = swap(ctx, user, &seen, &ours); /* dropped, or being left */
        if (e != &err_already_queued_elsewhere) {
            return e;
        }
        e = look(ctx, user, &seen);
    }
    return e ? e : &err_already_queued_elsewhere;
}

const struct err *marker_leave(struct ctx *ctx, const struct queue_user *user, const char *schedule_id)
{
    static const struct marker none = {NULL, 0};
    struct marker seen;
    const struct err *e = look(ctx, user, &seen);
    if (e || !is_about(&seen, schedule_id)) {
        return e;
    }
    e = give_way(ctx, user, &seen, &none);
    return e == &err_already_queued_elsewhere ? NULL : e; /* entered again, or taken over */
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
