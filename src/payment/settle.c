#include "src/payment/settle.h"

#include "common/io/db.h"
#include "sql/payment.h"
#include "src/payment/outcome.h"
#include "src/payment/payment.h"
#include "src/payment/payment_settings.h"

const struct err *settle_take(struct ctx *ctx, struct payment *taken_r, bool *found_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_payment_take_due, &rows, DB_INT(payment_settings.busy_s),
                                 DB_INT(payment_settings.look_busy_s));
    if (e) {
        return e;
    }
    *found_r = db_count(rows) > 0;
    if (*found_r) {
        payment_read_row(rows, 0, taken_r);
        log_field(&ctx->log, "payment", taken_r->id);
    }
    return NULL;
}

const struct err *settle_next(struct ctx *ctx, bool *found_r)
{
    struct payment taken, after;
    struct finding finding;
    const struct err *e = settle_take(ctx, &taken, found_r);
    return e || !*found_r ? e : outcome_look(ctx, &taken, &finding, &after);
}
