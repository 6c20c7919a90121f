/* audit: what administrators have changed of the catalogue, as the tables' triggers have written it down. */
#ifndef EVENT_AUDIT_H
#define EVENT_AUDIT_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

/* GET /events/audit; absent members do not filter. */
struct audit_filter {
    const char *subject_id; /* of a venue, hall, event or performance */
    const char *admin_id;
    const char *before; /* a change: those before it */
    int64_t size;
};
extern const struct shape audit_filter_shape;

struct audit_change {
    const char *id;
    int64_t at;
    const char *admin_id;
    const char *action;  /* INSERT, UPDATE, DELETE */
    const char *subject; /* VENUE, HALL, EVENT, SCHEDULE, PRICE */
    const char *subject_id;
    const char *before; /* JSON of columns; NULL: INSERT */
    const char *after;  /* NULL: DELETE */
    const char *trace_id;
};
struct audit_list {
    const struct audit_change *items;
    size_t count;
    const char *next; /* `before` of the next page; NULL: there may be none */
};

/* The latest first. Rows that come meanwhile are on no later page, and none is left out. */
BO_MUSTCHECK const struct err *audit_list(struct ctx *ctx, const struct audit_filter *filter,
                                          struct audit_list *list_r);

#endif
