#include "cgi-bin/payment/payment.h"
#include "common/base/clock.h"
#include "common/json/page.h"
#include "src/payment/payment.h"

static void write_payment(struct json_out *out, const struct payment *payment)
{
    json_open_object(out, NULL);
    json_add_str(out, "paymentId", payment->id);
    json_add_str(out, "reservationId", payment->reservation_id);
    json_add_int(out, "amount", payment->amount);
    json_add_str(out, "status", payment_status_name(payment->status));
    json_add_str(out, "method", payment->method);
    if (payment->card_name) {
        json_add_str(out, "cardName", payment->card_name);
    }
    if (payment->card_number) {
        json_add_str(out, "cardNumber", payment->card_number);
    }
    json_add_time(out, "paidAt", payment->paid_at);
    if (payment->refunded_at != CLOCK_NONE) {
        json_add_time(out, "refundedAt", payment->refunded_at);
    }
    if (payment->refunded_amount > 0) {
        json_add_int(out, "refundedAmount", payment->refunded_amount);
    }
    json_close_object(out);
}

const struct err *payment_handle_list(struct request *rq, struct reply *rp)
{
    const struct page page = page_or_default(rq->args);
    struct json_list list;
    int64_t total;
    const struct err *e = payment_list(rq->ctx, rq->identity.user_id, page.page, page.size, &list, &total);
    if (e) {
        return e;
    }
    const struct payment *items = list.items;
    struct json_out *out = reply_json(rp, 200);
    reply_list_open(out);
    for (size_t i = 0; i < list.count; i++) {
        write_payment(out, &items[i]);
    }
    reply_list_close(out, page.page, page.size, total);
    return NULL;
}

const struct err *payment_handle_detail(struct request *rq, struct reply *rp)
{
    struct payment payment;
    const struct err *e = payment_get_of(rq->ctx, rq->identity.user_id, request_param(rq, "id"), &payment);
    if (!e) {
        write_payment(reply_json(rp, 200), &payment);
    }
    return e;
}
