/* venue_change: venues and halls that are changed and deleted (EVT-011, EVT-012, EVT-014, EVT-015), by administrators.
 */
#ifndef EVENT_VENUE_CHANGE_H
#define EVENT_VENUE_CHANGE_H

#include "src/event/event_admin.h"

/* Absent members stay as they are. */
struct venue_change {
    const char *name;
    const char *address;
    const char *city;
};
extern const struct shape venue_change_shape;

struct hall_change {
    const char *name;
    int64_t capacity; /* with a template only */
    struct seat_template seat_template;
};
extern const struct shape hall_change_shape;

/* &err_not_found. Safe to repeat. */
BO_MUSTCHECK const struct err *venue_change(struct ctx *ctx, const char *venue_id, const struct venue_change *change);
/* &err_not_found; &err_in_use while it has halls, with their names. */
BO_MUSTCHECK const struct err *venue_delete(struct ctx *ctx, const char *venue_id);
/* &err_not_found; &err_db_unique: the venue has another hall of that name; &err_in_use for another template while
 * events are still to come there, with their titles: their seats are of this one. Safe to repeat. */
BO_MUSTCHECK const struct err *hall_change(struct ctx *ctx, const char *venue_id, const char *hall_id,
                                           const struct hall_change *change);
/* &err_not_found; &err_in_use while events are or were there, deleted ones too, with their titles. */
BO_MUSTCHECK const struct err *hall_delete(struct ctx *ctx, const char *venue_id, const char *hall_id);

#endif
