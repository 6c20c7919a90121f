/* event_query: events as they are read (EVT-004, EVT-005, EVT-007). */
#ifndef EVENT_EVENT_QUERY_H
#define EVENT_EVENT_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "common/json/page.h"

/* GET /events; absent members do not filter. */
struct event_filter {
    int64_t page;
    int64_t size;
    const char *status; /* sale state: UPCOMING, ONGOING, ENDED, CANCELLED */
    const char *city;   /* exact */
    const char *artist; /* part of the name, any case */
    const char *q;      /* part of title or artist, any case */
    const char *from;   /* a performance begins at or after this: time, or a date "2026-06-01" */
    const char *to;     /* and before this time, or on this date at the latest */
    const char *sort;   /* startDate (default), -startDate, title, newest */
    const char *cursor; /* what follows the page that ended with this next_cursor, instead of a page's number */
};
extern const struct shape event_filter_shape;

struct event_summary {
    const char *id;
    const char *title;
    const char *artist;
    const char *venue_name;
    const char *city;
    int64_t starts_at;
    int64_t ends_at;
    const char *status; /* sale state */
    int sold_out;       /* all seats of all performances whose sale is not over are SOLD */
};
extern const struct shape event_summary_shape;

struct event_list {
    const struct event_summary *items;
    size_t count;
    int64_t total; /* of all pages; counted up to 1,000 */
    struct page page;
    const char *next_cursor; /* NULL: this is the last page */
};

/* Published events only. One query. Pages by cursor neither skip nor repeat an event while others come and go; pages by
 * number may. A cursor is what its maker says and nothing more: one that was made up finds what it would find honestly.
 */
BO_MUSTCHECK const struct err *event_list(struct ctx *ctx, const struct event_filter *filter,
                                          struct event_list *list_r);

/* What tells this list from others, in one spelling, when it is one of the few that many ask for: the first pages, of a
 * usual size, of all events or those of a sale state. NULL for others: whoever makes up questions must not fill the
 * store. In the arena. */
const char *event_list_asked_by_many(struct arena *arena, const struct event_filter *filter);

struct named {
    const char *id;
    const char *name;
};

struct event_schedule {
    const char *id;
    int64_t play_sequence;
    int64_t event_start_at;
    int64_t event_end_at;
    int64_t sale_start_at;
    int64_t sale_end_at;
    const char *status; /* sale state */
    int sold_out;
    int64_t available; /* seats that are not SOLD; held ones count as available */
    int64_t total;
};

struct event_detail {
    const char *id;
    const char *title;
    const char *artist;
    const char *description;
    const char *poster_url;
    const char *status;
    struct named venue;
    struct named hall;
    struct json_list schedules; /* of struct event_schedule */
};
extern const struct shape event_detail_shape;

enum event_view {
    EVENT_VIEW_PUBLIC, /* status is the sale state; a DRAFT does not exist */
    EVENT_VIEW_ADMIN,  /* status is DRAFT, OPEN, CANCELLED, or ENDED: was OPEN, all performances are over */
};

/* &err_not_found */
BO_MUSTCHECK const struct err *event_get(struct ctx *ctx, const char *event_id, enum event_view view,
                                         struct event_detail *event_r);

/* A time, or a date, which stands for its first instant, or with `end_of_day` for the first instant after it. */
bool event_instant_parse(const char *text, bool end_of_day, int64_t *at_r);

#endif
