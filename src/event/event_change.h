/*
 * event_change: events that are changed (EVT-002), by administrators.
 *
 * Title, artist, description, poster, admission rate and queue capacity change at any time: what a buyer has bought is
 * kept with the reservation. Prices change until the first sale of the event begins, times of a performance until its
 * own does; and "begins" is a minute early, so that nothing changes under anybody who holds: by then every copy is new.
 * A draft changes freely. Changes of one event wait for each other, and each changes only what it names.
 */
#ifndef EVENT_EVENT_CHANGE_H
#define EVENT_EVENT_CHANGE_H

#include "src/event/event_admin.h"

/* Absent members stay as they are. */
struct schedule_change {
    const char *id;
    int64_t event_start_at;
    int64_t event_end_at;
    int64_t sale_start_at;
    int64_t sale_end_at;
    int64_t admission_rate;
    int64_t queue_capacity;
};
struct event_change {
    const char *title;
    const char *artist;
    const char *description;
    const char *poster_url;
    struct grade_prices grade_prices;
    struct json_list schedules; /* of struct schedule_change */
};
extern const struct shape event_change_shape;

/* &err_not_found; &err_conflict for an event that was called off; &err_event_on_sale; &err_invalid_request. All or
 * nothing; safe to repeat. */
BO_MUSTCHECK const struct err *event_change(struct ctx *ctx, const char *event_id, const struct event_change *change);

#endif
