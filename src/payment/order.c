#include "src/payment/order.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/io/db.h"
#include "common/io/limit.h"
#include "sql/payment.h"
#include "src/contract/queue_token.h"
#include "src/contract/reservation_api.h"
#include "src/contract/schedule.h"
#include "src/payment/outcome.h"
#include "src/payment/payment.h"
#include "src/payment/payment_errors.h"
#include "src/payment/payment_settings.h"
#include "src/providers/portone.h"

#define MINUTE_S 60

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
    if (strcmp(reservation->status, "PENDING") != 0 || reservation->hold_expires_at <= clock_now()) {
        return &err_hold_expired;
    }
    if (reservation->called_off == 1) { /* an older reservation service does not say */
        return &err_sale_ended;
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
    e = queue_token_check_sent(ctx, request->queue_token, request->user_id, ordering->reservation.schedule_id);
    return e ? e : check_reservation(request, &ordering->reservation);
}

static char *new_payment_key(struct arena *arena)
{
    unsigned char random[PAYMENT_KEY_BYTES];
    crypto_random(random, sizeof random);
    return crypto_hex(arena, random, sizeof random);
}

/* Inserts a payment, or finds the one that this reservation has: another card is tried under the same. */
static const struct err *find_or_insert(struct ctx *ctx, const struct ordering *ordering, struct payment *payment_r)
{
    const struct order_request *request = ordering->request;
    const struct reservation_info *reservation = &ordering->reservation;
    const struct err *e =
        DB_RUN(ctx, &sql_payment_insert, NULL, DB_TEXT(reservation->reservation_id), DB_TEXT(reservation->schedule_id),
               DB_TEXT(request->user_id), DB_TEXT(new_payment_key(ctx->arena)), DB_INT(request->amount),
               DB_TEXT(request->method), DB_TIME(reservation->hold_expires_at), DB_INT(payment_settings.patience_s),
               DB_INT(payment_settings.look_s), DB_INT(payment_last_look_s()));
    e = e ? e : payment_of_reservation(ctx, reservation->reservation_id, payment_r);
    return e == &err_not_found ? &err_internal : e;
}

static const struct err *replay(struct ctx *ctx, const char *answer, struct order *order_r)
{
    void *order;
    const struct err *e = json_read(ctx, answer, strlen(answer), &order_shape, &order);
    if (e) {
        return &err_internal;
    }
    *order_r = *(struct order *)order;
    order_r->replayed = true;
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
    if (payment.status == PAYMENT_FAILED) {
        return &err_hold_expired; /* the reservation is on its way to be cancelled, even if it does not know yet */
    }
    bool free_and_done = payment.status == PAYMENT_SUCCESS && payment.amount == 0;
    if ((payment.status != PAYMENT_PENDING && !free_and_done) || payment.amount != ordering->request->amount) {
        return &err_payment_already_processed;
    }
    ordering->order = (struct order){.payment_id = payment.id,
                                     .amount = payment.amount,
                                     .store_id = cfg_portone.store_id,
                                     .channel_key = cfg_portone.channel_key,
                                     .payment_key = payment.payment_key};
    return store_answer(ctx, ordering);
}

/* What is paid already, or costs nothing, is settled here, by the same way and events as any other. */
static const struct err *settle_now(struct ctx *ctx, const struct order *order)
{
    struct payment taken, after;
    struct finding finding;
    bool ours = false;
    const struct err *e = outcome_begin_look(ctx, order->payment_id, &taken, &ours);
    if (e || !ours) {
        return e;
    }
    e = outcome_look(ctx, &taken, &finding, &after);
    return !e && after.status == PAYMENT_FAILED ? &err_hold_expired : e;
}

/* Again with every repeat, as the first time may have been in vain: until it is paid that is harmless. */
static const struct err *pre_register(struct ctx *ctx, const struct order *order)
{
    struct portone_refusal refusal;
    const struct err *e = portone_pre_register(ctx, order->payment_key, order->amount, &refusal);
    bool paid = e == &err_portone_declined && strcmp(refusal.type, "ALREADY_PAID") == 0;
    if (!paid) {
        return e;
    }
    e = settle_now(ctx, order);
    return e || order->replayed ? e : &err_payment_already_processed;
}

/* Whether a repeat has anything left to do: a payment with an outcome needs nothing of PortOne. */
static const struct err *is_open(struct ctx *ctx, const struct ordering *ordering, bool *open_r)
{
    struct payment payment;
    const struct err *e = payment_get_of(ctx, ordering->request->user_id, ordering->order.payment_id, &payment);
    *open_r = !e && payment.status == PAYMENT_PENDING;
    return e;
}

static const struct err *prepare_to_pay(struct ctx *ctx, const struct ordering *ordering)
{
    bool open = true;
    const struct err *e = ordering->order.replayed ? is_open(ctx, ordering, &open) : NULL;
    if (e || !open) {
        return e;
    }
    return ordering->order.amount == 0 ? settle_now(ctx, &ordering->order) : pre_register(ctx, &ordering->order);
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
    const struct err *e =
        limit_take(ctx, &(struct limit){"order", payment_settings.orders_per_minute, MINUTE_S}, request->user_id);
    e = e ? e : idempotency_peek(ctx, &request->idempotency, &stored);
    if (!e) {
        e = stored ? replay(ctx, stored, &ordering.order) : place(ctx, &ordering);
    }
    e = e ? e : prepare_to_pay(ctx, &ordering);
    if (!e) {
        *order_r = ordering.order;
    }
    return e;
}
