#include "src/queue/waiting_room.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/redis.h"
#include "common/token.h"
#include "common/uuid.h"
#include "src/contract/queue_token.h"
#include "src/contract/schedule.h"
#include "src/queue/queue_errors.h"
#include "src/queue/queue_keys.h"
#include "src/queue/queue_settings.h"

#define POLL_NEAR_S 5 /* within a minute of the front */
#define POLL_FAR_S 60 /* the longest anybody is told to wait before asking again */
#define FULL_RETRY_S 30

extern const struct redis_script redis_script_queue_enter;
extern const struct redis_script redis_script_queue_status;
extern const struct redis_script redis_script_queue_leave;
extern const struct redis_script redis_script_queue_move_marker;
extern const struct redis_script redis_script_queue_drop_marker;

static const char *text_of(struct ctx *ctx, int64_t number)
{
    return arena_printf(ctx->arena, "%lld", (long long)number);
}

/* A tenth of the wait, so that a client asks about ten times in all, within bounds. */
static int64_t poll_after(int64_t wait_s)
{
    int64_t after = wait_s / 10;
    return after < POLL_NEAR_S ? POLL_NEAR_S : after > POLL_FAR_S ? POLL_FAR_S : after;
}

static struct queue_place waiting_place(int64_t rank, int64_t sequence, int64_t rate)
{
    int64_t wait_s = rate > 0 ? (rank + rate - 1) / rate : 0;
    return (struct queue_place){.state = QUEUE_WAITING,
                                .rank = rank,
                                .sequence = sequence,
                                .estimated_wait_s = wait_s,
                                .poll_after_s = poll_after(wait_s),
                                .token_expires_at = CLOCK_NONE};
}

/* Reads {state, rank, sequence, rate, token, expiry} as enter.lua and status.lua answer it. */
static struct queue_place place_of(const struct redis_value *answer)
{
    const char *state = redis_str(answer, 0);
    if (state && strcmp(state, "WAITING") == 0) {
        return waiting_place(redis_int(answer, 1), redis_int(answer, 2), redis_int(answer, 3));
    }
    if (state && strcmp(state, "ACTIVE") == 0) {
        return (struct queue_place){.state = QUEUE_ACTIVE,
                                    .poll_after_s = POLL_NEAR_S,
                                    .token = redis_str(answer, 4),
                                    .token_expires_at = redis_int(answer, 5) * 1000};
    }
    return (struct queue_place){.state = QUEUE_NONE};
}

/* Asks one line for the user's place by script; a called person gets the token here. */
static const struct err *ask(struct ctx *ctx, const char *user_id, const char *schedule_id, struct queue_place *place_r)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    char uuid[UUID_SIZE];
    const char *token = arena_printf(ctx->arena, QUEUE_TOKEN_PREFIX "%s", uuid_v4(uuid));
    const char *key_list[] = {keys.state, keys.waiting, keys.active, keys.tokens,
                              queue_token_key(ctx->arena, schedule_id, token)};
    const char *args[] = {user_id, token, text_of(ctx, queue_settings.token_s * 1000)};
    const struct redis_value *answer;
    const struct err *e = redis_eval(ctx, &redis_script_queue_status, &answer, key_list, 5, args, 3);
    if (!e) {
        *place_r = place_of(answer);
    }
    return e;
}

/* What nearly everybody who asks is: waiting. Read by plain commands, in one round trip with the access token's
 * blacklist. *waiting_r false: not, or no longer, in the line; ask() knows more. */
static const struct err *glance(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                                bool *waiting_r, struct queue_place *place_r)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "ZRANK", keys.waiting, caller->user_id);
    REDIS_PIPE(pipe, "ZSCORE", keys.waiting, caller->user_id);
    REDIS_PIPE(pipe, "HGET", keys.state, "pace");
    if (caller->jti) {
        token_pipe_revoked(pipe, ctx, caller->jti);
    }
    const struct redis_value *answers;
    const struct err *e = redis_pipe_run(pipe, &answers);
    if (!e && caller->jti) {
        e = token_piped_revoked(&answers[3]);
    }
    if (e) {
        return e;
    }
    *waiting_r = answers[0].type == REDIS_INT && answers[1].type == REDIS_STR;
    if (*waiting_r) {
        *place_r = waiting_place(answers[0].integer + 1, strtoll(answers[1].str, NULL, 10),
                                 answers[2].type == REDIS_STR ? strtoll(answers[2].str, NULL, 10) : 0);
    }
    return NULL;
}

/* The marker named `other`; unless the user really has a place there, it is moved to `schedule`. */
static const struct err *take_over_marker(struct ctx *ctx, const char *user_id, const char *other,
                                          const struct schedule *schedule)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, other);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "ZSCORE", keys.waiting, user_id);
    REDIS_PIPE(pipe, "ZSCORE", keys.active, user_id);
    const struct redis_value *scores;
    const struct err *e = redis_pipe_run(pipe, &scores);
    if (e) {
        return e;
    }
    bool waiting = scores[0].type == REDIS_STR;
    bool active = scores[1].type == REDIS_STR && strtoll(scores[1].str, NULL, 10) > clock_now() / 1000;
    if (waiting || active) {
        return &err_already_queued_elsewhere;
    }
    const char *marker = queue_marker_key(ctx->arena, user_id);
    const char *args[] = {other, schedule->schedule_id, text_of(ctx, schedule->sale_end_at / CLOCK_SECOND)};
    const struct redis_value *moved;
    e = redis_eval(ctx, &redis_script_queue_move_marker, &moved, &marker, 1, args, 3);
    return e ? e : moved->integer ? NULL : &err_already_queued_elsewhere;
}

/* Sets the user's marker to this schedule; it lives as long as anyone can wait for it. */
static const struct err *claim_marker(struct ctx *ctx, const char *user_id, const struct schedule *schedule)
{
    const struct redis_value *before;
    const struct err *e = REDIS_RUN(ctx, &before, "SET", queue_marker_key(ctx->arena, user_id), schedule->schedule_id,
                                    "NX", "GET", "EXAT", text_of(ctx, schedule->sale_end_at / CLOCK_SECOND));
    if (e || before->type != REDIS_STR || strcmp(before->str, schedule->schedule_id) == 0) {
        return e;
    }
    return take_over_marker(ctx, user_id, before->str, schedule);
}

static const struct err *join(struct ctx *ctx, const char *user_id, const struct schedule *schedule,
                              const struct redis_value **answer_r)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule->schedule_id);
    const char *key_list[] = {keys.state, keys.waiting, keys.active};
    const char *args[] = {user_id, text_of(ctx, schedule->queue_capacity), text_of(ctx, schedule->admission_rate)};
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_eval(pipe, &redis_script_queue_enter, key_list, 3, args, 3);
    REDIS_PIPE(pipe, "SADD", QUEUE_SCHEDULES_KEY, schedule->schedule_id); /* after the place: see admission.c */
    const struct redis_value *values;
    const struct err *e = redis_pipe_run(pipe, &values);
    if (!e && (values[0].type != REDIS_LIST || values[1].type == REDIS_ERROR)) {
        log_error(&ctx->log, "joining the queue failed: '%s'", values[0].str ? values[0].str : values[1].str);
        e = &err_internal;
    }
    if (!e) {
        *answer_r = &values[0];
    }
    return e;
}

const struct err *queue_enter(struct ctx *ctx, const char *user_id, const char *schedule_id,
                              struct queue_place *place_r)
{
    struct schedule schedule;
    const struct redis_value *answer;
    const struct err *e = schedule_get(ctx, schedule_id, &schedule);
    if (!e) {
        e = schedule_check_sale(&schedule);
    }
    if (!e) {
        e = claim_marker(ctx, user_id, &schedule);
    }
    if (!e) {
        e = join(ctx, user_id, &schedule, &answer);
    }
    if (e) {
        return e;
    }
    const char *state = redis_str(answer, 0);
    if (state && strcmp(state, "FULL") == 0) {
        ctx->retry_after_s = FULL_RETRY_S;
        return &err_queue_full;
    }
    if (state && strcmp(state, "ACTIVE") == 0) {
        return ask(ctx, user_id, schedule_id, place_r);
    }
    *place_r = place_of(answer);
    return NULL;
}

const struct err *queue_status(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                               struct queue_place *place_r)
{
    struct queue_place place;
    bool waiting = false;
    const struct err *e = glance(ctx, caller, schedule_id, &waiting, &place);
    if (!e && !waiting) {
        e = ask(ctx, caller->user_id, schedule_id, &place);
    }
    if (e) {
        return e;
    }
    if (place.state == QUEUE_NONE) {
        return &err_not_in_queue;
    }
    *place_r = place;
    return NULL;
}

const struct err *queue_leave(struct ctx *ctx, const char *user_id, const char *schedule_id)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    const char *key_list[] = {keys.waiting, keys.active, keys.tokens};
    const char *args[] = {user_id, queue_token_key(ctx->arena, schedule_id, "")};
    const struct redis_value *left;
    const struct err *e = redis_eval(ctx, &redis_script_queue_leave, &left, key_list, 3, args, 2);
    if (e) {
        return e;
    }
    const char *marker = queue_marker_key(ctx->arena, user_id);
    e = redis_eval(ctx, &redis_script_queue_drop_marker, NULL, &marker, 1, &schedule_id, 1);
    return e ? e : left->integer ? NULL : &err_not_in_queue;
}
