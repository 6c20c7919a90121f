#include "src/contract/payment_api.h"

#include <string.h>

#include "common/base/array.h"
#include "src/contract/internal_call.h"

#define PATIENCE_MS 500 /* who asks has events to handle, and asks again */

static const struct field query_fields[] = {
    {FIELD(struct payment_query, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
};
const struct shape payment_query_shape = {query_fields, ARRAY_COUNT(query_fields), sizeof(struct payment_query),
                                          /* open= */ false};

static const struct field payment_fields[] = {
    {FIELD(struct payment_of, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
    {FIELD(struct payment_of, "paymentId", FIELD_UUID, payment_id)},
};
const struct shape payment_of_shape = {payment_fields, ARRAY_COUNT(payment_fields), sizeof(struct payment_of),
                                       /* open= */ true};

const struct err *payment_api_of_reservation(struct ctx *ctx, const char *reservation_id, struct payment_of *payment_r)
{
    const char *path = arena_printf(ctx->arena, "/internal/payments?reservationId=%s", reservation_id);
    struct http_answer answer;
    const struct err *e =
        internal_call(ctx, &(struct internal_call){.method = "GET", .path = path, .timeout_ms = PATIENCE_MS}, &answer);
    if (e) {
        return e;
    }
    if (answer.status != 200) {
        log_error(&ctx->log, "the payment service answered %d", answer.status);
        return &err_bad_gateway;
    }
    struct payment_of *payment;
    e = internal_read(ctx, answer.body, answer.len, &payment_of_shape, (void **)&payment);
    if (e) {
        return e;
    }
    if (strcmp(payment->reservation_id, reservation_id) != 0) {
        log_error(&ctx->log, "the payment service answered about another reservation");
        return &err_bad_gateway;
    }
    *payment_r = *payment;
    return NULL;
}
