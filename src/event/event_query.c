#include "src/event/event_query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "sql/event.h"

#define CURSOR_MAX 1500                             /* base64 of a title of 200 characters and more */
#define CURSOR_TIME_MAX INT64_C(100000000000000000) /* microseconds: the year 5138 */
#define DATE_LENGTH 10
#define DAY (86400 * CLOCK_SECOND)
#define SALE_STATES "UPCOMING|ONGOING|ENDED|CANCELLED"

static const struct field event_filter_fields[] = {
    {FIELD(struct event_filter, "page", FIELD_INT, page), .max = PAGE_MAX},
    {FIELD(struct event_filter, "size", FIELD_INT, size), .min = 1, .max = PAGE_SIZE_MAX},
    {FIELD(struct event_filter, "status", FIELD_ENUM, status), .choices = SALE_STATES},
    {FIELD(struct event_filter, "city", FIELD_TEXT, city), .min = 1, .max = 50},
    {FIELD(struct event_filter, "artist", FIELD_TEXT, artist), .min = 1, .max = 200},
    {FIELD(struct event_filter, "q", FIELD_TEXT, q), .min = 1, .max = 100},
    {FIELD(struct event_filter, "from", FIELD_STR, from), .min = 10, .max = 40},
    {FIELD(struct event_filter, "to", FIELD_STR, to), .min = 10, .max = 40},
    {FIELD(struct event_filter, "sort", FIELD_ENUM, sort), .choices = "startDate|-startDate|title|newest"},
    {FIELD(struct event_filter, "cursor", FIELD_STR, cursor), .min = 1, .max = CURSOR_MAX},
};
const struct shape event_filter_shape = {event_filter_fields, ARRAY_COUNT(event_filter_fields),
                                         sizeof(struct event_filter), false};

static const struct field event_summary_fields[] = {
    {FIELD(struct event_summary, "id", FIELD_UUID, id)},
    {FIELD(struct event_summary, "title", FIELD_STR, title)},
    {FIELD(struct event_summary, "artist", FIELD_STR, artist)},
    {FIELD(struct event_summary, "venueName", FIELD_STR, venue_name)},
    {FIELD(struct event_summary, "city", FIELD_STR, city)},
    {FIELD(struct event_summary, "startDate", FIELD_TIME, starts_at)},
    {FIELD(struct event_summary, "endDate", FIELD_TIME, ends_at)},
    {FIELD(struct event_summary, "status", FIELD_STR, status)},
    {FIELD(struct event_summary, "soldOut", FIELD_BOOL, sold_out)},
};
const struct shape event_summary_shape = {event_summary_fields, ARRAY_COUNT(event_summary_fields),
                                          sizeof(struct event_summary), false};

SHAPE(named_shape, struct named, {FIELD(struct named, "id", FIELD_UUID, id)},
      {FIELD(struct named, "name", FIELD_STR, name)});

SHAPE(event_schedule_shape, struct event_schedule, {FIELD(struct event_schedule, "id", FIELD_UUID, id)},
      {FIELD(struct event_schedule, "playSequence", FIELD_INT, play_sequence)},
      {FIELD(struct event_schedule, "eventStartAt", FIELD_TIME, event_start_at)},
      {FIELD(struct event_schedule, "eventEndAt", FIELD_TIME, event_end_at)},
      {FIELD(struct event_schedule, "saleStartAt", FIELD_TIME, sale_start_at)},
      {FIELD(struct event_schedule, "saleEndAt", FIELD_TIME, sale_end_at)},
      {FIELD(struct event_schedule, "status", FIELD_STR, status)},
      {FIELD(struct event_schedule, "soldOut", FIELD_BOOL, sold_out)},
      {FIELD(struct event_schedule, "available", FIELD_INT, available)},
      {FIELD(struct event_schedule, "total", FIELD_INT, total)});

static const struct field event_detail_fields[] = {
    {FIELD(struct event_detail, "id", FIELD_UUID, id)},
    {FIELD(struct event_detail, "title", FIELD_STR, title)},
    {FIELD(struct event_detail, "artist", FIELD_STR, artist)},
    {FIELD(struct event_detail, "description", FIELD_STR, description)},
    {FIELD(struct event_detail, "posterUrl", FIELD_STR, poster_url)},
    {FIELD(struct event_detail, "status", FIELD_STR, status)},
    {FIELD(struct event_detail, "venue", FIELD_OBJECT, venue), .sub = &named_shape},
    {FIELD(struct event_detail, "hall", FIELD_OBJECT, hall), .sub = &named_shape},
    {FIELD(struct event_detail, "schedules", FIELD_LIST, schedules), .sub = &event_schedule_shape},
};
const struct shape event_detail_shape = {event_detail_fields, ARRAY_COUNT(event_detail_fields),
                                         sizeof(struct event_detail), false};

/* The first instant of the date that is `days` after the one that `text` begins with, in the process's zone. Where
 * clocks go from midnight to one, the day begins at one. */
static bool first_instant(const char *text, int days, int64_t *at_r)
{
    int64_t noon;
    char utc[sizeof "2026-06-01T12:00:00Z"];
    snprintf(utc, sizeof utc, "%.10sT12:00:00Z", text);
    if (!clock_parse(utc, &noon)) {
        return false;
    }
    enum { HALF_HOURS_OF_DAY = 48 };
    char date[CLOCK_TEXT_SIZE], local[sizeof "2026-06-01T00:00:00"];
    clock_format_utc(noon + days * DAY, date);
    for (int half_hour = 0; half_hour < HALF_HOURS_OF_DAY; half_hour++) {
        snprintf(local, sizeof local, "%.10sT%02d:%02d:00", date, half_hour / 2, half_hour % 2 * 30);
        if (clock_parse(local, at_r)) {
            return true;
        }
    }
    return false;
}

bool event_instant_parse(const char *text, bool end_of_day, int64_t *at_r)
{
    return strlen(text) == DATE_LENGTH ? first_instant(text, end_of_day, at_r) : clock_parse(text, at_r);
}

static const struct err *read_range(struct ctx *ctx, const struct event_filter *filter, int64_t *from_r, int64_t *to_r)
{
    *from_r = *to_r = CLOCK_NONE;
    if (filter->from && !event_instant_parse(filter->from, false, from_r)) {
        return ctx_invalid(ctx, "from", "must be a time or a date like 2026-06-01");
    }
    if (filter->to && !event_instant_parse(filter->to, true, to_r)) {
        return ctx_invalid(ctx, "to", "must be a time or a date like 2026-06-01");
    }
    return NULL;
}

/* ---- orders, and the last event of the page before ---- */

struct cursor {
    const char *id; /* NULL: from the beginning */
    int64_t starts_at;
    const char *title;
};

static struct db_arg starts_at_of(const struct cursor *cursor)
{
    return DB_TIME(cursor->starts_at);
}

static struct db_arg title_of(const struct cursor *cursor)
{
    return DB_TEXT(cursor->title);
}

static struct db_arg id_of(const struct cursor *cursor)
{
    return DB_TEXT(cursor->id);
}

static const struct list_order {
    const char *sort;
    struct db_arg (*key)(const struct cursor *cursor);
    const struct db_stmt *list, *between, *search;
} orders[] = {
    {"startDate", starts_at_of, &sql_event_list_first, &sql_event_between_first, &sql_event_search_first},
    {"-startDate", starts_at_of, &sql_event_list_last, &sql_event_between_last, &sql_event_search_last},
    {"title", title_of, &sql_event_list_titled, &sql_event_between_titled, &sql_event_search_titled},
    {"newest", id_of, &sql_event_list_newest, &sql_event_between_newest, &sql_event_search_newest},
};

static const struct list_order *order_of(const struct event_filter *filter)
{
    for (size_t i = 0; filter->sort && i < ARRAY_COUNT(orders); i++) {
        if (strcmp(orders[i].sort, filter->sort) == 0) {
            return &orders[i];
        }
    }
    return &orders[0];
}

/* ---- cursors: base64url of "<order> <id> <begins> <title>" of the last event of a page ---- */

static const char *cursor_of(struct arena *arena, const struct event_filter *filter, const struct event_summary *last)
{
    const char *text =
        arena_printf(arena, "%s %s %lld %s", order_of(filter)->sort, last->id, (long long)last->starts_at, last->title);
    return crypto_base64url(arena, text, strlen(text));
}

/* Cuts the word off that ends with the next space. NULL: there is none. */
static char *cut_word(char **rest)
{
    char *word = *rest, *end = strchr(word, ' ');
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    *rest = end + 1;
    return word;
}

static bool parse_cursor(struct arena *arena, const struct event_filter *filter, struct cursor *cursor_r)
{
    size_t len;
    char *rest = (char *)crypto_base64_decode(arena, filter->cursor, &len);
    if (rest == NULL || strlen(rest) != len || !utf8_is_plain(rest, len)) {
        return false;
    }
    const char *sort = cut_word(&rest);
    const char *id = sort != NULL ? cut_word(&rest) : NULL;
    const char *starts_at = id != NULL ? cut_word(&rest) : NULL;
    if (starts_at == NULL || strcmp(sort, order_of(filter)->sort) != 0 || !uuid_valid(id)) {
        return false;
    }
    char *end;
    errno = 0;
    *cursor_r = (struct cursor){id, strtoll(starts_at, &end, 10), rest};
    return errno == 0 && end != starts_at && *end == '\0' && llabs(cursor_r->starts_at) <= CURSOR_TIME_MAX;
}

static const struct err *read_cursor(struct ctx *ctx, const struct event_filter *filter, struct cursor *cursor_r)
{
    *cursor_r = (struct cursor){.starts_at = CLOCK_NONE};
    if (filter->cursor == NULL) {
        return NULL;
    }
    if (filter->page > 0) {
        return ctx_invalid(ctx, "page", "does not go with a cursor");
    }
    bool valid = parse_cursor(ctx->arena, filter, cursor_r);
    return valid ? NULL : ctx_invalid(ctx, "cursor", "must be the nextCursor of a list of this order");
}

/* One row more than the page has says that it is not the last. */
static const struct err *run_list(struct ctx *ctx, const struct event_filter *filter, const struct page *page,
                                  const struct db_rows **rows_r)
{
    int64_t from, to;
    struct cursor cursor;
    const struct err *e = read_range(ctx, filter, &from, &to);
    e = e ? e : read_cursor(ctx, filter, &cursor);
    if (e) {
        return e;
    }
    const struct list_order *order = order_of(filter);
    const struct db_arg args[] = {DB_TEXT(filter->city),   DB_TIME(from),          DB_TIME(to),
                                  DB_TEXT(filter->status), DB_INT(page->size + 1), DB_INT(page->page * page->size),
                                  DB_TEXT(cursor.id),      order->key(&cursor),    DB_TEXT(filter->q),
                                  DB_TEXT(filter->artist)};
    enum { ALL = ARRAY_COUNT(args), WITHOUT_TEXT = ALL - 2 };
    if (filter->q || filter->artist) {
        return db_run(ctx, order->search, args, ALL, rows_r);
    }
    bool between = filter->from || filter->to;
    return db_run(ctx, between ? order->between : order->list, args, WITHOUT_TEXT, rows_r);
}

const struct err *event_list(struct ctx *ctx, const struct event_filter *filter, struct event_list *list_r)
{
    const struct page page = page_or_default(&(struct page){filter->page, filter->size});
    const struct db_rows *rows;
    const struct err *e = run_list(ctx, filter, &page, &rows);
    if (e) {
        return e;
    }
    size_t count = db_null(rows, 0, "id") ? 0 : db_count(rows);
    bool more = count > (size_t)page.size;
    count -= more;
    struct event_summary *items = arena_calloc(ctx->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct event_summary){.id = db_str(rows, i, "id"),
                                          .title = db_str(rows, i, "title"),
                                          .artist = db_str(rows, i, "artist"),
                                          .venue_name = db_str(rows, i, "venue_name"),
                                          .city = db_str(rows, i, "city"),
                                          .starts_at = db_time(rows, i, "starts_at"),
                                          .ends_at = db_time(rows, i, "ends_at"),
                                          .status = db_str(rows, i, "state"),
                                          .sold_out = db_bool(rows, i, "sold_out")};
    }
    const char *next = more ? cursor_of(ctx->arena, filter, &items[count - 1]) : NULL;
    *list_r = (struct event_list){items, count, db_int(rows, 0, "total"), page, next};
    return NULL;
}

const char *event_list_asked_by_many(struct arena *arena, const struct event_filter *filter)
{
    enum { FIRST_PAGES = 5, USUAL_STEP = 10 };
    const struct page page = page_or_default(&(struct page){filter->page, filter->size});
    bool particular = filter->cursor || filter->city || filter->artist || filter->q || filter->from || filter->to;
    if (particular || page.page >= FIRST_PAGES || page.size % USUAL_STEP != 0) {
        return NULL;
    }
    return arena_printf(arena, "%lld %lld %s %s", (long long)page.page, (long long)page.size,
                        filter->status ? filter->status : "-", order_of(filter)->sort);
}

static struct event_schedule read_schedule(const struct db_rows *rows, size_t row)
{
    int64_t total = db_int(rows, row, "seats_total"), sold = db_int(rows, row, "seats_sold");
    return (struct event_schedule){.id = db_str(rows, row, "id"),
                                   .play_sequence = db_int(rows, row, "play_sequence"),
                                   .event_start_at = db_time(rows, row, "event_start_at"),
                                   .event_end_at = db_time(rows, row, "event_end_at"),
                                   .sale_start_at = db_time(rows, row, "sale_start_at"),
                                   .sale_end_at = db_time(rows, row, "sale_end_at"),
                                   .status = db_str(rows, row, "state"),
                                   .sold_out = sold == total,
                                   .available = total - sold,
                                   .total = total};
}

static const struct err *read_schedules(struct ctx *ctx, const char *event_id, struct json_list *list_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_event_detail_schedules, &rows, DB_TEXT(event_id));
    if (e) {
        return e;
    }
    struct event_schedule *items = arena_calloc(ctx->arena, db_count(rows), sizeof *items);
    for (size_t i = 0; i < db_count(rows); i++) {
        items[i] = read_schedule(rows, i);
    }
    *list_r = (struct json_list){items, db_count(rows)};
    return NULL;
}

const struct err *event_get(struct ctx *ctx, const char *event_id, enum event_view view, struct event_detail *event_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_event_detail, &rows, DB_TEXT(event_id), DB_BOOL(view == EVENT_VIEW_ADMIN));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    struct event_detail event = {.id = db_str(rows, 0, "id"),
                                 .title = db_str(rows, 0, "title"),
                                 .artist = db_str(rows, 0, "artist"),
                                 .description = db_str(rows, 0, "description"),
                                 .poster_url = db_str(rows, 0, "poster_url"),
                                 .status = db_str(rows, 0, "status"),
                                 .venue = {db_str(rows, 0, "venue_id"), db_str(rows, 0, "venue_name")},
                                 .hall = {db_str(rows, 0, "hall_id"), db_str(rows, 0, "hall_name")}};
    e = read_schedules(ctx, event_id, &event.schedules);
    if (!e) {
        *event_r = event;
    }
    return e;
}
