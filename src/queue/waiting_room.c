#include "src/queue/waiting_room.h"

#include <string.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/redis.h"
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
#define LEAVES_A_MINUTE 5 /* then one may not enter again so soon */
#define WINDOW_S 60

extern const struct redis_script redis_script_queue_enter;
extern const struct redis_script redis_script_queue_glance;
extern const struct redis_script redis_script_queue_place;
extern const struct redis_script redis_script_queue_arrive;
extern const struct redis_script redis_script_queue_tries;
extern const struct redis_script redis_script_queue_leave;

/* One person at one line. */
struct queue_visit {
    struct ctx *ctx;
    const char *schedule_id;
    const char *jti;
    struct queue_user user;
    struct queue_keys keys;
    const char *people; /* the hash the person is in */
    /* Of who enters. */
    struct schedule schedule;
    const char *receipt;
    bool opens; /* the sale may have to be opened */
};

static struct queue_visit visit_of(struct ctx *ctx, const char *user_id, const char *schedule_id)
{
    struct queue_visit visit = {
        .ctx = ctx,
        .schedule_id = schedule_id,
        .user = queue_user_of(user_id),
        .keys = queue_keys_of(ctx->arena, schedule_id),
    };
    visit.people = queue_people_key(ctx->arena, &visit.keys, queue_shard_of(&visit.user));
    return visit;
}

struct queue_visit *queue_visit_new(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id)
{
    struct queue_visit *visit = ARENA_NEW(ctx->arena, struct queue_visit);
    *visit = visit_of(ctx, caller->user_id, schedule_id);
    visit->jti = caller->jti;
    return visit;
}

static void pipe_text(struct redis_pipe *pipe, const char *text)
{
    redis_pipe_arg(pipe, text, strlen(text));
}

static void pipe_user(struct redis_pipe *pipe, const struct queue_visit *visit)
{
    redis_pipe_arg(pipe, visit->user.ref, sizeof visit->user.ref);
}

/* A number, or nothing when it is below 0. */
static void pipe_if_any(struct redis_pipe *pipe, int64_t number)
{
    if (number < 0) {
        redis_pipe_arg(pipe, "", 0);
    } else {
        redis_pipe_arg_int(pipe, number);
    }
}

/* A script's answer must be of its type: anything else is an error of ours. */
static const struct err *check_answer(struct ctx *ctx, const struct redis_value *answer, enum redis_type type)
{
    if (answer->type == type) {
        return NULL;
    }
    log_error(&ctx->log, "a script of the waiting room failed: '%s'", answer->str ? answer->str : "");
    return &err_internal;
}

static const struct err *run_script(struct ctx *ctx, struct redis_pipe *pipe, const struct redis_value **answer_r)
{
    const struct redis_value *answer;
    const struct err *e = redis_pipe_run(pipe, &answer);
    e = e ? e : check_answer(ctx, answer, REDIS_LIST);
    if (!e) {
        *answer_r = answer;
    }
    return e;
}

static bool says(const struct redis_value *answer, const char *word)
{
    const char *text = redis_str(answer, 0);
    return text && strcmp(text, word) == 0;
}

/* ---- asking ---- */

/* The arguments that parts/tell.lua reads. */
static void pipe_asker(struct redis_pipe *pipe, const struct queue_visit *visit)
{
    uint16_t spread;
    crypto_random(&spread, sizeof spread);
    pipe_user(pipe, visit);
    redis_pipe_arg_int(pipe, spread % 1000);
    redis_pipe_arg_int(pipe, queue_settings.tries_a_minute);
    redis_pipe_arg_int(pipe, queue_settings.poll_max_s);
}

static void pipe_glance(struct redis_pipe *pipe, const struct queue_visit *visit)
{
    const char *key_list[] = {visit->people, visit->keys.seen, visit->keys.view, visit->keys.gone};
    redis_pipe_eval_begin(pipe, &redis_script_queue_glance, key_list, ARRAY_COUNT(key_list), 4);
    pipe_asker(pipe, visit);
}

static const struct err *glance(struct queue_visit *visit, const struct redis_value **answer_r)
{
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    pipe_glance(pipe, visit);
    return run_script(visit->ctx, pipe, answer_r);
}

static const struct err *too_many(struct ctx *ctx, int64_t retry_s)
{
    ctx->retry_after_s = retry_s > 0 ? (int)retry_s : 1;
    return &err_too_many_requests;
}

static void note_limit(struct ctx *ctx, int64_t left, int64_t reset_s)
{
    ctx->limit = (struct ctx_limit){.policy = "queue",
                                    .quota = queue_settings.tries_a_minute,
                                    .window_s = WINDOW_S,
                                    .left = left > 0 ? left : 0,
                                    .reset_s = reset_s};
}

/* Nobody has looked after the line since its settings changed, or ever: a step of admission does. */
static const struct err *ask_without_view(struct queue_visit *visit, const struct redis_value **answer_r)
{
    const struct err *e = queue_refresh(visit->ctx, visit->schedule_id);
    return e ? e : glance(visit, answer_r);
}

/* The place in the draw is found once, here, and noted with the person. */
static const struct err *ask_after_the_draw(struct queue_visit *visit, const struct redis_value *told,
                                            const struct redis_value **answer_r)
{
    const struct draw *draw;
    const struct err *e = opening_draw_of(visit->ctx, visit->schedule_id, redis_int(told, 4), &draw);
    if (e) {
        return e;
    }
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    redis_pipe_eval_begin(pipe, &redis_script_queue_place, &visit->people, 1, 3);
    pipe_user(pipe, visit);
    redis_pipe_arg_int(pipe, redis_int(told, 3));
    redis_pipe_arg_int(pipe, draw_place(draw, redis_int(told, 3)));
    pipe_glance(pipe, visit);
    const struct redis_value *answers;
    e = redis_pipe_run(pipe, &answers);
    e = e ? e : check_answer(visit->ctx, &answers[0], REDIS_INT);
    e = e ? e : check_answer(visit->ctx, &answers[1], REDIS_LIST);
    if (!e) {
        *answer_r = &answers[1];
    }
    return e;
}

/* Tells what is left after this many tries; &err_too_many_requests when nothing is. */
static const struct err *limit_tries(struct ctx *ctx, int64_t tries, int64_t reset_s)
{
    int64_t left = queue_settings.tries_a_minute - tries;
    note_limit(ctx, left, reset_s);
    return left < 0 ? too_many(ctx, reset_s) : NULL;
}

/* Counts one more under `key`, a count within a minute. */
static const struct err *count_try(struct ctx *ctx, const char *key)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *answer;
    redis_pipe_eval_begin(pipe, &redis_script_queue_tries, &key, 1, 0);
    const struct err *e = run_script(ctx, pipe, &answer);
    return e ? e : limit_tries(ctx, redis_int(answer, 0), redis_int(answer, 1));
}

/* The person is not in the line. */
static const struct err *turn_away(struct queue_visit *visit)
{
    const struct redis_value *closed;
    const struct err *e = count_try(visit->ctx, queue_tries_key(visit->ctx->arena, visit->user.id));
    e = e ? e : REDIS_RUN(visit->ctx, &closed, "HEXISTS", visit->keys.state, "closed_ms");
    return e ? e : closed->integer ? &err_sale_ended : &err_not_in_queue;
}

static const struct queue_place nowhere = {
    .opens_at = CLOCK_NONE, .poll_after_s = QUEUE_POLL_NEAR_S, .token_expires_at = CLOCK_NONE};

static const char *reason_of(const char *text)
{
    return text && *text ? text : NULL;
}

/* The cursor has passed the person's place. Who stands before the line is listed, so that somebody looks after it. */
static const struct err *arrive(struct queue_visit *visit, int64_t poll_after_s, struct queue_place *place_r)
{
    const struct queue_keys *keys = &visit->keys;
    char uuid[UUID_SIZE];
    const char *token = ARENA_JOIN(visit->ctx->arena, QUEUE_TOKEN_PREFIX, uuid_v4(uuid));
    const char *token_key = queue_token_key(visit->ctx->arena, visit->schedule_id, token);
    const char *key_list[] = {keys->state,     visit->people, keys->used, keys->called,
                              keys->returning, keys->active,  token_key};
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    redis_pipe_eval_begin(pipe, &redis_script_queue_arrive, key_list, ARRAY_COUNT(key_list), 4);
    pipe_user(pipe, visit);
    pipe_text(pipe, visit->user.id);
    pipe_text(pipe, token);
    redis_pipe_arg_int(pipe, queue_settings.token_s * 1000);
    const struct redis_value *answer;
    const struct err *e = run_script(visit->ctx, pipe, &answer);
    if (e || says(answer, "NONE")) {
        return e ? e : &err_not_in_queue;
    }
    struct queue_place place = nowhere;
    place.arrival = redis_int(answer, 1) + 1;
    place.sequence = redis_int(answer, 2) + 1;
    if (says(answer, "ACTIVE")) {
        place.state = QUEUE_ACTIVE;
        place.token = redis_str(answer, 3);
        place.token_expires_at = redis_int(answer, 4) * 1000;
    } else {
        place.state = QUEUE_WAITING;
        place.rank = redis_int(answer, 3);
        place.estimated_wait_s = redis_int(answer, 4);
        place.delay_reason = reason_of(redis_str(answer, 5));
        place.poll_after_s = poll_after_s;
        e = REDIS_RUN(visit->ctx, NULL, "SADD", QUEUE_SCHEDULES_KEY, visit->schedule_id);
    }
    if (!e) {
        *place_r = place;
    }
    return e;
}

static struct queue_place waiting_place(const struct redis_value *answer)
{
    struct queue_place place = nowhere;
    place.state = QUEUE_WAITING;
    place.arrival = redis_int(answer, 3) + 1;
    place.sequence = redis_int(answer, 4) + 1;
    place.rank = redis_int(answer, 5);
    place.estimated_wait_s = redis_int(answer, 6);
    place.poll_after_s = redis_int(answer, 7);
    place.delay_reason = reason_of(redis_str(answer, 8));
    return place;
}

static struct queue_place early_place(const struct redis_value *answer)
{
    struct queue_place place = nowhere;
    place.state = QUEUE_PRE_OPEN;
    place.arrival = redis_int(answer, 3) + 1;
    place.opens_at = redis_int(answer, 4) * 1000;
    place.poll_after_s = redis_int(answer, 5);
    return place;
}

/* What glance.lua has answered, and whatever more has to be asked. */
static const struct err *read_glance(struct queue_visit *visit, const struct redis_value *answer,
                                     struct queue_place *place_r)
{
    const struct err *e = NULL;
    if (says(answer, "VIEW")) {
        e = ask_without_view(visit, &answer);
    }
    if (!e && says(answer, "DRAW")) {
        e = ask_after_the_draw(visit, answer, &answer);
    }
    if (e) {
        return e;
    }
    if (says(answer, "NONE")) {
        return turn_away(visit);
    }
    note_limit(visit->ctx, redis_int(answer, 1), redis_int(answer, 2));
    if (says(answer, "WAITING")) {
        *place_r = waiting_place(answer);
    } else if (says(answer, "PRE_OPEN")) {
        *place_r = early_place(answer);
    } else if (says(answer, "CALLED")) {
        return arrive(visit, redis_int(answer, 4), place_r);
    } else if (says(answer, "LIMITED")) {
        return too_many(visit->ctx, redis_int(answer, 2));
    } else if (says(answer, "CLOSED")) {
        return &err_sale_ended;
    } else { /* a view or a draw that was away again at once */
        return &err_unavailable;
    }
    return NULL;
}

struct redis_pipe *queue_status_ask(struct queue_visit *visit)
{
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    pipe_glance(pipe, visit);
    if (visit->jti) {
        token_pipe_revoked(pipe, visit->ctx, visit->jti);
    }
    return pipe;
}

const struct err *queue_status_answer(struct queue_visit *visit, const struct redis_value *answers,
                                      struct queue_place *place_r)
{
    const struct err *e = visit->jti ? token_piped_revoked(&answers[1]) : NULL;
    e = e ? e : check_answer(visit->ctx, &answers[0], REDIS_LIST);
    return e ? e : read_glance(visit, &answers[0], place_r);
}

const struct err *queue_status(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                               struct queue_place *place_r)
{
    struct queue_visit *visit = queue_visit_new(ctx, caller, schedule_id);
    const struct redis_value *answers;
    const struct err *e = redis_pipe_run(queue_status_ask(visit), &answers);
    return e ? e : queue_status_answer(visit, answers, place_r);
}

/* ---- giving up a place ---- */

/* `place` -1: not known. */
static const struct err *run_leave(struct queue_visit *visit, int64_t place, const struct redis_value **answer_r)
{
    const struct queue_keys *keys = &visit->keys;
    const char *key_list[] = {keys->state, visit->people, keys->used,      keys->gone,
                              keys->early, keys->called,  keys->returning, keys->active};
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    redis_pipe_eval_begin(pipe, &redis_script_queue_leave, key_list, ARRAY_COUNT(key_list), 3);
    pipe_user(pipe, visit);
    pipe_if_any(pipe, place);
    pipe_text(pipe, keys->tokens);
    return run_script(visit->ctx, pipe, answer_r);
}

/* Answers LEFT, or that there was nothing to leave. */
static const struct err *give_up(struct queue_visit *visit, const struct redis_value **answer_r)
{
    const struct err *e = run_leave(visit, -1, answer_r);
    if (!e && says(*answer_r, "DRAW")) {
        const struct draw *draw;
        e = opening_draw_of(visit->ctx, visit->schedule_id, redis_int(*answer_r, 2), &draw);
        e = e ? e : run_leave(visit, draw_place(draw, redis_int(*answer_r, 1)), answer_r);
    }
    return e;
}

/* ---- entering ---- */

static const struct err *check_window(const struct schedule *schedule)
{
    const struct err *e = schedule_check_sale(schedule);
    bool soon = clock_now() >= schedule->sale_start_at - queue_settings.pre_open_s * CLOCK_SECOND;
    return e == &err_sale_not_open && soon ? NULL : e;
}

static void pipe_enter(struct redis_pipe *pipe, const struct queue_visit *visit)
{
    const struct schedule *schedule = &visit->schedule;
    const char *receipt = visit->receipt;
    struct arena *arena = visit->ctx->arena;
    const struct queue_keys *keys = &visit->keys;
    const struct opening_secret *secret = opening_secret(arena, visit->schedule_id);
    const char *leaves = queue_leaves_key(arena, visit->schedule_id, visit->user.id);
    const char *key_list[] = {visit->people, keys->seen,   keys->view, keys->gone, keys->state,
                              keys->early,   keys->joined, keys->used, leaves};
    redis_pipe_eval_begin(pipe, &redis_script_queue_enter, key_list, ARRAY_COUNT(key_list), 12);
    pipe_asker(pipe, visit);
    redis_pipe_arg_int(pipe, schedule->queue_capacity);
    redis_pipe_arg_int(pipe, schedule->admission_rate);
    redis_pipe_arg_int(pipe, schedule->sale_start_at / 1000);
    pipe_if_any(pipe, receipt ? receipt_read(arena, visit->schedule_id, visit->user.id, receipt) : -1);
    pipe_text(pipe, secret->seed);
    pipe_text(pipe, secret->commitment);
    redis_pipe_arg_int(pipe, schedule->sold_out);
    redis_pipe_arg_int(pipe, LEAVES_A_MINUTE);
}

static const struct err *refuse_full(struct queue_visit *visit)
{
    const struct err *e = marker_leave(visit->ctx, &visit->user, visit->schedule_id);
    visit->ctx->retry_after_s = FULL_RETRY_S;
    return e ? e : &err_queue_full;
}

/* Whether enter.lua has found or given a place. */
static const struct err *check_entered(struct queue_visit *visit, const struct redis_value *entered)
{
    if (says(entered, "FULL")) {
        return refuse_full(visit);
    }
    if (says(entered, "OFTEN")) {
        return too_many(visit->ctx, WINDOW_S);
    }
    return says(entered, "CLOSED") ? &err_sale_ended : NULL;
}

/* When hardly anybody waits nobody should have to ask twice: the next people are called here, at the same rate. */
static const struct err *call_at_once(struct queue_visit *visit, struct queue_place *place)
{
    const struct schedule *schedule = &visit->schedule;
    struct queue_admission admission;
    if (place->state != QUEUE_WAITING || place->rank > schedule->admission_rate) {
        return NULL;
    }
    const struct err *e = queue_admit(visit->ctx, schedule, &admission);
    return !e && admission.cursor >= place->sequence ? arrive(visit, QUEUE_POLL_NEAR_S, place) : e;
}

const struct err *queue_enter_ask(struct queue_visit *visit, const char *receipt, struct redis_pipe **pipe_r)
{
    const struct err *e = schedule_get(visit->ctx, visit->schedule_id, &visit->schedule);
    e = e ? e : check_window(&visit->schedule);
    if (e) {
        return e;
    }
    visit->receipt = receipt;
    *pipe_r = marker_claim_ask(visit->ctx, &visit->user, visit->jti, visit->schedule_id);
    return NULL;
}

/* A sale that has begun is opened on the way, so that nobody depends on
 * an approver for it. */
const struct err *queue_enter_join(struct queue_visit *visit, const struct redis_value *answers,
                                   struct redis_pipe **pipe_r)
{
    const struct err *e = marker_claim_answer(visit->ctx, &visit->user, visit->jti, visit->schedule_id, answers);
    if (e) {
        return e;
    }
    struct redis_pipe *pipe = redis_pipe_new(visit->ctx);
    visit->opens = !opening_seen(visit->schedule_id);
    if (visit->opens) {
        opening_pipe(pipe, visit->ctx, &visit->schedule);
    }
    pipe_enter(pipe, visit);
    REDIS_PIPE(pipe, "SADD", QUEUE_SCHEDULES_KEY, visit->schedule_id); /* after the place: see admission.c */
    marker_pipe_look(pipe, visit->ctx, &visit->user);
    *pipe_r = pipe;
    return NULL;
}

/* Another device was faster with another line: a place that was only just taken is given up. */
static const struct err *keep_one_line(struct queue_visit *visit, const struct redis_value *entered,
                                       const struct redis_value *marker)
{
    const struct err *e = marker_look(visit->ctx, &visit->user, visit->schedule_id, marker);
    if (e != &err_already_queued_elsewhere || says(entered, "HERE")) {
        return e;
    }
    const struct redis_value *left;
    const struct err *not_left = give_up(visit, &left);
    return not_left ? not_left : e;
}

const struct err *queue_enter_answer(struct queue_visit *visit, const struct redis_value *answers,
                                     struct queue_place *place_r)
{
    enum { ENTER, LISTED, MARKER };
    struct queue_place place;
    const struct err *e = NULL;
    for (int i = 0; !e && visit->opens && i < OPENING_COMMANDS; i++) {
        e = check_answer(visit->ctx, answers++, REDIS_INT);
    }
    e = e ? e : check_answer(visit->ctx, &answers[ENTER], REDIS_LIST);
    e = e ? e : check_answer(visit->ctx, &answers[LISTED], REDIS_INT);
    e = e ? e : check_entered(visit, &answers[ENTER]);
    e = e ? e : keep_one_line(visit, &answers[ENTER], &answers[MARKER]);
    e = e ? e : read_glance(visit, &answers[ENTER].items[1], &place);
    if (!e) {
        opening_saw(visit->schedule_id, place.state != QUEUE_PRE_OPEN);
        e = call_at_once(visit, &place);
    }
    if (!e) {
        *place_r = place;
    }
    return e;
}

const struct err *queue_enter(struct ctx *ctx, const struct queue_caller *caller, const char *schedule_id,
                              const char *receipt, struct queue_place *place_r)
{
    struct queue_visit *visit = queue_visit_new(ctx, caller, schedule_id);
    struct redis_pipe *pipe;
    const struct redis_value *answers;
    const struct err *e = queue_enter_ask(visit, receipt, &pipe);
    e = e ? e : redis_pipe_run(pipe, &answers);
    e = e ? e : queue_enter_join(visit, answers, &pipe);
    e = e ? e : redis_pipe_run(pipe, &answers);
    return e ? e : queue_enter_answer(visit, answers, place_r);
}

/* ---- leaving ---- */

/* The answer to somebody's leaving may have been lost, and nginx asks again when a process dies: who has left within a
 * minute has left. */
static const struct err *leave_again(struct queue_visit *visit, const char *leaves)
{
    const struct redis_value *left;
    const struct err *e = REDIS_RUN(visit->ctx, &left, "EXISTS", leaves);
    e = e ? e : check_answer(visit->ctx, left, REDIS_INT);
    const struct err *turned = e ? e : turn_away(visit);
    return !e && turned == &err_not_in_queue && left->integer == 1 ? NULL : turned;
}

const struct err *queue_leave(struct ctx *ctx, const char *user_id, const char *schedule_id)
{
    struct queue_visit visit = visit_of(ctx, user_id, schedule_id);
    const struct redis_value *answer;
    const char *leaves = queue_leaves_key(ctx->arena, schedule_id, user_id);
    const struct err *e = give_up(&visit, &answer);
    e = e ? e : marker_leave(ctx, &visit.user, schedule_id);
    if (e) {
        return e;
    }
    return says(answer, "LEFT") ? count_try(ctx, leaves) : leave_again(&visit, leaves);
}
