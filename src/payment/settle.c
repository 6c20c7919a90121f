#include "src/payment/settle.h"

#include "common/io/db.h"
#include "sql/payment.h"
#include "src/payment/outcome.h"
#include "src/payment/payment.h"
#include "src/payment/payment_settings.h"

const struct err *settle_next(struct ctx *ctx, bool *found_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_payment_take_due, &rows, DB_INT(payment_settings.busy_s),
                                 DB_INT(payment_settings.look_busy_s));
    if (e) {
        return e;
    }
    *found_r = db_count(rows) > 0;
    if (!*found_r) {
        return NULL;
    }
    struct payment payment, after;
    payment_read_row(rows, 0, &payment);
    log_field(&ctx->log, "payment", payment.id);
    struct finding finding = outcome_ask(ctx, &payment);
    return outcome_conclude(ctx, &payment, &finding, &after);
}
