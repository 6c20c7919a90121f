/* reservation: reading reservations (RSV-009, RSV-010), and cancelling one that is locked. */
#ifndef RESERVATION_RESERVATION_H
#define RESERVATION_RESERVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"
#include "common/json/json.h"
#include "src/contract/reservation_api.h"
#include "src/reservation/reservation_state.h"

struct reservation_seat {
    const char *seat_id;
    const char *seat_number; /* "A-12" */
    const char *grade;
    int64_t price; /* won */
};
extern const struct shape reservation_seat_shape;

struct reservation {
    const char *id;
    const char *user_id;
    const char *schedule_id;
    enum reservation_status status;
    int64_t total_amount; /* won */
    int64_t hold_expires_at;
    const char *secured_by; /* payment id or NULL */
    const char *event_id;   /* the event as it was when the hold was made */
    const char *event_title;
    const char *artist;
    const char *venue_name;
    const char *hall_name;
    int64_t event_start_at;
    const char *ticket_number; /* NULL until confirmed */
    int64_t confirmed_at;      /* CLOCK_NONE until then */
    int64_t created_at;
    bool lapsed;            /* hold_expires_at is over and no payment secures the seats */
    struct json_list seats; /* of struct reservation_seat, by seat id */
};

/* &err_not_found when there is none. */
BO_MUSTCHECK const struct err *reservation_get(struct ctx *ctx, const char *id, struct reservation *reservation_r);
/* &err_not_found also when it belongs to somebody else. */
BO_MUSTCHECK const struct err *reservation_get_of(struct ctx *ctx, const char *user_id, const char *id,
                                                  struct reservation *reservation_r);
/* Inside a transaction: nobody else changes it until the end of it. &err_not_found. */
BO_MUSTCHECK const struct err *reservation_lock(struct ctx *ctx, const char *id, struct reservation *reservation_r);
/* A user's reservations, newest first: a list of struct reservation and how many there are in all. */
BO_MUSTCHECK const struct err *reservation_list(struct ctx *ctx, const char *user_id, int64_t page, int64_t size,
                                                struct json_list *list_r, int64_t *total_r);

/* How many seats of a performance are held, being paid or sold. */
BO_MUSTCHECK const struct err *reservation_live_seats(struct ctx *ctx, const char *schedule_id, int64_t *seats_r);
/* A page of what is sold of a performance, as the contract has it (reservation_api_sold()), of the `most` seats behind
 * seat `after`. One statement. */
BO_MUSTCHECK const struct err *reservation_sold_seats(struct ctx *ctx, const char *schedule_id, const char *after,
                                                      int64_t most, struct reservation_sold_page *page_r);
/* What a user would lose by going now: paid tickets of performances that have not begun, and holds that may still be
 * paid or are being. */
BO_MUSTCHECK const struct err *reservation_standing_of(struct ctx *ctx, const char *user_id, int64_t *tickets_r,
                                                       int64_t *pending_r);

/* A row of reservation_row, see src/reservation/sql/reservation.sql. */
BO_MUSTCHECK const struct err *reservation_read_row(struct ctx *ctx, const struct db_rows *rows, size_t row,
                                                    struct reservation *reservation_r);
/* The seats' ids: a list of const char *. */
struct json_list reservation_seat_ids(struct arena *arena, const struct reservation *reservation);

/* Inside the transaction that locked it: gives the seats back and announces it (RSV-011). &err_conflict when `why`
 * cannot cancel a reservation of this status. causation_id: the event that caused it, or NULL. */
BO_MUSTCHECK const struct err *reservation_cancel(struct ctx *ctx, const struct reservation *reservation,
                                                  enum reservation_event why, const char *causation_id);

#endif
