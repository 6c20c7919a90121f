#include "src/payment/refund.h"

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
    const struct err *e = DB_RUN(ctx, &sql_payment_request_refund_of_reservation, NULL,
                                 DB_TEXT(cancelled->reservation_id), DB_TEXT(cancelled->reason));
    return e ? e : DB_RUN(ctx, &sql_payment_give_up, NULL, DB_TEXT(cancelled->reservation_id));
}

enum refund_state refund_try(struct ctx *ctx, const struct payment *payment, const char *reason, int64_t *returned_r)
{
    struct portone_cancel cancel = {
        .reason = reason,
        /* A cancel that failed is tried anew, and PortOne would repeat its answer under the same key. The record is
         * read before each try, so that none is made of what has been given back. */
        .idempotency_key = arena_printf(ctx->arena, "refund-%s-%lld", payment->payment_key, (long long)payment->turn),
    };
    struct portone_cancellation cancellation;
    struct portone_refusal refusal;
    const struct err *e = portone_cancel(ctx, payment->payment_key, &cancel, &cancellation, &refusal);
    if (e) {
        log_error(&ctx->log, "payment '%s' was not given back at PortOne, try %lld: %s; it is tried again", payment->id,
                  (long long)payment->checks, e == &err_portone_declined ? refusal.type : e->code);
        return e == &err_portone_declined || e == &err_not_found ? REFUND_REFUSED : REFUND_UNKNOWN;
    }
    if (cancellation.status != PORTONE_CANCEL_SUCCEEDED) {
        log_warn(&ctx->log, "PortOne has not yet given payment '%s' back, try %lld", payment->id,
                 (long long)payment->checks);
        return REFUND_UNKNOWN;
    }
    *returned_r = cancellation.amount;
    return REFUND_DONE;
}
