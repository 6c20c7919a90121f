#include "cgi-bin/payment/payment.h"
#include "common/base/array.h"
#include "src/payment/confirm.h"
#include "src/payment/order.h"
#include "src/payment/webhook.h"

#define WON_MAX INT64_C(10000000000)
#define TEXT_MAX 256
#define TOKEN_MAX 4000
#define OPEN_RETRY_S "3"

static const struct field order_body_fields[] = {
    {FIELD(struct order_body, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
    {FIELD(struct order_body, "amount", FIELD_INT, amount), .flags = FIELD_REQUIRED, .min = 0, .max = WON_MAX},
    {FIELD(struct order_body, "paymentMethod", FIELD_ENUM, method), .flags = FIELD_REQUIRED, .choices = "CARD"},
};
const struct shape order_body_shape = {order_body_fields, ARRAY_COUNT(order_body_fields), sizeof(struct order_body),
                                       false};

static const struct field confirm_body_fields[] = {
    {FIELD(struct confirm_body, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
    {FIELD(struct confirm_body, "paymentId", FIELD_UUID, payment_id), .flags = FIELD_REQUIRED},
    {FIELD(struct confirm_body, "paymentKey", FIELD_STR, payment_key), .flags = FIELD_REQUIRED, .min = 1,
     .max = TEXT_MAX},
    {FIELD(struct confirm_body, "transactionId", FIELD_STR, transaction_id), .flags = FIELD_REQUIRED, .min = 1,
     .max = TEXT_MAX},
    {FIELD(struct confirm_body, "amount", FIELD_INT, amount), .flags = FIELD_REQUIRED, .min = 0, .max = WON_MAX},
    {FIELD(struct confirm_body, "paymentToken", FIELD_STR, payment_token), .flags = 0, .min = 1, .max = TOKEN_MAX},
};
const struct shape confirm_body_shape = {confirm_body_fields, ARRAY_COUNT(confirm_body_fields),
                                         sizeof(struct confirm_body), false};

const struct err *payment_handle_order(struct request *rq, struct reply *rp)
{
    const struct order_body *body = rq->body;
    struct order_request request = {
        .user_id = rq->identity.user_id,
        .queue_token = rq->queue_token,
        .reservation_id = body->reservation_id,
        .amount = body->amount,
        .method = body->method,
        .idempotency = request_idempotency(rq, "POST /payments", &order_body_shape),
    };
    struct order order;
    const struct err *e = order_create(rq->ctx, &request, &order);
    if (!e) {
        reply_replayed(rp, order.replayed);
        json_add_shape(reply_json(rp, 200), NULL, &order_shape, &order);
    }
    return e;
}

const struct err *payment_handle_confirm(struct request *rq, struct reply *rp)
{
    const struct confirm_body *body = rq->body;
    struct confirm_request request = {
        .user_id = rq->identity.user_id,
        .queue_token = rq->queue_token,
        .payment_id = body->payment_id,
        .reservation_id = body->reservation_id,
        .payment_key = body->payment_key,
        .transaction_id = body->transaction_id,
        .amount = body->amount,
        .payment_token = body->payment_token,
    };
    struct payment payment;
    const struct err *e = confirm_payment(rq->ctx, &request, &payment);
    if (e) {
        return e;
    }
    bool paid = payment.status == PAYMENT_SUCCESS;
    if (!paid) {
        reply_header(rp, "Retry-After", OPEN_RETRY_S);
    }
    struct json_out *out = reply_json(rp, paid ? 200 : 202);
    json_open_object(out, NULL);
    json_add_str(out, "paymentId", payment.id);
    json_add_str(out, "status", payment_status_name(payment.status));
    if (paid) {
        json_add_time(out, "paidAt", payment.paid_at);
    }
    json_close_object(out);
    return NULL;
}

const struct err *payment_handle_webhook(struct request *rq, struct reply *rp)
{
    struct webhook_headers headers = {
        .id = request_header(rq, "webhook-id"),
        .timestamp = request_header(rq, "webhook-timestamp"),
        .signature = request_header(rq, "webhook-signature"),
    };
    const struct err *e = webhook_receive(rq->ctx, &headers, rq->raw, rq->raw_len);
    if (!e) {
        reply_empty(rp, 200);
    }
    return e;
}
