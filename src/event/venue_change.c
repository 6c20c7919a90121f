#include "src/event/venue_change.h"

#include "common/base/array.h"
#include "sql/change.h"
#include "src/event/catalogue.h"
#include "src/event/catalogue_cache.h"
#include "src/event/event_errors.h"

static const struct field venue_change_fields[] = {
    {FIELD(struct venue_change, "name", FIELD_TEXT, name), .min = 1, .max = 200},
    {FIELD(struct venue_change, "address", FIELD_TEXT, address), .min = 1, .max = 300},
    {FIELD(struct venue_change, "city", FIELD_TEXT, city), .min = 1, .max = 50},
};
const struct shape venue_change_shape = {venue_change_fields, ARRAY_COUNT(venue_change_fields),
                                         sizeof(struct venue_change), false};

static const struct field hall_change_fields[] = {
    {FIELD(struct hall_change, "name", FIELD_TEXT, name), .min = 1, .max = 200},
    {FIELD(struct hall_change, "capacity", FIELD_INT, capacity), .min = 1, .max = SEAT_TEMPLATE_SEATS_MAX},
    {FIELD(struct hall_change, "seatTemplate", FIELD_OBJECT, seat_template), .sub = &seat_template_shape},
};
const struct shape hall_change_shape = {hall_change_fields, ARRAY_COUNT(hall_change_fields), sizeof(struct hall_change),
                                        false};

struct work {
    const char *venue_id;
    const char *hall_id;
    const void *change;
    const char *template; /* of a hall, as it is stored; NULL: stays */
};

static const struct err *lock(struct ctx *ctx, const struct work *work)
{
    const struct db_rows *rows;
    const struct err *e =
        work->hall_id ? DB_RUN(ctx, &sql_change_hall_lock, &rows, DB_TEXT(work->hall_id), DB_TEXT(work->venue_id))
                      : DB_RUN(ctx, &sql_change_venue_lock, &rows, DB_TEXT(work->venue_id));
    return e ? e : db_count(rows) == 1 ? NULL : &err_not_found;
}

/* &err_in_use with some of the names when the statement finds any. */
static const struct err *check_unused(struct ctx *ctx, const struct db_stmt *uses, const char *id, const char *field)
{
    enum { NAMED = 5 };
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, uses, &rows, DB_TEXT(id));
    if (e || db_int(rows, 0, "total") == 0) {
        return e;
    }
    int64_t more = db_int(rows, 0, "total") - NAMED;
    if (more > 0) {
        ctx_detail(ctx, field, "%s and %lld more", db_str(rows, 0, "names"), (long long)more);
    } else {
        ctx_detail(ctx, field, "%s", db_str(rows, 0, "names"));
    }
    return &err_in_use;
}

/* The names are told with each event. */
static void forget_events(struct ctx *ctx, const struct work *work)
{
    const struct db_rows *rows;
    if (DB_RUN(ctx, &sql_change_events_told, &rows, DB_TEXT(work->venue_id), DB_TEXT(work->hall_id))) {
        return;
    }
    for (size_t i = 0; i < db_count(rows); i++) {
        catalogue_cache_forget(ctx, db_str(rows, i, "id"));
    }
}

/* ---- venues ---- */

static const struct err *change_venue(struct ctx *ctx, void *arg)
{
    const struct work *work = arg;
    const struct venue_change *change = work->change;
    const struct err *e = lock(ctx, work);
    return e ? e
             : DB_RUN(ctx, &sql_change_venue, NULL, DB_TEXT(work->venue_id), DB_TEXT(change->name),
                      DB_TEXT(change->address), DB_TEXT(change->city));
}

const struct err *venue_change(struct ctx *ctx, const char *venue_id, const struct venue_change *change)
{
    struct work work = {.venue_id = venue_id, .change = change};
    const struct err *e = catalogue_transact(ctx, 0, change_venue, &work);
    if (!e) {
        forget_events(ctx, &work);
    }
    return e;
}

/* A hall that is being made holds the venue's row: it is there, or this one is not any more. */
static const struct err *delete_venue(struct ctx *ctx, void *arg)
{
    const struct work *work = arg;
    const struct err *e = lock(ctx, work);
    e = e ? e : check_unused(ctx, &sql_change_venue_uses, work->venue_id, "halls");
    return e ? e : DB_RUN(ctx, &sql_change_venue_delete, NULL, DB_TEXT(work->venue_id));
}

const struct err *venue_delete(struct ctx *ctx, const char *venue_id)
{
    return catalogue_transact(ctx, 0, delete_venue, &(struct work){.venue_id = venue_id});
}

/* ---- halls ---- */

static const struct err *change_hall(struct ctx *ctx, void *arg)
{
    const struct work *work = arg;
    const struct hall_change *change = work->change;
    const struct err *e = lock(ctx, work);
    if (!e && work->template) {
        e = check_unused(ctx, &sql_change_hall_future_uses, work->hall_id, "events");
    }
    const struct db_arg capacity = work->template ? DB_INT(change->capacity) : DB_NULL;
    return e ? e
             : DB_RUN(ctx, &sql_change_hall, NULL, DB_TEXT(work->hall_id), DB_TEXT(change->name), capacity,
                      DB_TEXT(work->template));
}

const struct err *hall_change(struct ctx *ctx, const char *venue_id, const char *hall_id,
                              const struct hall_change *change)
{
    struct work work = {.venue_id = venue_id, .hall_id = hall_id, .change = change};
    bool templated = !seat_template_absent(&change->seat_template), sized = change->capacity != FIELD_NO_INT;
    if (templated != sized) {
        return ctx_invalid(ctx, templated ? "capacity" : "seatTemplate", "comes with the other one of the two");
    }
    const struct err *e =
        templated ? hall_template_check(ctx, &change->seat_template, change->capacity, &work.template) : NULL;
    e = e ? e : catalogue_transact(ctx, 0, change_hall, &work);
    if (!e) {
        forget_events(ctx, &work);
    }
    return e;
}

/* An event that is being made holds the hall's row, as above. */
static const struct err *delete_hall(struct ctx *ctx, void *arg)
{
    const struct work *work = arg;
    const struct err *e = lock(ctx, work);
    e = e ? e : check_unused(ctx, &sql_change_hall_uses, work->hall_id, "events");
    return e ? e : DB_RUN(ctx, &sql_change_hall_delete, NULL, DB_TEXT(work->hall_id));
}

const struct err *hall_delete(struct ctx *ctx, const char *venue_id, const char *hall_id)
{
    return catalogue_transact(ctx, 0, delete_hall, &(struct work){.venue_id = venue_id, .hall_id = hall_id});
}
