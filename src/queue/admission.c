#include "src/queue/admission.h"

#include "common/redis.h"
#include "src/contract/schedule.h"
#include "src/queue/queue_keys.h"
#include "src/queue/queue_settings.h"

extern const struct redis_script redis_script_queue_admit;

const struct err *queue_admit(struct ctx *ctx, const char *schedule_id, int64_t rate,
                              struct queue_admission *admission_r)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    const char *key_list[] = {keys.state, keys.waiting, keys.active, keys.tokens};
    const char *args[] = {
        arena_printf(ctx->arena, "%lld", (long long)rate),
        arena_printf(ctx->arena, "%lld", (long long)queue_settings.tick_most),
        arena_printf(ctx->arena, "%lld", (long long)queue_settings.arrival_s * 1000),
        arena_printf(ctx->arena, "%lld", (long long)queue_settings.catch_up_ms),
    };
    const struct redis_value *answer;
    const struct err *e = redis_eval(ctx, &redis_script_queue_admit, &answer, key_list, 4, args, 4);
    if (!e) {
        *admission_r = (struct queue_admission){redis_int(answer, 0), redis_int(answer, 1), redis_int(answer, 2)};
    }
    return e;
}

/* Takes the schedule off the list, unless somebody has joined meanwhile: who joins first takes a place, then lists the
 * schedule, so either this look sees the place or the listing comes after the removal. */
static const struct err *unlist(struct ctx *ctx, const char *schedule_id)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "SREM", QUEUE_SCHEDULES_KEY, schedule_id);
    REDIS_PIPE(pipe, "ZCARD", queue_keys_of(ctx->arena, schedule_id).waiting);
    const struct redis_value *values;
    const struct err *e = redis_pipe_run(pipe, &values);
    if (!e && values[1].integer > 0) {
        e = REDIS_RUN(ctx, NULL, "SADD", QUEUE_SCHEDULES_KEY, schedule_id);
    }
    return e;
}

/* Admission goes on while the sale runs. A line with nobody in it costs nothing. */
static const struct err *admit_schedule(struct ctx *ctx, const char *schedule_id, struct queue_admission *admission_r)
{
    struct schedule schedule;
    const struct err *e = schedule_get(ctx, schedule_id, &schedule);
    if (e && e != &err_not_found) {
        return e;
    }
    if (e || schedule_check_sale(&schedule)) {
        return REDIS_RUN(ctx, NULL, "SREM", QUEUE_SCHEDULES_KEY, schedule_id);
    }
    e = queue_admit(ctx, schedule_id, schedule.admission_rate, admission_r);
    if (!e && admission_r->waiting == 0 && admission_r->active == 0) {
        e = unlist(ctx, schedule_id);
    }
    return e;
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
        struct queue_admission one = {0};
        const struct err *e = admit_schedule(ctx, redis_str(schedules, i), &one);
        first = first ? first : e;
        total.called += one.called;
        total.waiting += one.waiting;
        total.active += one.active;
    }
    if (!first) {
        *total_r = total;
    }
    return first;
}
