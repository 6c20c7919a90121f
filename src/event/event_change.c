#include "src/event/event_change.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "sql/change.h"
#include "src/event/catalogue.h"
#include "src/event/catalogue_cache.h"
#include "src/event/event_errors.h"
#include "src/event/event_settings.h"

SHAPE(schedule_change_shape, struct schedule_change,
      {FIELD(struct schedule_change, "id", FIELD_UUID, id), .flags = FIELD_REQUIRED},
      {FIELD(struct schedule_change, "eventStartAt", FIELD_TIME, event_start_at)},
      {FIELD(struct schedule_change, "eventEndAt", FIELD_TIME, event_end_at)},
      {FIELD(struct schedule_change, "saleStartAt", FIELD_TIME, sale_start_at)},
      {FIELD(struct schedule_change, "saleEndAt", FIELD_TIME, sale_end_at)},
      {FIELD(struct schedule_change, "admissionRate", FIELD_INT, admission_rate), .min = 1, .max = 10000},
      {FIELD(struct schedule_change, "queueCapacity", FIELD_INT, queue_capacity), .min = 1, .max = 1000000});

static const struct field event_change_fields[] = {
    {FIELD(struct event_change, "title", FIELD_TEXT, title), .min = 1, .max = 200},
    {FIELD(struct event_change, "artist", FIELD_TEXT, artist), .min = 1, .max = 200},
    {FIELD(struct event_change, "description", FIELD_TEXT, description), .flags = FIELD_LINES, .max = 10000},
    {FIELD(struct event_change, "posterUrl", FIELD_STR, poster_url), .min = 1, .max = 500},
    {FIELD(struct event_change, "gradePrices", FIELD_OBJECT, grade_prices), .sub = &grade_prices_shape},
    {FIELD(struct event_change, "schedules", FIELD_LIST, schedules), .max = 100, .sub = &schedule_change_shape},
};
const struct shape event_change_shape = {event_change_fields, ARRAY_COUNT(event_change_fields),
                                         sizeof(struct event_change), false};

struct work {
    const char *event_id;
    const struct event_change *change;
    bool draft;
    const struct db_rows *schedules; /* locked */
};

static const struct err *lock(struct ctx *ctx, struct work *work)
{
    const struct db_rows *event;
    const struct err *e = DB_RUN(ctx, &sql_change_event_lock, &event, DB_TEXT(work->event_id));
    if (e) {
        return e;
    }
    if (db_count(event) == 0) {
        return &err_not_found;
    }
    const char *status = db_str(event, 0, "status");
    if (strcmp(status, "CANCELLED") == 0) {
        return &err_conflict;
    }
    work->draft = strcmp(status, "DRAFT") == 0;
    return DB_RUN(ctx, &sql_change_schedules_lock, &work->schedules, DB_TEXT(work->event_id));
}

/* ---- prices ---- */

static bool any_begun(const struct work *work)
{
    bool begun = false;
    for (size_t i = 0; i < db_count(work->schedules); i++) {
        begun = begun || db_bool(work->schedules, i, "begun");
    }
    return begun && !work->draft;
}

static const struct err *change_prices(struct ctx *ctx, const struct work *work)
{
    struct grade_price prices[EVENT_GRADES];
    bool any = false;
    event_list_prices(&work->change->grade_prices, prices);
    for (int i = 0; i < EVENT_GRADES; i++) {
        if (prices[i].price == FIELD_NO_INT) {
            continue;
        }
        const struct db_rows *rows;
        const struct err *e = any_begun(work) ? &err_event_on_sale
                                              : DB_RUN(ctx, &sql_change_price, &rows, DB_TEXT(work->event_id),
                                                       DB_TEXT(prices[i].grade), DB_INT(prices[i].price));
        if (e) {
            return e;
        }
        if (db_affected(rows) == 0) {
            return ctx_invalid(ctx, arena_printf(ctx->arena, "gradePrices.%s", prices[i].grade),
                               "the event has no such grade");
        }
        any = true;
    }
    return any ? DB_RUN(ctx, &sql_change_seat_prices, NULL, DB_TEXT(work->event_id)) : NULL;
}

/* ---- performances ---- */

static bool find_schedule(const struct db_rows *rows, const char *id, size_t *row_r)
{
    for (size_t i = 0; i < db_count(rows); i++) {
        if (strcmp(db_str(rows, i, "id"), id) == 0) {
            *row_r = i;
            return true;
        }
    }
    return false;
}

static int64_t merged(int64_t asked, const struct db_rows *rows, size_t row, const char *column)
{
    return asked == CLOCK_NONE ? db_time(rows, row, column) : asked;
}

static bool moves(const struct schedule_change *one)
{
    return one->event_start_at != CLOCK_NONE || one->event_end_at != CLOCK_NONE || one->sale_start_at != CLOCK_NONE ||
           one->sale_end_at != CLOCK_NONE;
}

static struct db_arg int_or_null(int64_t value)
{
    return value == FIELD_NO_INT ? DB_NULL : DB_INT(value);
}

static bool named_before(const struct schedule_change *changes, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(changes[i].id, changes[index].id) == 0) {
            return true;
        }
    }
    return false;
}

static const struct err *change_schedule(struct ctx *ctx, const struct work *work, size_t index)
{
    const struct schedule_change *changes = work->change->schedules.items, *one = &changes[index];
    const char *at = arena_printf(ctx->arena, "schedules[%zu]", index);
    size_t row;
    if (named_before(changes, index)) { /* each would undo the other */
        return ctx_invalid(ctx, arena_printf(ctx->arena, "%s.id", at), "appears twice");
    }
    if (!find_schedule(work->schedules, one->id, &row)) {
        return ctx_invalid(ctx, arena_printf(ctx->arena, "%s.id", at), "the event has no such performance");
    }
    if (moves(one) && !work->draft && db_bool(work->schedules, row, "begun")) {
        return &err_event_on_sale;
    }
    const struct event_times times = {merged(one->event_start_at, work->schedules, row, "event_start_at"),
                                      merged(one->event_end_at, work->schedules, row, "event_end_at"),
                                      merged(one->sale_start_at, work->schedules, row, "sale_start_at"),
                                      merged(one->sale_end_at, work->schedules, row, "sale_end_at")};
    const struct err *e = event_times_check(ctx, at, &times);
    return e ? e
             : DB_RUN(ctx, &sql_change_schedule, NULL, DB_TEXT(one->id), DB_TIME(times.event_start_at),
                      DB_TIME(times.event_end_at), DB_TIME(times.sale_start_at), DB_TIME(times.sale_end_at),
                      int_or_null(one->admission_rate), int_or_null(one->queue_capacity));
}

/* ---- all of it ---- */

static const struct err *change_all(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct event_change *change = work->change;
    const struct err *e = lock(ctx, work);
    e = e ? e
          : DB_RUN(ctx, &sql_change_event, NULL, DB_TEXT(work->event_id), DB_TEXT(change->title),
                   DB_TEXT(change->artist), DB_TEXT(change->description), DB_TEXT(change->poster_url));
    e = e ? e : change_prices(ctx, work);
    for (size_t i = 0; i < change->schedules.count && !e; i++) {
        e = change_schedule(ctx, work, i);
    }
    return e;
}

const struct err *event_change(struct ctx *ctx, const char *event_id, const struct event_change *change)
{
    struct work work = {.event_id = event_id, .change = change};
    const struct err *e = event_poster_check(ctx, change->poster_url);
    e = e ? e : catalogue_transact(ctx, cfg_event.create_ms, change_all, &work);
    if (!e) {
        catalogue_cache_forget(ctx, event_id);
    }
    return e;
}
