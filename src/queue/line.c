#include "src/queue/line.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/io/redis.h"
#include "src/queue/queue_keys.h"

extern const struct redis_script redis_script_queue_look;

/* The fields of the state hash that look.lua answers, in its order. */
enum {
    OPENED_MS,
    COUNT,
    SEED,
    COMMITMENT,
    SEQUENCE,
    CURSOR,
    RATE,
    PAUSED,
    MAX_ACTIVE,
    PACE,
    CLOSED_MS,
    CALLED,
    ADMITTED,
    RETURNED,
    PASSED_OVER,
    NO_SHOWS,
    FINISHED,
    EXPIRED,
    LEFT,
    BASE_RATE,
    SOLD_OUT,
    SENT_BACK,
    TPS,
    CREDITED_US,
    FIELDS
};

/* What it answers beside them. */
enum { NOW_MS, WAITING, EARLY, CALLED_NOW, RETURNING, ACTIVE, LIVE_SHARE, OLDEST_WAIT_S };

static double number_of(const char *text)
{
    return text ? strtod(text, NULL) : 0;
}

/* `terms` NULL: as they were noted last. */
static void read_terms(const struct schedule *terms, const struct redis_value *fields, struct line *line)
{
    line->noted_sold_out = redis_int(fields, SOLD_OUT) == 1;
    line->base_rate = terms ? terms->admission_rate : redis_int(fields, BASE_RATE);
    line->sold_out = terms ? terms->sold_out : line->noted_sold_out;
}

/* Measured up to the last step; since then nobody was called. */
static double decayed(double tps, int64_t since_us, int64_t now)
{
    const double smooth_us = 30e6; /* as in admit.lua */
    double left = 1 - (double)(now - since_us) / smooth_us;
    return left > 0 ? tps * left : 0;
}

static void read_fields(const struct redis_value *fields, struct line *line)
{
    line->opened_at = redis_str(fields, OPENED_MS) ? redis_int(fields, OPENED_MS) * 1000 : CLOCK_NONE;
    line->closed_at = redis_str(fields, CLOSED_MS) ? redis_int(fields, CLOSED_MS) * 1000 : CLOCK_NONE;
    line->count = redis_int(fields, COUNT);
    line->seed = redis_str(fields, SEED);
    line->commitment = redis_str(fields, COMMITMENT);
    line->sequence = redis_int(fields, SEQUENCE);
    line->cursor = redis_int(fields, CURSOR);
    line->paused = redis_str(fields, PAUSED) != NULL;
    line->rate = line->paused ? 0 : redis_str(fields, RATE) ? redis_int(fields, RATE) : line->base_rate;
    line->max_active = redis_int(fields, MAX_ACTIVE);
    line->pace = redis_str(fields, PACE) ? number_of(redis_str(fields, PACE)) : (double)line->rate;
    line->total.called = redis_int(fields, CALLED);
    line->total.admitted = redis_int(fields, ADMITTED);
    line->total.returned = redis_int(fields, RETURNED);
    line->total.passed_over = redis_int(fields, PASSED_OVER);
    line->total.no_shows = redis_int(fields, NO_SHOWS);
    line->total.finished = redis_int(fields, FINISHED);
    line->total.expired = redis_int(fields, EXPIRED);
    line->total.left = redis_int(fields, LEFT);
    line->total.sent_back = redis_int(fields, SENT_BACK);
}

static void read_counts(const struct redis_value *counts, struct line *line)
{
    line->at = redis_int(counts, NOW_MS) * 1000;
    line->open = line->opened_at != CLOCK_NONE && line->at >= line->opened_at;
    line->sealed = line->opened_at != CLOCK_NONE && !line->open;
    line->early = redis_int(counts, EARLY);
    line->called = redis_int(counts, CALLED_NOW);
    line->returning = redis_int(counts, RETURNING);
    line->waiting = redis_int(counts, WAITING) + line->returning;
    line->active = redis_int(counts, ACTIVE);
    line->live_share = (double)redis_int(counts, LIVE_SHARE) / 1000;
    line->oldest_wait_s = redis_int(counts, OLDEST_WAIT_S);
}

const struct err *line_read(struct ctx *ctx, const char *schedule_id, const struct schedule *terms, struct line *line_r)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    const char *key_list[] = {keys.state, keys.gone, keys.early, keys.joined, keys.called, keys.returning, keys.active};
    const struct redis_value *answer;
    const struct err *e = redis_eval(ctx, &redis_script_queue_look, &answer, key_list, ARRAY_COUNT(key_list), NULL, 0);
    if (e) {
        return e;
    }
    if (answer->type != REDIS_LIST || answer->count != 2 || answer->items[0].count != FIELDS) {
        log_error(&ctx->log, "the line of '%s' cannot be read", schedule_id);
        return &err_internal;
    }
    const struct redis_value *fields = &answer->items[0];
    struct line line = {.schedule_id = schedule_id};
    read_terms(terms, fields, &line);
    read_fields(fields, &line);
    read_counts(&answer->items[1], &line);
    line.tps = decayed(number_of(redis_str(fields, TPS)), redis_int(fields, CREDITED_US), line.at);
    *line_r = line;
    return NULL;
}

const struct err *line_find(struct ctx *ctx, const char *schedule_id, struct line *line_r)
{
    struct schedule schedule;
    struct line line;
    const struct err *e = schedule_get(ctx, schedule_id, &schedule);
    e = e ? e : line_read(ctx, schedule_id, &schedule, &line);
    if (!e) {
        *line_r = line;
    }
    return e;
}

const struct err *line_list(struct ctx *ctx, struct line **lines_r, size_t *count_r)
{
    const struct redis_value *ids;
    const struct err *e = REDIS_RUN(ctx, &ids, "SMEMBERS", QUEUE_LINES_KEY);
    if (e) {
        return e;
    }
    struct line *lines = arena_calloc(ctx->arena, ids->count + 1, sizeof *lines);
    size_t count = 0;
    for (size_t i = 0; i < ids->count; i++) {
        e = line_find(ctx, redis_str(ids, i), &lines[count]);
        if (e && e != &err_not_found) {
            return e;
        }
        count += !e;
    }
    *lines_r = lines;
    *count_r = count;
    return NULL;
}

int64_t line_abandoned(const struct line *line)
{
    return line->total.left + line->total.passed_over + line->total.no_shows + line->total.sent_back -
           line->total.returned - line->returning;
}

int64_t line_ghost_percent(const struct line *line)
{
    int64_t reached = line->total.called - line->total.returned + line->total.passed_over;
    return reached > 0 ? (line->total.passed_over + line->total.no_shows) * 100 / reached : 0;
}

bool line_busy(const struct line *line)
{
    return line->cursor < line->sequence || line->returning > 0 || line->called > 0;
}
