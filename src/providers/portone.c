#include "src/providers/portone.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/http.h"
#include "src/providers/portone_call.h"
#include "src/providers/portone_record.h"

#define BODY_MAX (32u << 10) /* a payment token of 4,000 characters, each of four bytes, and the rest */
#define CURRENCY "KRW"
#define ID_MAX 200
#define ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static const char *text(const struct json *object, const char *key)
{
    return json_str(json_get(object, key));
}

static int64_t instant(const struct json *object, const char *key)
{
    int64_t at = CLOCK_NONE;
    const char *value = text(object, key);
    if (value != NULL) {
        (void)clock_parse(value, &at);
    }
    return at;
}

/* The time of something that did happen: now, when PortOne's time cannot be read. */
static int64_t instant_or_now(const struct json *object, const char *key)
{
    int64_t at = instant(object, key);
    return at == CLOCK_NONE ? clock_now() : at;
}

/* Letters, digits, "-" and "_". What a client sends becomes part of a path, where ".." would ask for something else,
 * and the answer to that would count as an outage. */
static bool id_valid(const char *id)
{
    size_t len = strlen(id);
    return len > 0 && len <= ID_MAX && strspn(id, ID_CHARACTERS) == len;
}

static const char *payment_path(struct ctx *ctx, const char *payment_id, const char *suffix)
{
    return arena_printf(ctx->arena, "/payments/%s%s", http_escape(ctx->arena, payment_id), suffix);
}

static const char *with_store(struct ctx *ctx, const char *path)
{
    return arena_printf(ctx->arena, "%s?storeId=%s", path, http_escape(ctx->arena, cfg_portone.store_id));
}

struct body {
    struct buf buf;
    struct json_out out;
};

static struct json_out *body_open(struct ctx *ctx, struct body *body)
{
    buf_init(&body->buf, ctx->arena, BODY_MAX);
    json_out_init(&body->out, &body->buf);
    json_open_object(&body->out, NULL);
    json_add_str(&body->out, "storeId", cfg_portone.store_id);
    return &body->out;
}

static const char *body_close(struct body *body)
{
    json_close_object(&body->out);
    return body->buf.data;
}

const struct err *portone_pre_register(struct ctx *ctx, const char *payment_id, int64_t amount,
                                       struct portone_refusal *refusal_r)
{
    struct body body;
    struct json_out *out = body_open(ctx, &body);
    json_add_int(out, "totalAmount", amount);
    json_add_int(out, "taxFreeAmount", 0);
    json_add_str(out, "currency", CURRENCY);
    const struct portone_call call = {
        .service = PORTONE_PAYMENTS,
        .method = "POST",
        .path = payment_path(ctx, payment_id, "/pre-register"),
        .body = body_close(&body),
    };
    struct portone_answer answer;
    return portone_exchange(ctx, &call, &answer, refusal_r);
}

/* ---- the record ---- */

static enum portone_status read_status(const char *status)
{
    static const char *const names[] = {
        [PORTONE_READY] = "READY",
        [PORTONE_PAY_PENDING] = "PAY_PENDING",
        [PORTONE_VIRTUAL_ACCOUNT_ISSUED] = "VIRTUAL_ACCOUNT_ISSUED",
        [PORTONE_PAID] = "PAID",
        [PORTONE_FAILED] = "FAILED",
        [PORTONE_PARTIAL_CANCELLED] = "PARTIAL_CANCELLED",
        [PORTONE_CANCELLED] = "CANCELLED",
    };
    for (size_t i = PORTONE_READY; i < ARRAY_COUNT(names); i++) {
        if (status != NULL && strcmp(names[i], status) == 0) {
            return (enum portone_status)i;
        }
    }
    return PORTONE_UNKNOWN;
}

static struct portone_payment read_payment(const struct json *root)
{
    const struct json *amount = json_get(root, "amount");
    const struct json *channel = json_get(root, "channel");
    const struct json *method = json_get(root, "method");
    const struct json *card = json_get(method, "card");
    const char *channel_type = text(channel, "type");
    const char *status = text(root, "status");
    struct portone_payment payment = {
        .status = read_status(status),
        .status_text = status,
        .payment_id = text(root, "id"),
        .transaction_id = text(root, "transactionId"),
        .store_id = text(root, "storeId"),
        .channel_key = text(channel, "key"),
        .live = channel_type != NULL && strcmp(channel_type, "LIVE") == 0,
        .currency = text(root, "currency"),
        .total = json_int(json_get(amount, "total"), 0),
        .cancelled = json_int(json_get(amount, "cancelled"), 0),
        .paid_at = instant(root, "paidAt"),
        .cancelled_at = instant(root, "cancelledAt"),
        .method = text(method, "type"),
        .card_name = text(card, "name"),
        .card_number = text(card, "number"),
        .pg_tx_id = text(root, "pgTxId"),
        .failure_reason = text(json_get(root, "failure"), "reason"),
    };
    if (payment.status == PORTONE_PAID) {
        payment.paid_at = instant_or_now(root, "paidAt");
    }
    return payment;
}

const struct err *portone_get(struct ctx *ctx, const char *payment_id, struct portone_payment *payment_r)
{
    const struct portone_call call = {
        .service = PORTONE_PAYMENTS,
        .method = "GET",
        .path = with_store(ctx, payment_path(ctx, payment_id, "")),
    };
    struct portone_answer answer;
    const struct err *e = portone_exchange(ctx, &call, &answer, NULL);
    if (e) {
        return e;
    }
    *payment_r = read_payment(answer.root);
    payment_r->record = portone_record_kept(ctx->arena, answer.root);
    return NULL;
}

bool portone_proves_paid(const struct portone_payment *payment, int64_t amount, const char **why_r)
{
    const char *why = NULL;
    if (payment->status != PORTONE_PAID) {
        why = "status";
    } else if (payment->store_id == NULL || strcmp(payment->store_id, cfg_portone.store_id) != 0) {
        why = "store";
    } else if (payment->currency == NULL || strcmp(payment->currency, CURRENCY) != 0) {
        why = "currency";
    } else if (payment->total != amount) {
        why = "amount";
    } else if (payment->cancelled != 0) {
        why = "cancelled amount";
    } else if (!payment->live && !cfg_portone.test_mode && !cfg_process.sandbox) {
        why = "test channel";
    }
    if (why != NULL) {
        *why_r = why;
    }
    return why == NULL;
}

/* ---- moving money ---- */

const struct err *portone_confirm(struct ctx *ctx, const char *payment_id, const struct portone_confirm *confirm,
                                  struct portone_confirmation *confirmation_r, struct portone_refusal *refusal_r)
{
    struct body body;
    struct json_out *out = body_open(ctx, &body);
    json_add_str(out, "paymentToken", confirm->payment_token);
    if (confirm->tx_id != NULL) {
        json_add_str(out, "txId", confirm->tx_id);
    }
    json_add_str(out, "currency", CURRENCY);
    json_add_int(out, "totalAmount", confirm->amount);
    const struct portone_call call = {
        .service = PORTONE_PAYMENTS,
        .moves_money = true,
        .method = "POST",
        .path = payment_path(ctx, payment_id, "/confirm"),
        .body = body_close(&body),
        .idempotency_key = confirm->idempotency_key,
    };
    struct portone_answer answer;
    const struct err *e = portone_exchange(ctx, &call, &answer, refusal_r);
    if (e) {
        return e;
    }
    confirmation_r->paid_at = instant_or_now(answer.root, "paidAt");
    confirmation_r->pg_tx_id = text(answer.root, "pgTxId");
    return NULL;
}

static enum portone_cancel_status read_cancel_status(const char *status)
{
    if (status == NULL) {
        return PORTONE_CANCEL_UNKNOWN;
    }
    if (strcmp(status, "SUCCEEDED") == 0) {
        return PORTONE_CANCEL_SUCCEEDED;
    }
    if (strcmp(status, "REQUESTED") == 0) {
        return PORTONE_CANCEL_REQUESTED;
    }
    return strcmp(status, "FAILED") == 0 ? PORTONE_CANCEL_FAILED : PORTONE_CANCEL_UNKNOWN;
}

static struct portone_cancellation read_cancellation(const struct json *cancellation)
{
    struct portone_cancellation read = {
        .status = read_cancel_status(text(cancellation, "status")),
        .id = text(cancellation, "id"),
        .amount = json_int(json_get(cancellation, "totalAmount"), 0),
        .cancelled_at = CLOCK_NONE,
    };
    if (read.status == PORTONE_CANCEL_SUCCEEDED) {
        read.cancelled_at = instant_or_now(cancellation, "cancelledAt");
    }
    return read;
}

const struct err *portone_cancel(struct ctx *ctx, const char *payment_id, const struct portone_cancel *cancel,
                                 struct portone_cancellation *cancellation_r, struct portone_refusal *refusal_r)
{
    struct body body;
    struct json_out *out = body_open(ctx, &body);
    json_add_str(out, "reason", cancel->reason);
    if (cancel->amount > 0) {
        json_add_int(out, "amount", cancel->amount);
    }
    if (cancel->current_cancellable > 0) {
        json_add_int(out, "currentCancellableAmount", cancel->current_cancellable);
    }
    const struct portone_call call = {
        .service = PORTONE_PAYMENTS,
        .moves_money = true,
        .method = "POST",
        .path = payment_path(ctx, payment_id, "/cancel"),
        .body = body_close(&body),
        .idempotency_key = cancel->idempotency_key,
    };
    struct portone_answer answer;
    const struct err *e = portone_exchange(ctx, &call, &answer, refusal_r);
    if (e) {
        return e;
    }
    *cancellation_r = read_cancellation(json_get(answer.root, "cancellation"));
    return NULL;
}

/* ---- identity verification ---- */

const struct err *portone_identity(struct ctx *ctx, const char *verification_id, struct portone_identity *identity_r)
{
    if (!id_valid(verification_id)) {
        return &err_not_found;
    }
    const char *path = arena_printf(ctx->arena, "/identity-verifications/%s", http_escape(ctx->arena, verification_id));
    const struct portone_call call = {.service = PORTONE_IDENTITIES, .method = "GET", .path = with_store(ctx, path)};
    struct portone_answer answer;
    const struct err *e = portone_exchange(ctx, &call, &answer, NULL);
    if (e == &err_portone_unavailable || e == &err_portone_declined) {
        return &err_unavailable;
    }
    if (e) {
        return e;
    }
    const char *status = text(answer.root, "status");
    *identity_r = (struct portone_identity){.status_text = status, .verified_at = CLOCK_NONE};
    if (status == NULL || strcmp(status, "VERIFIED") != 0) {
        return NULL;
    }
    const struct json *customer = json_get(answer.root, "verifiedCustomer");
    identity_r->verified = true;
    identity_r->ci = text(customer, "ci");
    identity_r->di = text(customer, "di");
    identity_r->name = text(customer, "name");
    identity_r->phone = text(customer, "phoneNumber");
    identity_r->birth_date = text(customer, "birthDate");
    identity_r->verified_at = instant_or_now(answer.root, "verifiedAt");
    return NULL;
}

/* ---- webhooks ---- */

const struct err *portone_webhook_read(struct ctx *ctx, const struct webhook_headers *headers, const char *body,
                                       size_t len, struct portone_webhook *webhook_r)
{
    const struct err *e = webhook_verify(ctx->arena, cfg_portone.webhook_secret, headers, body, len);
    if (e) {
        return e;
    }
    const struct json *root = NULL;
    const char *why = NULL;
    e = json_parse(ctx->arena, body, len, &root, &why);
    if (e) {
        return e;
    }
    const char *type = text(root, "type");
    if (type == NULL) {
        return ctx_invalid(ctx, "type", "is missing");
    }
    const struct json *data = json_get(root, "data");
    *webhook_r = (struct portone_webhook){
        .type = type,
        .at = instant_or_now(root, "timestamp"),
        .payment_id = text(data, "paymentId"),
        .store_id = text(data, "storeId"),
        .transaction_id = text(data, "transactionId"),
        .cancellation_id = text(data, "cancellationId"),
    };
    return NULL;
}
