#include "src/reservation/reservation.h"

#include <string.h>

#include "common/base/array.h"
#include "sql/reservation.h"
#include "src/contract/events.h"

static const struct field seat_fields[] = {
    {FIELD(struct reservation_seat, "seatId", FIELD_UUID, seat_id), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_seat, "seatNumber", FIELD_STR, seat_number), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_seat, "grade", FIELD_STR, grade), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_seat, "price", FIELD_INT, price), .flags = FIELD_REQUIRED},
};
const struct shape reservation_seat_shape = {seat_fields, ARRAY_COUNT(seat_fields), sizeof(struct reservation_seat),
                                             false};

struct seat_column {
    struct json_list list;
};
SHAPE(seat_column_shape, struct seat_column,
      {FIELD(struct seat_column, "list", FIELD_LIST, list), .flags = FIELD_REQUIRED, .min = 1, .max = 50,
       .sub = &reservation_seat_shape});

const struct err *reservation_read_row(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                       struct reservation *reservation_r)
{
    const char *seats_text = db_str(rows, row, "seats");
    void *seats;
    const struct err *e = json_read(ctx, seats_text, strlen(seats_text), &seat_column_shape, &seats);
    if (e) {
        return &err_internal;
    }
    *reservation_r = (struct reservation){
        .id = db_str(rows, row, "id"),
        .user_id = db_str(rows, row, "user_id"),
        .schedule_id = db_str(rows, row, "schedule_id"),
        .status = reservation_status_of(db_str(rows, row, "status")),
        .total_amount = db_int(rows, row, "total_amount"),
        .hold_expires_at = db_time(rows, row, "hold_expires_at"),
        .secured_by = db_str(rows, row, "secured_by"),
        .event_id = db_str(rows, row, "event_id"),
        .event_title = db_str(rows, row, "event_title"),
        .artist = db_str(rows, row, "artist"),
        .venue_name = db_str(rows, row, "venue_name"),
        .hall_name = db_str(rows, row, "hall_name"),
        .event_start_at = db_time(rows, row, "event_start_at"),
        .ticket_number = db_str(rows, row, "ticket_number"),
        .confirmed_at = db_time(rows, row, "confirmed_at"),
        .created_at = db_time(rows, row, "created_at"),
        .lapsed = db_bool(rows, row, "lapsed"),
        .seats = ((struct seat_column *)seats)->list,
    };
    return NULL;
}

static const struct err *read_one(struct ctx *ctx, const struct db_stmt *stmt, const char *id,
                                  struct reservation *reservation_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, stmt, &rows, DB_TEXT(id));
    if (e) {
        return e;
    }
    return db_count(rows) == 0 ? &err_not_found : reservation_read_row(ctx, rows, 0, reservation_r);
}

const struct err *reservation_get(struct ctx *ctx, const char *id, struct reservation *reservation_r)
{
    return read_one(ctx, &sql_reservation_get, id, reservation_r);
}

const struct err *reservation_get_of(struct ctx *ctx, const char *user_id, const char *id,
                                     struct reservation *reservation_r)
{
    struct reservation reservation;
    const struct err *e = reservation_get(ctx, id, &reservation);
    if (e) {
        return e;
    }
    if (strcmp(reservation.user_id, user_id) != 0) {
        return &err_not_found;
    }
    *reservation_r = reservation;
    return NULL;
}

const struct err *reservation_lock(struct ctx *ctx, const char *id, struct reservation *reservation_r)
{
    return read_one(ctx, &sql_reservation_lock, id, reservation_r);
}

const struct err *reservation_standing_of(struct ctx *ctx, const char *user_id, int64_t *tickets_r, int64_t *pending_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_standing, &rows, DB_TEXT(user_id));
    if (!e) {
        *tickets_r = db_int(rows, 0, "tickets");
        *pending_r = db_int(rows, 0, "pending");
    }
    return e;
}

const struct err *reservation_live_seats(struct ctx *ctx, const char *schedule_id, int64_t *seats_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_live_seats, &rows, DB_TEXT(schedule_id));
    if (!e) {
        *seats_r = db_int(rows, 0, "seats");
    }
    return e;
}

const struct err *reservation_sold_seats(struct ctx *ctx, const char *schedule_id, const char *after, int64_t most,
                                         struct reservation_sold_page *page_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_sold, &rows, DB_TEXT(schedule_id), DB_TEXT(after), DB_INT(most));
    if (e) {
        return e;
    }
    size_t count = db_count(rows);
    struct reservation_sold *items = arena_calloc(ctx->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct reservation_sold){.seat_id = db_str(rows, i, "seat_id"),
                                             .reservation_id = db_str(rows, i, "reservation_id"),
                                             .confirmed_at = db_time(rows, i, "confirmed_at")};
    }
    *page_r = (struct reservation_sold_page){.sold = {items, count},
                                             .next = count == (size_t)most ? items[count - 1].seat_id : NULL};
    return NULL;
}

const struct err *reservation_list(struct ctx *ctx, const char *user_id, int64_t page, int64_t size,
                                   struct json_list *list_r, int64_t *total_r)
{
    const struct db_rows *counted, *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_count, &counted, DB_TEXT(user_id));
    e = e ? e : DB_RUN(ctx, &sql_reservation_list, &rows, DB_TEXT(user_id), DB_INT(size), DB_INT(page * size));
    if (e) {
        return e;
    }
    struct reservation *items = arena_calloc(ctx->arena, db_count(rows), sizeof *items);
    for (size_t i = 0; i < db_count(rows); i++) {
        e = reservation_read_row(ctx, rows, i, &items[i]);
        if (e) {
            return e;
        }
    }
    *list_r = (struct json_list){items, db_count(rows)};
    *total_r = db_int(counted, 0, "total");
    return NULL;
}

struct json_list reservation_seat_ids(struct arena *arena, const struct reservation *reservation)
{
    const struct reservation_seat *seats = reservation->seats.items;
    const char **ids = arena_calloc(arena, reservation->seats.count, sizeof *ids);
    for (size_t i = 0; i < reservation->seats.count; i++) {
        ids[i] = seats[i].seat_id;
    }
    return (struct json_list){ids, reservation->seats.count};
}

const struct err *reservation_cancel(struct ctx *ctx, const struct reservation *reservation, enum reservation_event why,
                                     const char *causation_id)
{
    const struct reservation_transition *step = reservation_transition(reservation->status, why);
    if (!step || step->to != RESERVATION_CANCELLED) {
        return &err_conflict;
    }
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_cancel, &rows, DB_TEXT(reservation->id),
                                 DB_TEXT(reservation_status_name(step->to)), DB_TEXT(step->cancel_reason));
    e = e ? e : DB_RUN(ctx, &sql_reservation_claims_free, NULL, DB_TEXT(reservation->id));
    if (e) {
        return e;
    }
    struct reservation_cancelled payload = {
        .reservation_id = reservation->id,
        .schedule_id = reservation->schedule_id,
        .seat_ids = reservation_seat_ids(ctx->arena, reservation),
        .confirmed_at = reservation->confirmed_at,
        .cancelled_at = db_time(rows, 0, "cancelled_at"),
        .reason = step->cancel_reason,
        .refund_amount = reservation->status == RESERVATION_CONFIRMED ? reservation->total_amount : 0,
    };
    return event_publish(ctx, &(struct event_new){.type = &event_reservation_cancelled,
                                                  .aggregate_id = reservation->id,
                                                  .key = reservation->user_id,
                                                  .user_id = reservation->user_id,
                                                  .causation_id = causation_id,
                                                  .payload = &payload});
}
