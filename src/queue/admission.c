#include "src/queue/admission.h"

#include <string.h>

#include "common/base/array.h"
#include "common/crypto/crypto.h"
#include "common/io/redis.h"
#include "src/queue/line.h"
#include "src/queue/opening.h"
#include "src/queue/queue_keys.h"
#include "src/queue/queue_settings.h"

#define STEPS_MAX 8          /* scripts per line and tick */
#define LOOK_AHEAD 64        /* places offered beyond what the rate asks for */
#define SAMPLES_OF_QUARTER 4 /* places looked at to learn how many still poll */
#define EARLY_MOST "500"     /* people who left before the draw, per tick */

extern const struct redis_script redis_script_queue_admit;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many numbers one step offers: what a tick's credit can use, and some who will be passed over. */
static int64_t offered(const struct line *line, bool again)
{
    int64_t credit = line->rate * (queue_settings.tick_ms + queue_settings.catch_up_ms) / 1000 + 1;
    int64_t wanted = again ? queue_settings.tick_most : least(credit + LOOK_AHEAD, queue_settings.tick_most);
    return least(wanted, line->sequence - line->cursor);
}

static void pipe_numbers(struct redis_pipe *pipe, const struct draw *draw, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        redis_pipe_arg_int(pipe, draw_number(draw, first + i));
    }
}

/* Places chosen at random, as many from each quarter of the line. */
static void pipe_samples(struct redis_pipe *pipe, const struct draw *draw, const struct line *line)
{
    uint32_t random[4 * SAMPLES_OF_QUARTER];
    int64_t length = line->sequence - line->cursor;
    crypto_random(random, sizeof random);
    for (int i = 0; i < 4 * SAMPLES_OF_QUARTER; i++) {
        int64_t quarter = i / SAMPLES_OF_QUARTER, first = length * quarter / 4;
        int64_t span = length * (quarter + 1) / 4 - first;
        redis_pipe_arg_int(pipe, draw_number(draw, line->cursor + first + random[i] % span));
    }
}

static void pipe_admit(struct redis_pipe *pipe, struct ctx *ctx, const struct line *line, const struct draw *draw,
                       int64_t count)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, line->schedule_id);
    const char *key_list[] = {keys.state,  keys.seen,     keys.called, keys.returning,
                              keys.active, keys.finished, keys.view,   keys.used};
    bool sampled = line->open && line->sequence - line->cursor >= 4;
    size_t args = 8 + (size_t)count + (sampled ? 4 * SAMPLES_OF_QUARTER : 0);
    redis_pipe_eval_begin(pipe, &redis_script_queue_admit, key_list, ARRAY_COUNT(key_list), args);
    redis_pipe_arg_int(pipe, line->base_rate);
    redis_pipe_arg_int(pipe, queue_settings.arrival_s * 1000);
    redis_pipe_arg_int(pipe, queue_settings.catch_up_ms);
    redis_pipe_arg(pipe, keys.people, strlen(keys.people));
    redis_pipe_arg(pipe, keys.tokens, strlen(keys.tokens));
    redis_pipe_arg_int(pipe, line->sold_out);
    redis_pipe_arg_int(pipe, line->cursor);
    redis_pipe_arg_int(pipe, count);
    pipe_numbers(pipe, draw, line->cursor, count);
    if (sampled) {
        pipe_samples(pipe, draw, line);
    }
}

/* One script. *more_r true: it used up all numbers and might call more. */
static const struct err *step(struct ctx *ctx, struct line *line, bool again, struct queue_admission *sum, bool *more_r)
{
    const struct draw *draw = NULL;
    const struct err *e = line->open ? opening_draw_of(ctx, line->schedule_id, line->count, &draw) : NULL;
    if (e) {
        return e;
    }
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    pipe_admit(pipe, ctx, line, draw, line->open ? offered(line, again) : 0);
    const struct redis_value *answer;
    e = redis_pipe_run(pipe, &answer);
    if (!e && answer->type != REDIS_LIST) {
        log_error(&ctx->log, "admission to '%s' failed: '%s'", line->schedule_id, answer->str ? answer->str : "");
        e = &err_internal;
    }
    if (!e) {
        sum->called += redis_int(answer, 0);
        sum->passed_over += redis_int(answer, 1);
        sum->no_shows += redis_int(answer, 2);
        sum->cursor = line->cursor = redis_int(answer, 3);
        *more_r = redis_int(answer, 4) == 1;
    }
    return e;
}

static const struct err *admit_line(struct ctx *ctx, struct line *line, struct queue_admission *sum)
{
    bool more = true;
    const struct err *e = NULL;
    for (int i = 0; !e && more && i < STEPS_MAX; i++) {
        e = step(ctx, line, i > 0, sum, &more);
    }
    return e;
}

/* `terms` NULL: those noted last. */
static const struct err *admit_by_id(struct ctx *ctx, const char *schedule_id, const struct schedule *terms,
                                     struct queue_admission *admission_r)
{
    struct line line;
    struct queue_admission sum = {0};
    const struct err *e = line_read(ctx, schedule_id, terms, &line);
    e = e ? e : admit_line(ctx, &line, &sum);
    if (!e) {
        *admission_r = sum;
    }
    return e;
}

const struct err *queue_admit(struct ctx *ctx, const struct schedule *schedule, struct queue_admission *admission_r)
{
    return admit_by_id(ctx, schedule->schedule_id, schedule, admission_r);
}

const struct err *queue_refresh(struct ctx *ctx, const char *schedule_id)
{
    struct queue_admission admission;
    return admit_by_id(ctx, schedule_id, NULL, &admission);
}

/* Who left before the draw leaves a hole at a place that is known only now: until it is noted, ranks behind it are too
 * high by one. */
static const struct err *note_early_leavers(struct ctx *ctx, const struct line *line)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, line->schedule_id);
    const struct redis_value *numbers;
    const struct draw *draw;
    const struct err *e = REDIS_RUN(ctx, &numbers, "SRANDMEMBER", keys.early, EARLY_MOST);
    e = e ? e : opening_draw_of(ctx, line->schedule_id, line->count, &draw);
    if (e || numbers->count == 0) {
        return e;
    }
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    for (size_t i = 0; i < numbers->count; i++) {
        const char *place = arena_int(ctx->arena, draw_place(draw, redis_int(numbers, i)));
        REDIS_PIPE(pipe, "SETBIT", keys.gone, place, "1");
        REDIS_PIPE(pipe, "SREM", keys.early, redis_str(numbers, i));
    }
    return redis_pipe_run(pipe, NULL);
}

/* Takes the schedule off the list, unless somebody has joined meanwhile: who joins first takes a place, then lists the
 * schedule, so either this look sees the place or the listing comes after the removal. */
static const struct err *unlist(struct ctx *ctx, const struct schedule *schedule)
{
    struct line line;
    const struct err *e = REDIS_RUN(ctx, NULL, "SREM", QUEUE_SCHEDULES_KEY, schedule->schedule_id);
    e = e ? e : line_read(ctx, schedule->schedule_id, schedule, &line);
    if (!e && line_busy(&line)) {
        e = REDIS_RUN(ctx, NULL, "SADD", QUEUE_SCHEDULES_KEY, schedule->schedule_id);
    }
    return e;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void add_up(struct queue_admission *sum, const struct line *line)
{
    sum->waiting += line->waiting;
    sum->oldest_wait_s = most(sum->oldest_wait_s, line->oldest_wait_s);
    sum->ghost_percent = most(sum->ghost_percent, line_ghost_percent(line));
}

static const struct err *serve(struct ctx *ctx, const struct schedule *schedule, struct queue_admission *sum)
{
    struct line line;
    const struct err *e = line_read(ctx, schedule->schedule_id, schedule, &line);
    if (!e) {
        add_up(sum, &line);
    }
    if (!e && line.opened_at == CLOCK_NONE) {
        bool open;
        e = opening_run(ctx, schedule, &open);
    }
    if (!e && line.open && line.early > 0) {
        e = note_early_leavers(ctx, &line);
    }
    e = e ? e : admit_line(ctx, &line, sum);
    return e ? e : line_busy(&line) ? NULL : unlist(ctx, schedule);
}

/* A sale that is over admits nobody; closing.h has the rest. */
static const struct err *look_after(struct ctx *ctx, const char *schedule_id, struct queue_admission *sum)
{
    struct schedule schedule;
    bool over;
    const struct err *e = schedule_find(ctx, schedule_id, &schedule, &over);
    return e ? e : over ? REDIS_RUN(ctx, NULL, "SREM", QUEUE_SCHEDULES_KEY, schedule_id) : serve(ctx, &schedule, sum);
}

const struct err *queue_admit_all(struct ctx *ctx, struct queue_admission *total_r)
{
    struct queue_admission total = {0};
    const struct redis_value *schedules;
    const struct err *first = REDIS_RUN(ctx, &schedules, "SMEMBERS", QUEUE_SCHEDULES_KEY);
    if (first) {
        return first;
    }
    for (size_t i = 0; i < schedules->count; i++) {
        const struct err *e = look_after(ctx, redis_str(schedules, i), &total);
        first = first ? first : e;
    }
    if (!first) {
        *total_r = total;
    }
    return first;
}
