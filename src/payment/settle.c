#include "src/payment/settle.h"

#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/payment.h"
#include "src/payment/outcome.h"
#include "src/payment/payment.h"
#include "src/payment/payment_settings.h"
#include "src/payment/refund.h"

/* Doubles with every check, up to the cap. */
static int64_t pause_s(const struct payment *payment)
{
    int64_t pause = payment_settings.retry_s;
    for (int64_t i = 1; i < payment->checks && pause < payment_settings.retry_cap_s; i++) {
        pause *= 2;
    }
    return pause < payment_settings.retry_cap_s ? pause : payment_settings.retry_cap_s;
}

/* After FAILED the only question left is whether it was charged all the same. */
static const struct err *check_failed(struct ctx *ctx, const struct payment *payment)
{
    struct finding finding = outcome_ask(ctx, payment);
    if (finding.evidence == EVIDENCE_NONE) {
        return NULL; /* busy_until passes, then it is due again */
    }
    struct payment after;
    const struct err *e = outcome_record(ctx, payment->id, &finding, pause_s(payment), &after);
    bool charged = finding.evidence == EVIDENCE_PAID || finding.evidence == EVIDENCE_WRONG;
    return e || charged ? e : DB_RUN(ctx, &sql_payment_rest, NULL, DB_TEXT(payment->id));
}

static const struct err *take_up(struct ctx *ctx, const struct payment *payment)
{
    if (payment->refund_requested_at != CLOCK_NONE && payment->refunded_at == CLOCK_NONE) {
        return refund_try(ctx, payment, pause_s(payment));
    }
    switch (payment->status) {
    case PAYMENT_PENDING: {
        struct finding finding = outcome_investigate(ctx, payment);
        struct payment after;
        return outcome_record(ctx, payment->id, &finding, pause_s(payment), &after);
    }
    case PAYMENT_FAILED:
        return check_failed(ctx, payment);
    case PAYMENT_SUCCESS:
    case PAYMENT_REFUNDED:
    case PAYMENT_STATUS__MAX:
        break;
    }
    return DB_RUN(ctx, &sql_payment_rest, NULL, DB_TEXT(payment->id));
}

const struct err *settle_next(struct ctx *ctx, bool *found_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_payment_take_due, &rows, DB_INT(payment_settings.busy_s));
    if (e) {
        return e;
    }
    *found_r = db_count(rows) > 0;
    if (!*found_r) {
        return NULL;
    }
    struct payment payment;
    payment_read_row(rows, 0, &payment);
    log_field(&ctx->log, "payment", payment.id);
    return take_up(ctx, &payment);
}
