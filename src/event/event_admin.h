/*
 * event_admin: what an administrator does: venues, halls, events, publishing (EVT-001, EVT-010, EVT-013, EVT-018).
 *
 * The input structs are what the HTTP bodies are read into; each has its shape, so a command can fill one from JSON
 * text with json_read() as well. Every function validates the rules a shape cannot express and refuses with
 * ctx_invalid() details. Each is one transaction; none is idempotent except event_admin_publish().
 */
#ifndef EVENT_EVENT_ADMIN_H
#define EVENT_EVENT_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/crypto/uuid.h"
#include "common/json/json.h"
#include "src/event/seat_template.h"

struct venue_new {
    const char *name;
    const char *address;
    const char *city;
};
extern const struct shape venue_new_shape;

struct hall_new {
    const char *name;
    int64_t capacity; /* seats; must equal what the template yields */
    struct seat_template seat_template;
};
extern const struct shape hall_new_shape;

/* Won per grade; FIELD_NO_INT where the grade has no price. */
struct grade_prices {
    int64_t vip;
    int64_t s;
    int64_t a;
    int64_t b;
};

struct schedule_new {
    int64_t play_sequence; /* 1 is the first performance */
    int64_t event_start_at;
    int64_t event_end_at;
    int64_t sale_start_at; /* may lie in the past: the sale is then open on publishing */
    int64_t sale_end_at;
    int64_t admission_rate; /* people per second; FIELD_NO_INT: BOX_EVENT_ADMISSION_RATE */
    int64_t queue_capacity; /* people; FIELD_NO_INT: BOX_EVENT_QUEUE_CAPACITY */
};

struct event_draft {
    const char *title;
    const char *artist;
    const char *description; /* may be NULL */
    const char *poster_url;  /* may be NULL */
    const char *venue_id;
    const char *hall_id;
    struct grade_prices grade_prices; /* every grade of the hall needs one */
    struct json_list schedules;       /* of struct schedule_new */
};
extern const struct shape event_draft_shape;

enum { EVENT_GRADES = 4 };
struct grade_price {
    const char *grade;
    int64_t price; /* FIELD_NO_INT: none */
};
void event_list_prices(const struct grade_prices *prices, struct grade_price list_r[EVENT_GRADES]);
extern const struct shape grade_prices_shape;

/* Times of a performance: &err_invalid_request with what contradicts what; `at` is where they stand in a body. */
struct event_times {
    int64_t event_start_at;
    int64_t event_end_at;
    int64_t sale_start_at;
    int64_t sale_end_at;
};
BO_MUSTCHECK const struct err *event_times_check(struct ctx *ctx, const char *at, const struct event_times *times);
/* NULL is a good address. */
BO_MUSTCHECK const struct err *event_poster_check(struct ctx *ctx, const char *url);
/* *text_r: the template as it is stored. &err_invalid_request when it contradicts itself or the capacity. */
BO_MUSTCHECK const struct err *hall_template_check(struct ctx *ctx, const struct seat_template *template,
                                                   int64_t capacity, const char **text_r);

BO_MUSTCHECK const struct err *venue_create(struct ctx *ctx, const struct venue_new *venue, char id_r[UUID_SIZE]);
/* &err_not_found: no such venue. &err_db_unique: the venue has a hall of that name. */
BO_MUSTCHECK const struct err *hall_create(struct ctx *ctx, const char *venue_id, const struct hall_new *hall,
                                           char id_r[UUID_SIZE]);
/* Creates a DRAFT with its schedules and all their seats. */
BO_MUSTCHECK const struct err *event_admin_create(struct ctx *ctx, const struct event_draft *event,
                                                  char id_r[UUID_SIZE]);
/* DRAFT becomes OPEN; an event that is OPEN or has ended stays as it is. &err_not_found; &err_conflict when CANCELLED.
 */
BO_MUSTCHECK const struct err *event_admin_publish(struct ctx *ctx, const char *event_id);

#endif
