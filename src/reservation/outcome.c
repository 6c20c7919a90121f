#include "src/reservation/outcome.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/reservation.h"
#include "src/contract/queue_token.h"
#include "src/reservation/reservation.h"
#include "src/reservation/seat_mirror.h"
#include "src/reservation/ticket.h"

static const struct err *publish(struct ctx *ctx, const struct event_type *type, const struct reservation *reservation,
                                 const struct event *cause, const void *payload)
{
    return event_publish(ctx, &(struct event_new){.type = type,
                                                  .aggregate_id = reservation->id,
                                                  .key = reservation->user_id,
                                                  .user_id = reservation->user_id,
                                                  .causation_id = cause->id,
                                                  .payload = payload});
}

static const struct err *reject(struct ctx *ctx, const struct reservation *reservation, const struct event *cause,
                                const char *payment_id, const char *reason)
{
    struct reservation_rejected payload = {reservation->id, payment_id, reason};
    return publish(ctx, &event_reservation_rejected, reservation, cause, &payload);
}

static const struct err *confirm(struct ctx *ctx, const struct reservation *reservation,
                                 const struct reservation_transition *step, const struct event *cause,
                                 const char *payment_id)
{
    const char *number = ticket_number(ctx->arena, clock_now());
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_confirm, &rows, DB_TEXT(reservation->id),
                                 DB_TEXT(reservation_status_name(step->to)), DB_TEXT(payment_id), DB_TEXT(number));
    if (e) {
        /* A number given before: the transaction runs again and draws another one. */
        return e == &err_db_unique ? &err_db_serialization : e;
    }
    struct reservation_confirmed payload = {
        .reservation_id = reservation->id,
        .schedule_id = reservation->schedule_id,
        .seat_ids = reservation_seat_ids(ctx->arena, reservation),
        .ticket_number = number,
        .confirmed_at = db_time(rows, 0, "confirmed_at"),
    };
    return publish(ctx, &event_reservation_confirmed, reservation, cause, &payload);
}

/* Sells all seats that the reservation still owns, if these are all its seats. */
static const struct err *sell_seats(struct ctx *ctx, const struct reservation *reservation, bool *sold_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_claims_sell, &rows, DB_TEXT(reservation->id),
                                 DB_INT((int64_t)reservation->seats.count));
    if (!e) {
        *sold_r = db_affected(rows) == reservation->seats.count;
    }
    return e;
}

static bool owned_by_another(const struct reservation *reservation, const char *payment_id)
{
    return reservation->secured_by && strcmp(reservation->secured_by, payment_id) != 0;
}

const struct err *reservation_on_payment_success(struct ctx *ctx, const struct event *event,
                                                 const struct payment_success *payment)
{
    struct reservation reservation;
    const struct err *e = reservation_lock(ctx, payment->reservation_id, &reservation);
    if (e) {
        return e;
    }
    if (owned_by_another(&reservation, payment->payment_id)) {
        return reject(ctx, &reservation, event, payment->payment_id, "PAID_BY_ANOTHER_PAYMENT");
    }
    if (reservation.status == RESERVATION_CONFIRMED) {
        return NULL;
    }
    const struct reservation_transition *step = reservation_transition(reservation.status, RESERVATION_ON_PAID);
    if (!step) {
        return reject(ctx, &reservation, event, payment->payment_id, "RESERVATION_CANCELLED");
    }
    if (payment->amount != reservation.total_amount) {
        return reject(ctx, &reservation, event, payment->payment_id, "AMOUNT_MISMATCH");
    }
    bool sold;
    e = sell_seats(ctx, &reservation, &sold);
    if (e) {
        return e;
    }
    if (sold) {
        return confirm(ctx, &reservation, step, event, payment->payment_id);
    }
    e = reservation_cancel(ctx, &reservation, RESERVATION_ON_LAPSED, event->id);
    return e ? e : reject(ctx, &reservation, event, payment->payment_id, "SEATS_TAKEN");
}

const struct err *reservation_on_payment_failed(struct ctx *ctx, const struct event *event,
                                                const struct payment_failed *payment)
{
    struct reservation reservation;
    const struct err *e = reservation_lock(ctx, payment->reservation_id, &reservation);
    if (e) {
        return e;
    }
    if (reservation.status != RESERVATION_PENDING || owned_by_another(&reservation, payment->payment_id)) {
        return NULL;
    }
    return reservation_cancel(ctx, &reservation, RESERVATION_ON_PAYMENT_FAILED, event->id);
}

const struct err *reservation_on_payment_refunded(struct ctx *ctx, const struct event *event,
                                                  const struct payment_refunded *payment)
{
    struct reservation reservation;
    const struct err *e = reservation_lock(ctx, payment->reservation_id, &reservation);
    if (e) {
        return e;
    }
    if (reservation.status != RESERVATION_CONFIRMED || owned_by_another(&reservation, payment->payment_id)) {
        return NULL;
    }
    return reservation_cancel(ctx, &reservation, RESERVATION_ON_TAKEN_BACK, event->id);
}

const struct err *reservation_mirror_outcome(struct ctx *ctx, const char *reservation_id)
{
    struct reservation reservation;
    const struct err *e = reservation_get(ctx, reservation_id, &reservation);
    if (!e) {
        seat_mirror_follow(ctx, &reservation);
    }
    if (!e && reservation.status == RESERVATION_CONFIRMED) {
        e = queue_token_finish(ctx, reservation.user_id, reservation.schedule_id, reservation.confirmed_at);
    }
    return e;
}
