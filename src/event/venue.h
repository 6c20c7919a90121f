/* venue: venues and halls as they are read. */
#ifndef EVENT_VENUE_H
#define EVENT_VENUE_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "common/json/page.h"

struct venue {
    const char *id;
    const char *name;
    const char *address;
    const char *city;
};
extern const struct shape venue_shape;

struct hall {
    const char *id;
    const char *venue_id;
    const char *name;
    int64_t capacity;
    const char *seat_template; /* JSON text */
};

/* A page of results and how many there are in all. */
struct venue_list {
    const struct venue *items;
    size_t count;
    int64_t total;
};
struct hall_list {
    const struct hall *items;
    size_t count;
    int64_t total;
};

BO_MUSTCHECK const struct err *venue_list(struct ctx *ctx, const struct page *page, struct venue_list *list_r);
/* &err_not_found */
BO_MUSTCHECK const struct err *venue_get(struct ctx *ctx, const char *venue_id, struct venue *venue_r);
/* &err_not_found: no such venue. */
BO_MUSTCHECK const struct err *hall_list(struct ctx *ctx, const char *venue_id, const struct page *page,
                                         struct hall_list *list_r);
BO_MUSTCHECK const struct err *hall_get(struct ctx *ctx, const char *hall_id, struct hall *hall_r);

#endif
