#include "src/payment/webhook.h"

#include <string.h>

#include "common/io/db.h"
#include "sql/payment.h"
#include "src/providers/portone.h"

struct delivery {
    const char *webhook_id;
    struct portone_webhook webhook;
};

static bool is_cancellation(const char *type)
{
    return strcmp(type, "Transaction.Cancelled") == 0 || strcmp(type, "Transaction.PartialCancelled") == 0;
}

/* Only these can change what we know; of the others the buyer's browser tells more and sooner. */
static bool is_outcome(const char *type)
{
    return strcmp(type, "Transaction.Paid") == 0 || is_cancellation(type);
}

static const struct err *store(struct ctx *ctx, void *arg)
{
    const struct delivery *delivery = arg;
    const struct portone_webhook *webhook = &delivery->webhook;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_payment_webhook_store, &rows, DB_TEXT(delivery->webhook_id),
                                 DB_TEXT(webhook->payment_id), DB_TEXT(webhook->type));
    if (e || db_affected(rows) == 0 || !is_outcome(webhook->type)) {
        return e;
    }
    if (!db_bool(rows, 0, "expected")) {
        log_error(&ctx->log, "PortOne says %s of '%s', which nobody here was to pay: see to it by hand", webhook->type,
                  webhook->payment_id);
    }
    return DB_RUN(ctx, &sql_payment_webhook_nudge, NULL, DB_TEXT(webhook->payment_id),
                  DB_BOOL(is_cancellation(webhook->type)));
}

const struct err *webhook_receive(struct ctx *ctx, const struct webhook_headers *headers, const char *body, size_t len)
{
    struct delivery delivery = {.webhook_id = headers->id};
    const struct err *e = portone_webhook_read(ctx, headers, body, len, &delivery.webhook);
    if (e || !delivery.webhook.payment_id) {
        return e;
    }
    return db_transact(ctx, store, &delivery);
}
