#include "src/queue/waiting_room.h"

#include <string.h>

#include "common/clock.h"
#include "common/redis.h"
#include "common/token.h"
#include "common/uuid.h"
#include "src/contract/queue_token.h"
#include "src/contract/schedule.h"
#include "src/queue/admission.h"
#include "src/queue/marker.h"
#include "src/queue/opening.h"
#include "src/queue/queue_errors.h"
#include "src/queue/queue_keys.h"
#include "src/queue/queue_settings.h"
#include "src/queue/receipt.h"

#define FULL_RETRY_S 30
#define TRIES_OF_LEAVING 3 /* leaving and entering again and again uses up numbers */
#define WINDOW_S 60

extern const struct redis_script redis_script_queue_enter;
extern const struct redis_script redis_script_queue_status;
extern const struct redis_script redis_script_queue_leave;

/* One person at one line. */
struct visit {
    struct ctx *ctx;
    const char *schedule_id;
    struct queue_user user;
    struct queue_keys keys;
    const char *people; /* the hash the person is in */
    const char *tries;
    const char *token; /* the one the person gets if it is time */
    int64_t place;     /* -1: not known, and not needed unless a script asks for it */
};

static struct visit visit_of(struct ctx *ctx, const char *user_id, const char *schedule_id)
{
    char uuid[UUID_SIZE];
    struct visit visit = {
        .ctx = ctx,
        .schedule_id = schedule_id,
        .user = queue_user_of(user_id),
        .keys = queue_keys_of(ctx->arena, schedule_id),
        .tries = queue_tries_key(ctx->arena, schedule_id, user_id),
        .token = arena_printf(ctx->arena, QUEUE_TOKEN_PREFIX "%s", uuid_v4(uuid)),
        .place = -1,
    };
    visit.people = queue_people_key(ctx->arena, &visit.keys, queue_shard_of(&visit.user));
    return visit;
}

static void pipe_text(struct redis_pipe *pipe, const char *text)
{
    redis_pipe_arg(pipe, text, strlen(text));
}

static void pipe_place(struct redis_pipe *pipe, int64_t place)
{
    if (place < 0) {
        pipe_text(pipe, "");
    } else {
        redis_pipe_arg_int(pipe, place);
    }
}

/* A script's answer must be a list (or a text): anything else is an error of ours. */
static const struct err *check_answer(struct ctx *ctx, const struct redis_value *answer, enum redis_type type)
{
    if (answer->type == type) {
        return NULL;
    }
    log_error(&ctx->log, "a script of the waiting room failed: '%s'", answer->str ? answer->str : "");
    return &err_internal;
}

/* The place of a drawn number; scripts that need it answer {.., number, count, seed} from `index` on. */
static const struct err *find_place(struct visit *visit, const struct redis_value *answer, size_t index)
{
    const struct draw *draw =
        opening_draw(visit->schedule_id, redis_int(answer, index + 1), redis_str(answer, index + 2));
    if (!draw) {
        log_error(&visit->ctx->log, "the draw of '%s' is damaged", visit->schedule_id);
        return &err_internal;
    }
    visit->place = draw_place(draw, redis_int(answer, index));
    return NULL;
}

static bool says(const struct redis_value *answer, const char *word)
{
    const char *text = answer->type == REDIS_LIST ? redis_str(answer, 0) : answer->str;
    return text && strcmp(text, word) == 0;
}

/* ---- asking ---- */

/* A number that differs from request to request, for spreading the crowd: three digits of the random token. */
static int64_t jitter_of(const struct visit *visit)
{
    unsigned char bytes[UUID_BYTES];
    uuid_bytes(visit->token + strlen(QUEUE_TOKEN_PREFIX), bytes);
    return (bytes[0] << 8 | bytes[1]) % 1000;
}

static void pipe_status(struct redis_pipe *pipe, const struct visit *visit)
{
    const struct queue_keys *keys = &visit->keys;
    const char *key_list[] = {keys->state,  visit->people,
                              keys->cells,  keys->gone,
                              keys->called, keys->returning,
                              keys->active, queue_token_key(visit->ctx->arena, visit->schedule_id, visit->token),
                              visit->tries};
    redis_pipe_eval_begin(pipe, &redis_script_queue_status, key_list, sizeof key_list / sizeof key_list[0], 8);
    redis_pipe_arg(pipe, visit->user.ref, sizeof visit->user.ref);
    pipe_text(pipe, visit->user.id);
    pipe_text(pipe, visit->token);
    redis_pipe_arg_int(pipe, queue_settings.token_s * 1000);
    pipe_place(pipe, visit->place);
    redis_pipe_arg_int(pipe, jitter_of(visit));
    redis_pipe_arg_int(pipe, queue_settings.tries_a_minute);
    redis_pipe_arg_int(pipe, queue_settings.poll_max_s);
}

static const struct err *too_many(struct ctx *ctx, int64_t retry_s)
{
    ctx->retry_after_s = retry_s > 0 ? (int)retry_s : 1;
    return &err_too_many_requests;
}

/* Reads what status.lua answers. */
static const struct err *read_status(struct ctx *ctx, const struct redis_value *answer, struct queue_place *place_r)
{
    ctx->limit = (struct ctx_limit){.policy = "queue",
                                    .quota = queue_settings.tries_a_minute,
                                    .window_s = WINDOW_S,
                                    .left = redis_int(answer, 1),
                                    .reset_s = redis_int(answer, 2)};
    struct queue_place place = {
        .arrival = redis_int(answer, 3) + 1, .opens_at = CLOCK_NONE, .token_expires_at = CLOCK_NONE};
    if (says(answer, "WAITING")) {
        const char *reason = redis_str(answer, 8);
        place.state = QUEUE_WAITING;
        place.sequence = redis_int(answer, 4) + 1;
        place.rank = redis_int(answer, 5);
        place.estimated_wait_s = redis_int(answer, 6);
        place.poll_after_s = redis_int(answer, 7);
        place.delay_reason = reason && *reason ? reason : NULL;
    } else if (says(answer, "PRE_OPEN")) {
        place.state = QUEUE_PRE_OPEN;
        place.opens_at = redis_int(answer, 4) * 1000;
        place.poll_after_s = redis_int(answer, 5);
    } else if (says(answer, "ACTIVE")) {
        place.state = QUEUE_ACTIVE;
        place.sequence = redis_int(answer, 4) + 1;
        place.token = redis_str(answer, 5);
        place.token_expires_at = redis_int(answer, 6) * 1000;
        place.poll_after_s = 5;
    } else if (says(answer, "LIMITED")) {
        return too_many(ctx, redis_int(answer, 2));
    } else {
        return says(answer, "CLOSED") ? &err_sale_ended : &err_not_in_queue;
    }
    *place_r = place;
    return NULL;
}

/* Asks where the person stands, together with the blacklist when `jti` is given. */
static const struct err *ask(struct visit *visit, const char *jti, struct queue_place *place_r)
{
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    pipe_status(pipe, visit);
    if (jti) {
        token_pipe_revoked(pipe, visit->ctx, jti);
    }
    const struct redis_value *answers;
    const struct err *e = redis_pipe_run(pipe, &answers);
    if (!e && jti) {
        e = token_piped_revoked(&answers[1]);
    }
    e = e ? e : check_answer(visit->ctx, &answers[0], REDIS_LIST);
    if (e || !says(&answers[0], "DRAW") || visit->place >= 0) {
        return e ? e : read_status(visit->ctx, &answers[0], place_r);
    }
    e = find_place(visit, &answers[0], 3);
    return e ? e : ask(visit, NULL, place_r);
}

const struct err *queue_status(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                               struct queue_place *place_r)
{
    struct visit visit = visit_of(ctx, caller->user_id, schedule_id);
    return ask(&visit, caller->jti, place_r);
}

/* ---- entering ---- */

static const struct err *check_window(const struct schedule *schedule)
{
    const struct err *e = schedule_check_sale(schedule);
    bool soon = clock_now() >= schedule->sale_start_at - queue_settings.pre_open_s * CLOCK_SECOND;
    return e == &err_sale_not_open && soon ? NULL : e;
}

static void pipe_enter(struct redis_pipe *pipe, const struct visit *visit, const struct schedule *schedule,
                       const char *receipt)
{
    struct arena *arena = visit->ctx->arena;
    const struct queue_keys *keys = &visit->keys;
    const struct opening_secret *secret = opening_secret(arena, visit->schedule_id);
    const char *key_list[] = {keys->state, visit->people, keys->cells, keys->gone,
                              keys->early, keys->joined,  visit->tries};
    redis_pipe_eval_begin(pipe, &redis_script_queue_enter, key_list, sizeof key_list / sizeof key_list[0], 8);
    redis_pipe_arg(pipe, visit->user.ref, sizeof visit->user.ref);
    redis_pipe_arg_int(pipe, schedule->queue_capacity);
    redis_pipe_arg_int(pipe, schedule->admission_rate);
    redis_pipe_arg_int(pipe, schedule->sale_start_at / 1000);
    pipe_place(pipe, receipt ? receipt_read(arena, visit->schedule_id, visit->user.id, receipt) : -1);
    redis_pipe_arg_int(pipe, queue_settings.tries_a_minute);
    pipe_text(pipe, secret->seed);
    pipe_text(pipe, secret->commitment);
}

/* Takes a place and asks for it, in one round trip. A sale that has begun is opened on the way, so that nobody depends
 * on an approver for it. */
static const struct err *join(struct visit *visit, const struct schedule *schedule, const char *receipt,
                              struct queue_place *place_r)
{
    enum { OPEN, ENTER, LISTED, STATUS };
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    opening_pipe(pipe, visit->ctx, schedule);
    pipe_enter(pipe, visit, schedule, receipt);
    REDIS_PIPE(pipe, "SADD", QUEUE_SCHEDULES_KEY, schedule->schedule_id); /* after the place: see admission.c */
    pipe_status(pipe, visit);
    const struct redis_value *answers;
    const struct err *e = redis_pipe_run(pipe, &answers);
    e = e ? e : check_answer(visit->ctx, &answers[OPEN], REDIS_INT);
    e = e ? e : check_answer(visit->ctx, &answers[ENTER], REDIS_STR);
    e = e ? e : check_answer(visit->ctx, &answers[LISTED], REDIS_INT);
    e = e ? e : check_answer(visit->ctx, &answers[STATUS], REDIS_LIST);
    if (e) {
        return e;
    }
    if (says(&answers[STATUS], "DRAW")) {
        e = find_place(visit, &answers[STATUS], 3);
        return e ? e : ask(visit, NULL, place_r);
    }
    e = read_status(visit->ctx, &answers[STATUS], place_r);
    if (e == &err_not_in_queue && says(&answers[ENTER], "FULL")) {
        e = marker_drop(visit->ctx, queue_shard_of(&visit->user), visit->user.ref, 1, visit->schedule_id);
        visit->ctx->retry_after_s = FULL_RETRY_S;
        return e ? e : &err_queue_full;
    }
    return e == &err_not_in_queue && says(&answers[ENTER], "LIMITED") ? too_many(visit->ctx, WINDOW_S) : e;
}

/* When hardly anybody waits nobody should have to ask twice: the next people are called here, at the same rate. */
static const struct err *call_at_once(struct visit *visit, const struct schedule *schedule, struct queue_place *place)
{
    struct queue_admission admission;
    if (place->state != QUEUE_WAITING || place->rank > schedule->admission_rate) {
        return NULL;
    }
    const struct err *e = queue_admit(visit->ctx, schedule, &admission);
    if (!e && admission.cursor >= place->sequence) {
        e = ask(visit, NULL, place);
    }
    return e;
}

const struct err *queue_enter(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                              const char *receipt, struct queue_place *place_r)
{
    struct schedule schedule;
    struct queue_place place;
    const struct err *e = schedule_get(ctx, schedule_id, &schedule);
    if (!e) {
        e = check_window(&schedule);
    }
    if (e) {
        return e;
    }
    struct visit visit = visit_of(ctx, caller->user_id, schedule_id);
    e = marker_claim(ctx, &visit.user, caller->jti, schedule_id);
    if (!e) {
        e = join(&visit, &schedule, receipt, &place);
    }
    if (!e) {
        e = call_at_once(&visit, &schedule, &place);
    }
    if (!e) {
        *place_r = place;
    }
    return e;
}

/* ---- leaving ---- */

static const struct err *run_leave(struct visit *visit, const struct redis_value **answer_r)
{
    const struct queue_keys *keys = &visit->keys;
    const char *key_list[] = {keys->state,  visit->people,   keys->cells,  keys->gone,  keys->early,
                              keys->called, keys->returning, keys->active, visit->tries};
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    redis_pipe_eval_begin(pipe, &redis_script_queue_leave, key_list, sizeof key_list / sizeof key_list[0], 4);
    redis_pipe_arg(pipe, visit->user.ref, sizeof visit->user.ref);
    pipe_place(pipe, visit->place);
    pipe_text(pipe, keys->tokens);
    redis_pipe_arg_int(pipe, TRIES_OF_LEAVING);
    const struct redis_value *answer;
    const struct err *e = redis_pipe_run(pipe, &answer);
    e = e ? e : check_answer(visit->ctx, answer, REDIS_LIST);
    if (!e) {
        *answer_r = answer;
    }
    return e;
}

const struct err *queue_leave(struct ctx *ctx, const char *user_id, const char *schedule_id)
{
    struct visit visit = visit_of(ctx, user_id, schedule_id);
    const struct redis_value *answer;
    const struct err *e = run_leave(&visit, &answer);
    if (!e && says(answer, "DRAW")) {
        e = find_place(&visit, answer, 1);
        e = e ? e : run_leave(&visit, &answer);
    }
    if (!e) {
        e = marker_drop(ctx, queue_shard_of(&visit.user), visit.user.ref, 1, schedule_id);
    }
    return e ? e : says(answer, "LEFT") ? NULL : &err_not_in_queue;
}
