#include "src/reservation/secure.h"

#include <string.h>

#include "common/io/db.h"
#include "sql/reservation.h"
#include "src/contract/payment_api.h"
#include "src/contract/schedule.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/seat_mirror.h"

struct securing {
    const char *reservation_id;
    const struct reservation_secure *secure;
    bool called_off; /* the performance */
    struct reservation reservation;
};

struct unsecuring {
    const char *reservation_id;
    const char *payment_id;
    struct reservation reservation;
};

struct reservation_info reservation_info_of(const struct reservation *reservation)
{
    return (struct reservation_info){
        .reservation_id = reservation->id,
        .user_id = reservation->user_id,
        .schedule_id = reservation->schedule_id,
        .status = reservation_status_name(reservation->status),
        .total_amount = reservation->total_amount,
        .hold_expires_at = reservation->hold_expires_at,
        .secured_by = reservation->secured_by,
        .event_title = reservation->event_title,
        .called_off = -1,
    };
}

static const struct err *claim_for_payment(struct ctx *ctx, struct reservation *reservation, const char *payment_id)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_claims_secure, &rows, DB_TEXT(reservation->id),
                                 DB_INT((int64_t)reservation->seats.count));
    if (e) {
        return e;
    }
    if (db_affected(rows) < reservation->seats.count) {
        return &err_hold_expired;
    }
    reservation->secured_by = payment_id;
    return DB_RUN(ctx, &sql_reservation_secure, NULL, DB_TEXT(reservation->id), DB_TEXT(payment_id),
                  DB_INT(reservation_settings.secured_ask_s));
}

static const struct err *secure_locked(struct ctx *ctx, void *arg)
{
    struct securing *securing = arg;
    struct reservation *reservation = &securing->reservation;
    const char *payment_id = securing->secure->payment_id;
    const struct err *e = reservation_lock(ctx, securing->reservation_id, reservation);
    if (e) {
        return e;
    }
    if (securing->secure->amount != reservation->total_amount) {
        return &err_amount_mismatch;
    }
    if (reservation->status == RESERVATION_CANCELLED) {
        return &err_hold_expired;
    }
    if (reservation->secured_by) {
        return strcmp(reservation->secured_by, payment_id) == 0 ? NULL : &err_hold_expired;
    }
    return securing->called_off ? &err_sale_ended : claim_for_payment(ctx, reservation, payment_id);
}

const struct err *reservation_secure_seats(struct ctx *ctx, const char *reservation_id,
                                           const struct reservation_secure *secure, struct reservation_info *info_r)
{
    struct securing securing = {.reservation_id = reservation_id, .secure = secure};
    const struct err *e = reservation_get(ctx, reservation_id, &securing.reservation);
    if (e) {
        return e;
    }
    securing.called_off = schedule_called_off(ctx, securing.reservation.schedule_id); /* while no row is locked */
    e = db_transact(ctx, secure_locked, &securing);
    if (e) {
        return e;
    }
    seat_mirror_follow(ctx, &securing.reservation);
    *info_r = reservation_info_of(&securing.reservation);
    return NULL;
}

static const struct err *unsecure_locked(struct ctx *ctx, void *arg)
{
    struct unsecuring *unsecuring = arg;
    struct reservation *reservation = &unsecuring->reservation;
    const struct err *e = reservation_lock(ctx, unsecuring->reservation_id, reservation);
    if (e) {
        return e;
    }
    if (reservation->status != RESERVATION_PENDING || !reservation->secured_by ||
        strcmp(reservation->secured_by, unsecuring->payment_id) != 0) {
        return NULL;
    }
    reservation->secured_by = NULL;
    e = DB_RUN(ctx, &sql_reservation_claims_unsecure, NULL, DB_TEXT(reservation->id),
               DB_TIME(reservation->hold_expires_at));
    return e ? e : DB_RUN(ctx, &sql_reservation_secure, NULL, DB_TEXT(reservation->id), DB_TEXT(NULL), DB_INT(0));
}

const struct err *reservation_unsecure_seats(struct ctx *ctx, const char *reservation_id, const char *payment_id,
                                             struct reservation_info *info_r)
{
    struct unsecuring unsecuring = {.reservation_id = reservation_id, .payment_id = payment_id};
    const struct err *e = db_transact(ctx, unsecure_locked, &unsecuring);
    if (e) {
        return e;
    }
    seat_mirror_follow(ctx, &unsecuring.reservation);
    *info_r = reservation_info_of(&unsecuring.reservation);
    return NULL;
}

static bool is_of(const struct payment_of *payment, const char *id)
{
    return payment->payment_id && strcmp(payment->payment_id, id) == 0;
}

const struct err *reservation_ask_about_secured(struct ctx *ctx, bool *more_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_take_secured, &rows, DB_INT(reservation_settings.secured_ask_s));
    if (e) {
        return e;
    }
    *more_r = db_count(rows) == 1;
    if (!*more_r) {
        return NULL;
    }
    const char *reservation_id = db_str(rows, 0, "id"), *payment_id = db_str(rows, 0, "secured_by");
    struct payment_of payment;
    e = payment_api_of_reservation(ctx, reservation_id, &payment);
    if (e || is_of(&payment, payment_id)) {
        return e;
    }
    log_error(&ctx->log, "reservation '%s' was secured for payment '%s', which is not its own: the seats are let go",
              reservation_id, payment_id);
    struct reservation_info info;
    return reservation_unsecure_seats(ctx, reservation_id, payment_id, &info);
}
