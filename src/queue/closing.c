#include "src/queue/closing.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/contract/schedule.h"
#include "src/queue/admission.h"
#include "src/queue/line.h"
#include "src/queue/marker.h"
#include "src/queue/queue_keys.h"
#include "src/queue/queue_settings.h"

#define SHARDS_A_CALL 32

/* The markers of the people in one hash, then the people. */
static const struct err *forget_shard(struct ctx *ctx, const char *schedule_id, unsigned shard)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    const char *people = queue_people_key(ctx->arena, &keys, shard);
    const struct redis_value *refs;
    const struct err *e = REDIS_RUN(ctx, &refs, "HKEYS", people);
    if (e || refs->count == 0) {
        return e;
    }
    unsigned char *side_by_side = arena_alloc(ctx->arena, refs->count * UUID_BYTES);
    size_t count = 0;
    for (size_t i = 0; i < refs->count; i++) {
        if (refs->items[i].len == UUID_BYTES) {
            memcpy(side_by_side + UUID_BYTES * count++, refs->items[i].str, UUID_BYTES);
        }
    }
    e = marker_drop(ctx, shard, side_by_side, count, schedule_id);
    return e ? e : REDIS_RUN(ctx, NULL, "DEL", people);
}

/* The rest of the line; its state is the last to go. */
static const struct err *forget_line(struct ctx *ctx, const char *schedule_id)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    const char *kept_s = arena_int(ctx->arena, queue_settings.kept_s);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "DEL", keys.seen, keys.used, keys.gone, keys.early, keys.joined, keys.called, keys.returning,
               keys.active, keys.finished, keys.view);
    REDIS_PIPE(pipe, "EXPIRE", keys.audit, kept_s);
    REDIS_PIPE(pipe, "EXPIRE", keys.state, kept_s);
    REDIS_PIPE(pipe, "SREM", QUEUE_SCHEDULES_KEY, schedule_id);
    REDIS_PIPE(pipe, "SREM", QUEUE_LINES_KEY, schedule_id);
    const struct err *e = redis_pipe_run(pipe, NULL);
    if (!e) {
        log_info(&ctx->log, "the line of '%s' is closed and forgotten", schedule_id);
    }
    return e;
}

static const struct err *forget(struct ctx *ctx, const char *schedule_id)
{
    const char *state = queue_keys_of(ctx->arena, schedule_id).state;
    const struct redis_value *done;
    const struct err *e = REDIS_RUN(ctx, &done, "HGET", state, "forgotten_shards");
    unsigned shard = !e && done->type == REDIS_STR ? (unsigned)strtoul(done->str, NULL, 10) : 0;
    for (int i = 0; !e && i < SHARDS_A_CALL && shard < QUEUE_SHARDS; i++, shard++) {
        e = forget_shard(ctx, schedule_id, shard);
    }
    e = e ? e : REDIS_RUN(ctx, NULL, "HSET", state, "forgotten_shards", arena_int(ctx->arena, shard));
    return e || shard < QUEUE_SHARDS ? e : forget_line(ctx, schedule_id);
}

static const struct err *close_line(struct ctx *ctx, const char *schedule_id)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "HSETNX", keys.state, "closed_ms", arena_int(ctx->arena, clock_now() / 1000));
    REDIS_PIPE(pipe, "HGET", keys.state, "closed_ms");
    REDIS_PIPE(pipe, "DEL", keys.view); /* what people are told is made anew */
    const struct redis_value *values;
    const struct err *e = redis_pipe_run(pipe, &values);
    if (e || values[1].type != REDIS_STR) {
        return e ? e : &err_internal;
    }
    if (values[0].integer == 1) {
        log_info(&ctx->log, "the sale of '%s' is over: its line is closed", schedule_id);
    }
    int64_t closed_s = clock_now() / CLOCK_SECOND - strtoll(values[1].str, NULL, 10) / 1000;
    return closed_s < queue_settings.closing_grace_s ? NULL : forget(ctx, schedule_id);
}

static const struct err *reopen(struct ctx *ctx, const char *schedule_id)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "PERSIST", keys.state);
    REDIS_PIPE(pipe, "HDEL", keys.state, "closed_ms", "forgotten_shards");
    REDIS_PIPE(pipe, "DEL", keys.view);
    REDIS_PIPE(pipe, "SADD", QUEUE_SCHEDULES_KEY, schedule_id);
    log_warn(&ctx->log, "the sale of '%s' runs again: its line is open again", schedule_id);
    return redis_pipe_run(pipe, NULL);
}

/* The sale runs: slots that are no longer used are given back, also when nobody waits for them, and what the scripts
 * know of the seats is kept up. */
static const struct err *keep_open(struct ctx *ctx, const struct schedule *schedule, int64_t *active)
{
    struct line line;
    const struct redis_value *finished;
    const struct err *e = line_read(ctx, schedule->schedule_id, schedule, &line);
    e = e ? e : REDIS_RUN(ctx, &finished, "SCARD", queue_keys_of(ctx->arena, schedule->schedule_id).finished);
    if (e) {
        return e;
    }
    if (line.closed_at != CLOCK_NONE) {
        return reopen(ctx, schedule->schedule_id);
    }
    *active += line.active;
    struct queue_admission admission;
    bool used = line.active + line.called + line.returning + finished->integer > 0;
    return used || line.sold_out != line.noted_sold_out ? queue_admit(ctx, schedule, &admission) : NULL;
}

static const struct err *look_after(struct ctx *ctx, const char *schedule_id, int64_t *active)
{
    struct schedule schedule;
    bool over;
    const struct err *e = schedule_find(ctx, schedule_id, &schedule, &over);
    return e ? e : over ? close_line(ctx, schedule_id) : keep_open(ctx, &schedule, active);
}

const struct err *closing_run_all(struct ctx *ctx, int64_t *active_r)
{
    int64_t active = 0;
    const struct redis_value *schedules;
    const struct err *first = REDIS_RUN(ctx, &schedules, "SMEMBERS", QUEUE_LINES_KEY);
    if (first) {
        return first;
    }
    for (size_t i = 0; i < schedules->count; i++) {
        const char *schedule_id = redis_str(schedules, i);
        const struct err *e = look_after(ctx, schedule_id, &active);
        first = first ? first : e;
    }
    if (!first) {
        *active_r = active;
    }
    return first;
}
