#include "src/event/event_admin.h"

#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/text.h"
#include "common/io/db.h"
#include "sql/event.h"
#include "sql/seat.h"
#include "sql/venue.h"
#include "src/event/catalogue.h"
#include "src/event/catalogue_cache.h"
#include "src/event/event_settings.h"

enum {
    SCHEDULES_MAX = 100,
    SEQUENCE_MAX = 1000,
    /* As it is stored; PostgreSQL writes it with blanks, a third longer at most: a page of 100 halls fits one reply. */
    TEMPLATE_TEXT_MAX = 120 << 10,
};
#define PRICE_MAX INT64_C(100000000)
#define EVENT_SEATS_MAX 1000000 /* about 12 s on two cores (docs/performance.md) */

static const struct field venue_new_fields[] = {
    {FIELD(struct venue_new, "name", FIELD_TEXT, name), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct venue_new, "address", FIELD_TEXT, address), .flags = FIELD_REQUIRED, .min = 1, .max = 300},
    {FIELD(struct venue_new, "city", FIELD_TEXT, city), .flags = FIELD_REQUIRED, .min = 1, .max = 50},
};
const struct shape venue_new_shape = {venue_new_fields, ARRAY_COUNT(venue_new_fields), sizeof(struct venue_new), false};

static const struct field hall_new_fields[] = {
    {FIELD(struct hall_new, "name", FIELD_TEXT, name), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct hall_new, "capacity", FIELD_INT, capacity), .flags = FIELD_REQUIRED, .min = 1,
     .max = SEAT_TEMPLATE_SEATS_MAX},
    {FIELD(struct hall_new, "seatTemplate", FIELD_OBJECT, seat_template), .flags = FIELD_REQUIRED,
     .sub = &seat_template_shape},
};
const struct shape hall_new_shape = {hall_new_fields, ARRAY_COUNT(hall_new_fields), sizeof(struct hall_new), false};

static const struct field grade_prices_fields[] = {
    {FIELD(struct grade_prices, "VIP", FIELD_INT, vip), .max = PRICE_MAX},
    {FIELD(struct grade_prices, "S", FIELD_INT, s), .max = PRICE_MAX},
    {FIELD(struct grade_prices, "A", FIELD_INT, a), .max = PRICE_MAX},
    {FIELD(struct grade_prices, "B", FIELD_INT, b), .max = PRICE_MAX},
};
const struct shape grade_prices_shape = {grade_prices_fields, ARRAY_COUNT(grade_prices_fields),
                                         sizeof(struct grade_prices), false};

SHAPE(schedule_new_shape, struct schedule_new,
      {FIELD(struct schedule_new, "playSequence", FIELD_INT, play_sequence), .flags = FIELD_REQUIRED, .min = 1,
       .max = SEQUENCE_MAX},
      {FIELD(struct schedule_new, "eventStartAt", FIELD_TIME, event_start_at), .flags = FIELD_REQUIRED},
      {FIELD(struct schedule_new, "eventEndAt", FIELD_TIME, event_end_at), .flags = FIELD_REQUIRED},
      {FIELD(struct schedule_new, "saleStartAt", FIELD_TIME, sale_start_at), .flags = FIELD_REQUIRED},
      {FIELD(struct schedule_new, "saleEndAt", FIELD_TIME, sale_end_at), .flags = FIELD_REQUIRED},
      {FIELD(struct schedule_new, "admissionRate", FIELD_INT, admission_rate), .min = 1, .max = 10000},
      {FIELD(struct schedule_new, "queueCapacity", FIELD_INT, queue_capacity), .min = 1, .max = 1000000});

static const struct field event_draft_fields[] = {
    {FIELD(struct event_draft, "title", FIELD_TEXT, title), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct event_draft, "artist", FIELD_TEXT, artist), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct event_draft, "description", FIELD_TEXT, description), .flags = FIELD_LINES, .max = 10000},
    {FIELD(struct event_draft, "posterUrl", FIELD_STR, poster_url), .min = 1, .max = 500},
    {FIELD(struct event_draft, "venueId", FIELD_UUID, venue_id), .flags = FIELD_REQUIRED},
    {FIELD(struct event_draft, "hallId", FIELD_UUID, hall_id), .flags = FIELD_REQUIRED},
    {FIELD(struct event_draft, "gradePrices", FIELD_OBJECT, grade_prices), .flags = FIELD_REQUIRED,
     .sub = &grade_prices_shape},
    {FIELD(struct event_draft, "schedules", FIELD_LIST, schedules), .flags = FIELD_REQUIRED, .min = 1,
     .max = SCHEDULES_MAX, .sub = &schedule_new_shape},
};
const struct shape event_draft_shape = {event_draft_fields, ARRAY_COUNT(event_draft_fields), sizeof(struct event_draft),
                                        false};

static void copy_id(char id_r[UUID_SIZE], const struct db_rows *rows)
{
    memcpy(id_r, db_str(rows, 0, "id"), UUID_SIZE);
}

struct venue_work {
    const struct venue_new *venue;
    char *id_r;
};

static const struct err *insert_venue(struct ctx *ctx, void *arg)
{
    const struct venue_work *work = arg;
    const struct venue_new *venue = work->venue;
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_venue_insert, &rows, DB_TEXT(venue->name), DB_TEXT(venue->address), DB_TEXT(venue->city));
    if (!e) {
        copy_id(work->id_r, rows);
    }
    return e;
}

const struct err *venue_create(struct ctx *ctx, const struct venue_new *venue, char id_r[UUID_SIZE])
{
    return catalogue_transact(ctx, 0, insert_venue, &(struct venue_work){venue, id_r});
}

static const char *template_text(struct ctx *ctx, const struct seat_template *template)
{
    struct buf *buf = ARENA_NEW(ctx->arena, struct buf);
    struct json_out out;
    buf_init(buf, ctx->arena, TEMPLATE_TEXT_MAX);
    json_out_init(&out, buf);
    seat_template_write(&out, template);
    return buf->overflow ? NULL : buf->data;
}

const struct err *hall_template_check(struct ctx *ctx, const struct seat_template *template, int64_t capacity,
                                      const char **text_r)
{
    int64_t seats;
    const struct err *e = seat_template_check(ctx, template, &seats);
    if (e) {
        return e;
    }
    if (capacity != seats) {
        return ctx_invalid(ctx, "capacity", "the seat template yields %lld seats", (long long)seats);
    }
    *text_r = template_text(ctx, template);
    return *text_r ? NULL : ctx_invalid(ctx, "seatTemplate", "is too large");
}

struct hall_work {
    const char *venue_id;
    const struct hall_new *hall;
    const char *template;
    char *id_r;
};

static const struct err *insert_hall(struct ctx *ctx, void *arg)
{
    const struct hall_work *work = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_venue_hall_insert, &rows, DB_TEXT(work->venue_id), DB_TEXT(work->hall->name),
                                 DB_INT(work->hall->capacity), DB_TEXT(work->template));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    copy_id(work->id_r, rows);
    return NULL;
}

const struct err *hall_create(struct ctx *ctx, const char *venue_id, const struct hall_new *hall, char id_r[UUID_SIZE])
{
    struct hall_work work = {.venue_id = venue_id, .hall = hall, .id_r = id_r};
    const struct err *e = hall_template_check(ctx, &hall->seat_template, hall->capacity, &work.template);
    return e ? e : catalogue_transact(ctx, 0, insert_hall, &work);
}

/* ---- events ---- */

const struct err *event_times_check(struct ctx *ctx, const char *at, const struct event_times *times)
{
    const struct err *e = NULL;
    if (times->event_end_at <= times->event_start_at) {
        e = ctx_invalid(ctx, arena_printf(ctx->arena, "%s.eventEndAt", at), "must be after eventStartAt");
    }
    if (times->sale_end_at <= times->sale_start_at) {
        e = ctx_invalid(ctx, arena_printf(ctx->arena, "%s.saleEndAt", at), "must be after saleStartAt");
    }
    if (times->sale_end_at > times->event_end_at) {
        e = ctx_invalid(ctx, arena_printf(ctx->arena, "%s.saleEndAt", at), "must not be after eventEndAt");
    }
    return e;
}

static const struct err *check_schedule(struct ctx *ctx, const struct schedule_new *schedules, size_t index)
{
    const struct schedule_new *one = &schedules[index];
    const char *at = arena_printf(ctx->arena, "schedules[%zu]", index);
    const struct err *e = NULL;
    for (size_t i = 0; i < index; i++) {
        if (schedules[i].play_sequence == one->play_sequence) {
            e = ctx_invalid(ctx, arena_printf(ctx->arena, "%s.playSequence", at), "appears twice");
        }
    }
    const struct err *times = event_times_check(
        ctx, at, &(struct event_times){one->event_start_at, one->event_end_at, one->sale_start_at, one->sale_end_at});
    return times ? times : e;
}

/* An address that is spelt otherwise is another address, so it is not brought into the stored form of text. */
const struct err *event_poster_check(struct ctx *ctx, const char *url)
{
    const char *why, *stored = url ? text_line(ctx->arena, url, &why) : NULL;
    bool good =
        !url || (stored && strcmp(stored, url) == 0 &&
                 (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) && !strpbrk(url, " \"<>\\"));
    return good ? NULL : ctx_invalid(ctx, "posterUrl", "must be an http or https address");
}

static const struct err *check_event(struct ctx *ctx, const struct event_draft *event)
{
    const struct err *e = event_poster_check(ctx, event->poster_url);
    for (size_t i = 0; i < event->schedules.count; i++) {
        const struct err *refused = check_schedule(ctx, event->schedules.items, i);
        e = e ? e : refused;
    }
    return e;
}

void event_list_prices(const struct grade_prices *prices, struct grade_price list[EVENT_GRADES])
{
    list[0] = (struct grade_price){"VIP", prices->vip};
    list[1] = (struct grade_price){"S", prices->s};
    list[2] = (struct grade_price){"A", prices->a};
    list[3] = (struct grade_price){"B", prices->b};
}

struct create_work {
    const struct event_draft *event;
    int64_t capacity;
    const char *id;
};

/* All seats are made in one statement, which has its time. */
static const struct err *check_size(struct ctx *ctx, const struct create_work *work)
{
    size_t count = work->event->schedules.count;
    long long seats = work->capacity * (long long)count;
    if (seats <= EVENT_SEATS_MAX) {
        return NULL;
    }
    return ctx_invalid(ctx, "schedules", "%zu performances of %lld seats are %lld seats; an event has at most %d",
                       count, (long long)work->capacity, seats, EVENT_SEATS_MAX);
}

/* The hall must be the venue's, and every grade it has must have a price. Keeps the hall as it is until the end of the
 * transaction. */
static const struct err *check_hall(struct ctx *ctx, struct create_work *work)
{
    const struct event_draft *event = work->event;
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_venue_hall_for_event, &rows, DB_TEXT(event->hall_id), DB_TEXT(event->venue_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return ctx_invalid(ctx, "hallId", "the venue has no such hall");
    }
    work->capacity = db_int(rows, 0, "capacity");
    const struct json *grades;
    const char *text = db_str(rows, 0, "grades");
    e = json_parse(ctx->arena, text, strlen(text), &grades, NULL);
    struct grade_price prices[EVENT_GRADES];
    event_list_prices(&event->grade_prices, prices);
    for (int i = 0; i < EVENT_GRADES && !e; i++) {
        if (prices[i].price == FIELD_NO_INT && json_get(grades, prices[i].grade)) {
            e = ctx_invalid(ctx, arena_printf(ctx->arena, "gradePrices.%s", prices[i].grade),
                            "the hall has this grade");
        }
    }
    return e;
}

static const struct err *insert_event(struct ctx *ctx, struct create_work *work)
{
    const struct event_draft *event = work->event;
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_event_insert, &rows, DB_TEXT(event->venue_id), DB_TEXT(event->hall_id), DB_TEXT(event->title),
               DB_TEXT(event->artist), DB_TEXT(event->description), DB_TEXT(event->poster_url));
    if (!e) {
        work->id = db_str(rows, 0, "id");
    }
    return e;
}

static const struct err *insert_prices(struct ctx *ctx, const struct create_work *work)
{
    struct grade_price prices[EVENT_GRADES];
    event_list_prices(&work->event->grade_prices, prices);
    const struct err *e = NULL;
    for (int i = 0; i < EVENT_GRADES && !e; i++) {
        if (prices[i].price != FIELD_NO_INT) {
            e = DB_RUN(ctx, &sql_event_price_insert, NULL, DB_TEXT(work->id), DB_TEXT(prices[i].grade),
                       DB_INT(prices[i].price));
        }
    }
    return e;
}

static int64_t or_default(int64_t asked, int64_t fallback)
{
    return asked == FIELD_NO_INT ? fallback : asked;
}

static const struct err *insert_schedules(struct ctx *ctx, const struct create_work *work)
{
    const struct schedule_new *items = work->event->schedules.items;
    const struct err *e = NULL;
    for (size_t i = 0; i < work->event->schedules.count && !e; i++) {
        e = DB_RUN(ctx, &sql_event_schedule_insert, NULL, DB_TEXT(work->id), DB_INT(items[i].play_sequence),
                   DB_TIME(items[i].event_start_at), DB_TIME(items[i].event_end_at), DB_TIME(items[i].sale_start_at),
                   DB_TIME(items[i].sale_end_at), DB_INT(or_default(items[i].admission_rate, cfg_event.admission_rate)),
                   DB_INT(or_default(items[i].queue_capacity, cfg_event.queue_capacity)), DB_INT(work->capacity));
    }
    return e;
}

/* The statement's arithmetic must agree with seat_template_check()'s. */
static const struct err *generate_seats(struct ctx *ctx, const struct create_work *work)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_seat_generate, &rows, DB_TEXT(work->id));
    if (e) {
        return e;
    }
    size_t expected = (size_t)work->capacity * work->event->schedules.count;
    if (db_affected(rows) == expected) {
        return NULL;
    }
    log_error(&ctx->log, "made %zu seats instead of %zu", db_affected(rows), expected);
    return &err_internal;
}

static const struct err *create_event(struct ctx *ctx, void *arg)
{
    struct create_work *work = arg;
    const struct err *e = check_hall(ctx, work);
    e = e ? e : check_size(ctx, work);
    e = e ? e : insert_event(ctx, work);
    e = e ? e : insert_prices(ctx, work);
    e = e ? e : insert_schedules(ctx, work);
    return e ? e : generate_seats(ctx, work);
}

const struct err *event_admin_create(struct ctx *ctx, const struct event_draft *event, char id_r[UUID_SIZE])
{
    struct create_work work = {.event = event};
    const struct err *e = check_event(ctx, event);
    e = e ? e : catalogue_transact(ctx, cfg_event.create_ms, create_event, &work);
    if (!e) {
        memcpy(id_r, work.id, UUID_SIZE);
    }
    return e;
}

static const struct err *open_event(struct ctx *ctx, void *arg)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_event_open, &rows, DB_TEXT((const char *)arg));
    if (e) {
        return e == &err_db_raised ? &err_conflict : e;
    }
    return db_affected(rows) == 0 ? &err_not_found : NULL;
}

const struct err *event_admin_publish(struct ctx *ctx, const char *event_id)
{
    char id[UUID_SIZE];
    snprintf(id, sizeof id, "%s", event_id);
    const struct err *e = catalogue_transact(ctx, 0, open_event, id);
    if (!e) {
        catalogue_cache_forget(ctx, event_id);
    }
    return e;
}
