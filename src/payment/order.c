#include "src/payment/order.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/io/db.h"
#include "sql/payment.h"
#include "src/contract/queue_token.h"
#include "src/contract/reservation_api.h"
#include "src/payment/payment.h"
#include "src/payment/payment_errors.h"
#include "src/payment/payment_settings.h"
#include "src/providers/portone.h"

#define PAYMENT_KEY_BYTES 16 /* 32 hexadecimal digits: every card gateway takes those */
#define JSON_MAX (16u << 10)

static const struct field order_fields[] = {
    {FIELD(struct order, "paymentId", FIELD_UUID, payment_id), .flags = FIELD_REQUIRED},
    {FIELD(struct order, "amount", FIELD_INT, amount), .flags = FIELD_REQUIRED},
    {FIELD(struct order, "storeId", FIELD_STR, store_id), .flags = FIELD_REQUIRED},
    {FIELD(struct order, "channelKey", FIELD_STR, channel_key), .flags = FIELD_REQUIRED},
    {FIELD(struct order, "paymentKey", FIELD_STR, payment_key), .flags = FIELD_REQUIRED},
};
const struct shape order_shape = {order_fields, ARRAY_COUNT(order_fields), sizeof(struct order), false};

struct ordering {
    const struct order_request *request;
    struct reservation_info reservation;
    struct order order;
};

static const struct err *check_reservation(const struct order_request *request,
                                           const struct reservation_info *reservation)
{
    if (strcmp(reservation->status, "CONFIRMED") == 0) {
        return &err_payment_already_processed;
    }
    bool lapsed = !reservation->secured_by && reservation->hold_expires_at <= clock_now();
    if (strcmp(reservation->status, "PENDING") != 0 || lapsed) {
        return &err_hold_expired;
    }
    return reservation->total_amount == request->amount ? NULL : &err_amount_mismatch;
}

static const struct err *find_reservation(struct ctx *ctx, struct ordering *ordering)
{
    const struct order_request *request = ordering->request;
    const struct err *e = reservation_api_get(ctx, request->reservation_id, &ordering->reservation);
    if (e) {
        return e;
    }
    if (strcmp(ordering->reservation.user_id, request->user_id) != 0) {
        return &err_not_found;
    }
    e = queue_token_check(ctx, request->queue_token, request->user_id, ordering->reservation.schedule_id);
    return e ? e : check_reservation(request, &ordering->reservation);
}

static char *new_payment_key(struct arena *arena)
{
    unsigned char random[PAYMENT_KEY_BYTES];
    crypto_random(random, sizeof random);
    return crypto_hex(arena, random, sizeof random);
}

/* Inserts a payment, or finds the one that this reservation has already. */
static const struct err *find_or_insert(struct ctx *ctx, const struct ordering *ordering, struct payment *payment_r)
{
    const struct order_request *request = ordering->request;
    const struct reservation_info *reservation = &ordering->reservation;
    int64_t give_up_at = reservation->hold_expires_at + payment_settings.patience_s * CLOCK_SECOND;
    const struct err *e =
        DB_RUN(ctx, &sql_payment_insert, NULL, DB_TEXT(reservation->reservation_id), DB_TEXT(reservation->schedule_id),
               DB_TEXT(request->user_id), DB_TEXT(new_payment_key(ctx->arena)), DB_INT(request->amount),
               DB_TEXT(request->method), DB_TIME(give_up_at));
    if (e) {
        return e;
    }
    const struct db_rows *rows;
    e = DB_RUN(ctx, &sql_payment_live_of_reservation, &rows, DB_TEXT(reservation->reservation_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_db_serialization; /* the other one has just failed: begin again */
    }
    payment_read_row(rows, 0, payment_r);
    return NULL;
}

static const struct err *replay(struct ctx *ctx, const char *answer, struct order *order_r)
{
    void *order;
    const struct err *e = json_read(ctx, answer, strlen(answer), &order_shape, &order);
    if (e) {
        return &err_internal;
    }
    *order_r = *(struct order *)order;
    return NULL;
}

static const struct err *store_answer(struct ctx *ctx, const struct ordering *ordering)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, JSON_MAX);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, &order_shape, &ordering->order);
    return idempotency_store(ctx, &ordering->request->idempotency, buf.data);
}

static const struct err *order_once(struct ctx *ctx, void *arg)
{
    struct ordering *ordering = arg;
    const char *stored;
    const struct err *e = idempotency_begin(ctx, &ordering->request->idempotency, &stored);
    if (e) {
        return e;
    }
    if (stored) {
        return replay(ctx, stored, &ordering->order);
    }
    struct payment payment;
    e = find_or_insert(ctx, ordering, &payment);
    if (e) {
        return e;
    }
    if (payment.status != PAYMENT_PENDING || payment.amount != ordering->request->amount) {
        return &err_payment_already_processed;
    }
    ordering->order =
        (struct order){payment.id, payment.amount, cfg_portone.store_id, cfg_portone.channel_key, payment.payment_key};
    return store_answer(ctx, ordering);
}

static const struct err *pre_register(struct ctx *ctx, const struct order *order)
{
    struct portone_refusal refusal;
    const struct err *e = portone_pre_register(ctx, order->payment_key, order->amount, &refusal);
    bool paid = e == &err_portone_declined && strcmp(refusal.type, "ALREADY_PAID") == 0;
    return paid ? &err_payment_already_processed : e;
}

static const struct err *place(struct ctx *ctx, struct ordering *ordering)
{
    const struct err *e = find_reservation(ctx, ordering);
    return e ? e : db_transact(ctx, order_once, ordering);
}

const struct err *order_create(struct ctx *ctx, const struct order_request *request, struct order *order_r)
{
    struct ordering ordering = {.request = request};
    const char *stored;
    const struct err *e = idempotency_find(ctx, &request->idempotency, &stored);
    if (!e) {
        e = stored ? replay(ctx, stored, &ordering.order) : place(ctx, &ordering);
    }
    e = e ? e : pre_register(ctx, &ordering.order);
    if (!e) {
        *order_r = ordering.order;
    }
    return e;
}
