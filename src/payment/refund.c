#include "src/payment/refund.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/payment.h"
#include "src/providers/portone.h"

const struct err *refund_on_rejected(struct ctx *ctx, const struct event *event,
                                     const struct reservation_rejected *rejected)
{
    (void)event;
    return DB_RUN(ctx, &sql_payment_request_refund, NULL, DB_TEXT(rejected->payment_id), DB_TEXT(rejected->reason));
}

const struct err *refund_on_cancelled(struct ctx *ctx, const struct event *event,
                                      const struct reservation_cancelled *cancelled)
{
    (void)event;
    return DB_RUN(ctx, &sql_payment_request_refund_of_reservation, NULL, DB_TEXT(cancelled->reservation_id),
                  DB_TEXT(cancelled->reason));
}

/* ---- doing it ---- */

enum refund_state { REFUND_DONE, REFUND_NOTHING_TO_DO, REFUND_AGAIN };

static enum refund_state cancel(struct ctx *ctx, const struct payment *payment)
{
    struct portone_cancel cancel = {
        .reason = payment->refund_reason,
        .idempotency_key = arena_printf(ctx->arena, "refund-%s-%lld", payment->payment_key, (long long)payment->checks),
    };
    struct portone_cancellation cancellation;
    struct portone_refusal refusal;
    const struct err *e = portone_cancel(ctx, payment->payment_key, &cancel, &cancellation, &refusal);
    if (!e) {
        return cancellation.status == PORTONE_CANCEL_SUCCEEDED ? REFUND_DONE : REFUND_AGAIN;
    }
    if (e == &err_portone_declined && strcmp(refusal.type, "PAYMENT_ALREADY_CANCELLED") == 0) {
        return REFUND_DONE;
    }
    log_warn(&ctx->log, "refund not done: %s %s", e->code, e == &err_portone_declined ? refusal.type : "");
    return REFUND_AGAIN;
}

/* Reads PortOne's record first: an earlier try may have come through. */
static enum refund_state give_back(struct ctx *ctx, const struct payment *payment)
{
    struct portone_payment record;
    const struct err *e = portone_get(ctx, payment->payment_key, &record);
    if (e) {
        return e == &err_not_found ? REFUND_NOTHING_TO_DO : REFUND_AGAIN;
    }
    switch (record.status) {
    case PORTONE_CANCELLED:
        return REFUND_DONE;
    case PORTONE_PAID:
    case PORTONE_PARTIAL_CANCELLED:
        return cancel(ctx, payment);
    case PORTONE_READY:
    case PORTONE_FAILED:
        return REFUND_NOTHING_TO_DO;
    case PORTONE_PAY_PENDING:
    case PORTONE_VIRTUAL_ACCOUNT_ISSUED:
    case PORTONE_UNKNOWN:
        break;
    }
    return REFUND_AGAIN;
}

/* A FAILED payment that was charged all the same stays FAILED: its buyer was told so. */
static const struct err *record_refunded(struct ctx *ctx, void *arg)
{
    struct payment payment;
    const struct err *e = payment_lock(ctx, arg, &payment);
    if (e || payment.refunded_at != CLOCK_NONE) {
        return e;
    }
    if (!payment_next(payment.status, PAYMENT_ON_REFUNDED, &payment.status) && payment.status != PAYMENT_FAILED) {
        return &err_internal;
    }
    const struct db_rows *rows;
    e = DB_RUN(ctx, &sql_payment_refunded, &rows, DB_TEXT(payment.id), DB_TEXT(payment_status_name(payment.status)));
    if (e) {
        return e;
    }
    struct payment_refunded payload = {.payment_id = payment.id,
                                       .reservation_id = payment.reservation_id,
                                       .amount = payment.amount,
                                       .reason = payment.refund_reason,
                                       .refunded_at = db_time(rows, 0, "refunded_at")};
    return event_publish(ctx, &(struct event_new){.type = &event_payment_refunded,
                                                  .aggregate_id = payment.id,
                                                  .key = payment.user_id,
                                                  .user_id = payment.user_id,
                                                  .payload = &payload});
}

const struct err *refund_try(struct ctx *ctx, const struct payment *payment, int64_t again_s)
{
    switch (give_back(ctx, payment)) {
    case REFUND_DONE:
        return db_transact(ctx, record_refunded, (void *)payment->id);
    case REFUND_NOTHING_TO_DO:
        if (payment->status == PAYMENT_FAILED) {
            return DB_RUN(ctx, &sql_payment_rest, NULL, DB_TEXT(payment->id));
        }
        log_error(&ctx->log, "payment '%s' is to be refunded, but PortOne does not know it as paid", payment->id);
        break;
    case REFUND_AGAIN:
        break;
    }
    return DB_RUN(ctx, &sql_payment_postpone, NULL, DB_TEXT(payment->id), DB_INT(again_s));
}
