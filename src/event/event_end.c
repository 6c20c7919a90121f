#include "src/event/event_end.h"

#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/io/event.h"
#include "sql/change.h"
#include "src/contract/events.h"
#include "src/contract/reservation_api.h"
#include "src/event/catalogue.h"
#include "src/event/catalogue_cache.h"
#include "src/event/event_errors.h"

static const struct field event_cancel_fields[] = {
    {FIELD(struct event_cancel, "reason", FIELD_TEXT, reason), .flags = FIELD_REQUIRED, .min = 1, .max = 500},
};
const struct shape event_cancel_shape = {event_cancel_fields, ARRAY_COUNT(event_cancel_fields),
                                         sizeof(struct event_cancel), false};

struct work {
    const char *event_id;
    const char *schedule_id; /* NULL: all */
    const char *reason;
    const char *status;              /* of the event, locked */
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
    work->status = db_str(event, 0, "status");
    return DB_RUN(ctx, &sql_change_schedules_lock, &work->schedules, DB_TEXT(work->event_id));
}

static bool is_draft(const struct work *work)
{
    return strcmp(work->status, "DRAFT") == 0;
}

/* ---- deleting ---- */

static const struct err *check_not_selling(const struct work *work)
{
    for (size_t i = 0; i < db_count(work->schedules); i++) {
        if (!is_draft(work) && db_bool(work->schedules, i, "selling")) {
            return &err_event_on_sale;
        }
    }
    return NULL;
}

static const struct err *look_at(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct err *e = lock(ctx, work);
    return e ? e : check_not_selling(work);
}

static const struct err *delete_event(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct err *e = look_at(ctx, work); /* again: a sale may have begun while the reservation service was asked */
    return e ? e : DB_RUN(ctx, &sql_change_event_delete, NULL, DB_TEXT(work->event_id));
}

static const struct err *check_reservations(struct ctx *ctx, const struct work *work)
{
    for (size_t i = 0; i < db_count(work->schedules); i++) {
        int64_t seats;
        const struct err *e = reservation_api_live(ctx, db_str(work->schedules, i, "id"), &seats);
        if (e || seats > 0) {
            return e ? e : &err_event_has_reservations;
        }
    }
    return NULL;
}

const struct err *event_delete(struct ctx *ctx, const char *event_id)
{
    struct work work = {.event_id = event_id};
    const struct err *e = db_transact(ctx, look_at, &work);
    e = e ? e : check_reservations(ctx, &work);
    e = e ? e : catalogue_transact(ctx, 0, delete_event, &work);
    if (!e) {
        catalogue_cache_forget(ctx, event_id);
    }
    return e;
}

/* ---- calling off ---- */

static const struct err *publish(struct ctx *ctx, const struct work *work, const struct db_rows *rows, size_t row)
{
    const struct schedule_cancelled payload = {.schedule_id = db_str(rows, row, "id"),
                                               .event_id = work->event_id,
                                               .reason = work->reason,
                                               .cancelled_at = db_time(rows, row, "cancelled_at")};
    return event_publish(ctx, &(struct event_new){.type = &event_schedule_cancelled,
                                                  .aggregate_id = payload.schedule_id,
                                                  .key = work->event_id,
                                                  .payload = &payload});
}

static bool is_called_off(const struct work *work)
{
    bool all = true;
    for (size_t i = 0; i < db_count(work->schedules); i++) {
        bool meant = !work->schedule_id || strcmp(db_str(work->schedules, i, "id"), work->schedule_id) == 0;
        all = all && (!meant || strcmp(db_str(work->schedules, i, "status"), "CANCELLED") == 0);
    }
    return all || strcmp(work->status, "CANCELLED") == 0;
}

/* Where nothing is left to call off, it was called off before or it is over. */
static const struct err *cancel(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct db_rows *rows;
    const struct err *e = lock(ctx, work);
    if (!e && is_draft(work)) {
        e = &err_event_is_draft; /* what was called off is public */
    }
    e = e ? e
          : DB_RUN(ctx, &sql_change_schedules_cancel, &rows, DB_TEXT(work->event_id), DB_TEXT(work->schedule_id),
                   DB_TEXT(work->reason));
    if (!e && db_count(rows) == 0 && !is_called_off(work)) {
        return &err_conflict;
    }
    if (!e && !work->schedule_id && strcmp(work->status, "CANCELLED") != 0) {
        e = DB_RUN(ctx, &sql_change_event_cancel, NULL, DB_TEXT(work->event_id));
    }
    for (size_t i = 0; !e && i < db_count(rows); i++) {
        e = publish(ctx, work, rows, i);
    }
    return e;
}

static const struct err *cancel_and_tell(struct ctx *ctx, struct work *work)
{
    const struct err *e = catalogue_transact(ctx, 0, cancel, work);
    if (!e) {
        catalogue_cache_forget(ctx, work->event_id);
    }
    return e;
}

const struct err *event_cancel(struct ctx *ctx, const char *event_id, const struct event_cancel *input)
{
    return cancel_and_tell(ctx, &(struct work){.event_id = event_id, .reason = input->reason});
}

const struct err *event_cancel_schedule(struct ctx *ctx, const char *schedule_id, const struct event_cancel *input,
                                        char event_id_r[UUID_SIZE])
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_change_event_of_schedule, &rows, DB_TEXT(schedule_id));
    if (e || db_count(rows) == 0) {
        return e ? e : &err_not_found;
    }
    snprintf(event_id_r, UUID_SIZE, "%s", db_str(rows, 0, "event_id"));
    return cancel_and_tell(ctx,
                           &(struct work){.event_id = event_id_r, .schedule_id = schedule_id, .reason = input->reason});
}
