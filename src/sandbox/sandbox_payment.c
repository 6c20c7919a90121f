#include "src/sandbox/sandbox_payment.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/redis.h"
#include "src/providers/sandbox_credentials.h"
#include "src/sandbox/sandbox_errors.h"
#include "src/sandbox/sandbox_state.h"

#define INDEX SANDBOX_KEY("payments")
#define TRIES_MAX 100
#define CURRENCY "KRW"

/* ---- documents ---- */

SHAPE_OPEN(charge_shape, struct sandbox_charge,
           {FIELD(struct sandbox_charge, "transactionId", FIELD_STR, transaction_id)},
           {FIELD(struct sandbox_charge, "pgTxId", FIELD_STR, pg_tx_id)},
           {FIELD(struct sandbox_charge, "amount", FIELD_INT, amount)},
           {FIELD(struct sandbox_charge, "at", FIELD_INT, at)});

SHAPE_OPEN(cancellation_shape, struct sandbox_cancellation, {FIELD(struct sandbox_cancellation, "id", FIELD_STR, id)},
           {FIELD(struct sandbox_cancellation, "amount", FIELD_INT, amount)},
           {FIELD(struct sandbox_cancellation, "reason", FIELD_STR, reason)},
           {FIELD(struct sandbox_cancellation, "at", FIELD_INT, at)});

SHAPE_OPEN(notice_shape, struct sandbox_notice, {FIELD(struct sandbox_notice, "id", FIELD_STR, id)},
           {FIELD(struct sandbox_notice, "type", FIELD_STR, type)}, {FIELD(struct sandbox_notice, "at", FIELD_INT, at)},
           {FIELD(struct sandbox_notice, "cancellationId", FIELD_STR, cancellation_id)});

SHAPE_OPEN(payment_shape, struct sandbox_payment, {FIELD(struct sandbox_payment, "paymentId", FIELD_STR, payment_id)},
           {FIELD(struct sandbox_payment, "storeId", FIELD_STR, store_id)},
           {FIELD(struct sandbox_payment, "status", FIELD_STR, status)},
           {FIELD(struct sandbox_payment, "transactionId", FIELD_STR, transaction_id)},
           {FIELD(struct sandbox_payment, "paymentToken", FIELD_STR, payment_token)},
           {FIELD(struct sandbox_payment, "expected", FIELD_INT, expected)},
           {FIELD(struct sandbox_payment, "total", FIELD_INT, total)},
           {FIELD(struct sandbox_payment, "requestedAt", FIELD_INT, requested_at)},
           {FIELD(struct sandbox_payment, "changedAt", FIELD_INT, changed_at)},
           {FIELD(struct sandbox_payment, "silent", FIELD_BOOL, silent)},
           {FIELD(struct sandbox_payment, "noticeUrls", FIELD_STRS, notice_urls)},
           {FIELD(struct sandbox_payment, "charges", FIELD_LIST, charges), .sub = &charge_shape},
           {FIELD(struct sandbox_payment, "cancellations", FIELD_LIST, cancellations), .sub = &cancellation_shape},
           {FIELD(struct sandbox_payment, "notice", FIELD_OBJECT, notice), .sub = &notice_shape});

static const char *document_key(struct ctx *ctx, const char *payment_id)
{
    return arena_printf(ctx->arena, SANDBOX_KEY("payment:%s"), payment_id);
}

static const struct err *read_document(struct ctx *ctx, const char *text, struct sandbox_payment *payment_r)
{
    void *payment;
    if (json_read(ctx, text, strlen(text), &payment_shape, &payment) != NULL) {
        return &err_internal;
    }
    *payment_r = *(struct sandbox_payment *)payment;
    return NULL;
}

typedef const struct err *change_fn(struct ctx *ctx, struct sandbox_payment *payment, const void *arg);

static const struct err *try_change(struct ctx *ctx, const char *payment_id, change_fn *change, const void *arg,
                                    struct sandbox_payment *payment, bool *done_r)
{
    struct sandbox_swap swap = {.key = document_key(ctx, payment_id), .index = INDEX, .member = payment_id};
    const struct err *e = sandbox_load(ctx, swap.key, &swap.old);
    *payment =
        (struct sandbox_payment){.payment_id = payment_id, .store_id = SANDBOX_PORTONE_STORE, .expected = FIELD_NO_INT};
    if (!e && swap.old != NULL) {
        e = read_document(ctx, swap.old, payment);
    }
    e = e ? e : change(ctx, payment, arg);
    if (e) {
        return e;
    }
    swap.text = sandbox_write(ctx, &payment_shape, payment);
    return sandbox_swap(ctx, &swap, done_r);
}

static const struct err *change_payment(struct ctx *ctx, const char *payment_id, change_fn *change, const void *arg,
                                        struct sandbox_payment *payment_r)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        bool done = false;
        const struct err *e = try_change(ctx, payment_id, change, arg, payment_r, &done);
        if (e || done) {
            return e;
        }
    }
    return &err_unavailable;
}

const struct err *sandbox_payment_find(struct ctx *ctx, const char *payment_id, struct sandbox_payment *payment_r)
{
    const char *text;
    const struct err *e = sandbox_load(ctx, document_key(ctx, payment_id), &text);
    if (e) {
        return e;
    }
    if (text == NULL) {
        return &err_sandbox_payment_unknown;
    }
    e = read_document(ctx, text, payment_r);
    return !e && payment_r->status == NULL ? &err_sandbox_payment_unknown : e;
}

static const struct err *load_documents(struct ctx *ctx, const struct redis_value **documents_r)
{
    const struct redis_value *ids;
    const struct err *e = REDIS_RUN(ctx, &ids, "ZRANGE", INDEX, "0", "-1");
    if (e) {
        return e;
    }
    if (ids->count == 0) {
        *documents_r = ids;
        return NULL;
    }
    const char **command = arena_calloc(ctx->arena, ids->count + 1, sizeof *command);
    command[0] = "MGET";
    for (size_t i = 0; i < ids->count; i++) {
        command[i + 1] = document_key(ctx, redis_str(ids, i));
    }
    return redis_run(ctx, documents_r, command, ids->count + 1);
}

const struct err *sandbox_payment_list(struct ctx *ctx, struct json_list *payments_r)
{
    const struct redis_value *documents;
    const struct err *e = load_documents(ctx, &documents);
    if (e) {
        return e;
    }
    struct sandbox_payment *payments = arena_calloc(ctx->arena, documents->count + 1, sizeof *payments);
    size_t count = 0;
    for (size_t i = 0; i < documents->count; i++) {
        const char *text = redis_str(documents, i);
        if (text == NULL) {
            continue;
        }
        e = read_document(ctx, text, &payments[count]);
        if (e) {
            return e;
        }
        if (payments[count].status != NULL) {
            count++;
        }
    }
    *payments_r = (struct json_list){payments, count};
    return NULL;
}

/* ---- what can happen to a payment ---- */

int64_t sandbox_payment_cancelled(const struct sandbox_payment *payment)
{
    const struct sandbox_cancellation *cancellations = payment->cancellations.items;
    int64_t sum = 0;
    for (size_t i = 0; i < payment->cancellations.count; i++) {
        sum += cancellations[i].amount;
    }
    return sum;
}

static bool has_status(const struct sandbox_payment *payment, const char *status)
{
    return payment->status != NULL && strcmp(payment->status, status) == 0;
}

static bool was_paid(const struct sandbox_payment *payment)
{
    return has_status(payment, "PAID") || has_status(payment, "PARTIAL_CANCELLED") || has_status(payment, "CANCELLED");
}

static const char *new_id(struct ctx *ctx)
{
    char id[UUID_SIZE];
    return arena_strdup(ctx->arena, uuid_v4(id));
}

/* The list with one more element of `size` bytes at its end. */
static struct json_list appended(struct ctx *ctx, struct json_list list, const void *element, size_t size)
{
    char *items = arena_calloc(ctx->arena, list.count + 1, size);
    if (list.count > 0) {
        memcpy(items, list.items, list.count * size);
    }
    memcpy(items + list.count * size, element, size);
    return (struct json_list){items, list.count + 1};
}

static void notice_set(struct ctx *ctx, struct sandbox_payment *payment, const char *type, const char *cancellation_id)
{
    payment->notice =
        (struct sandbox_notice){.id = new_id(ctx), .type = type, .at = clock_now(), .cancellation_id = cancellation_id};
}

static void set_status(struct sandbox_payment *payment, const char *status)
{
    payment->status = status;
    payment->changed_at = clock_now();
}

static void charge(struct ctx *ctx, struct sandbox_payment *payment)
{
    const struct sandbox_charge done = {
        .transaction_id = payment->transaction_id,
        .pg_tx_id = arena_printf(ctx->arena, "pg-%s", new_id(ctx)),
        .amount = payment->total,
        .at = clock_now(),
    };
    payment->charges = appended(ctx, payment->charges, &done, sizeof done);
    payment->payment_token = NULL;
    set_status(payment, "PAID");
    notice_set(ctx, payment, "Transaction.Paid", NULL);
}

static const struct err *do_register(struct ctx *ctx, struct sandbox_payment *payment, const void *arg)
{
    (void)ctx;
    if (was_paid(payment)) {
        return &err_sandbox_already_paid;
    }
    payment->expected = *(const int64_t *)arg;
    return NULL;
}

const struct err *sandbox_payment_register(struct ctx *ctx, const char *payment_id, int64_t amount)
{
    struct sandbox_payment payment;
    return change_payment(ctx, payment_id, do_register, &amount, &payment);
}

static const struct err *do_attempt(struct ctx *ctx, struct sandbox_payment *payment, const void *arg)
{
    const struct sandbox_attempt *attempt = arg;
    if (was_paid(payment)) {
        return &err_sandbox_already_paid;
    }
    int64_t amount = attempt->amount == FIELD_NO_INT ? payment->expected : attempt->amount;
    if (amount == FIELD_NO_INT) {
        return ctx_invalid(ctx, "amount", "is needed: no amount was pre-registered");
    }
    if (payment->expected != FIELD_NO_INT && amount != payment->expected && !attempt->force) {
        return &err_sandbox_amount_differs;
    }
    payment->total = amount;
    payment->transaction_id = new_id(ctx);
    payment->payment_token = NULL;
    payment->requested_at = clock_now();
    payment->silent = attempt->silent;
    payment->notice_urls = attempt->notice_urls;
    switch (attempt->outcome) {
    case SANDBOX_PAID:
        charge(ctx, payment);
        break;
    case SANDBOX_FAILED:
        set_status(payment, "FAILED");
        notice_set(ctx, payment, "Transaction.Failed", NULL);
        break;
    case SANDBOX_AUTHORIZED:
        set_status(payment, "READY");
        payment->payment_token = arena_printf(ctx->arena, "token-%s", new_id(ctx));
        payment->notice = (struct sandbox_notice){0};
        break;
    }
    return NULL;
}

const struct err *sandbox_payment_attempt(struct ctx *ctx, const char *payment_id,
                                          const struct sandbox_attempt *attempt, struct sandbox_payment *payment_r)
{
    return change_payment(ctx, payment_id, do_attempt, attempt, payment_r);
}

static bool differs(const char *guard, const char *value)
{
    return guard != NULL && (value == NULL || strcmp(guard, value) != 0);
}

static const struct err *do_confirm(struct ctx *ctx, struct sandbox_payment *payment, const void *arg)
{
    const struct sandbox_confirm *confirm = arg;
    if (payment->status == NULL) {
        return &err_sandbox_payment_unknown;
    }
    if (was_paid(payment)) {
        return &err_sandbox_already_paid;
    }
    if (payment->payment_token == NULL || differs(confirm->payment_token, payment->payment_token)) {
        return &err_sandbox_token_invalid;
    }
    if (differs(confirm->tx_id, payment->transaction_id) || differs(confirm->currency, CURRENCY) ||
        (confirm->total_amount != FIELD_NO_INT && confirm->total_amount != payment->total) || confirm->is_test == 0) {
        return &err_sandbox_information_mismatch;
    }
    charge(ctx, payment);
    return NULL;
}

const struct err *sandbox_payment_confirm(struct ctx *ctx, const char *payment_id,
                                          const struct sandbox_confirm *confirm, struct sandbox_payment *payment_r)
{
    return change_payment(ctx, payment_id, do_confirm, confirm, payment_r);
}

static const struct err *do_cancel(struct ctx *ctx, struct sandbox_payment *payment, const void *arg)
{
    const struct sandbox_cancel *cancel = arg;
    if (payment->status == NULL) {
        return &err_sandbox_payment_unknown;
    }
    if (has_status(payment, "CANCELLED")) {
        return &err_sandbox_already_cancelled;
    }
    if (!was_paid(payment)) {
        return &err_sandbox_not_paid;
    }
    int64_t left = payment->total - sandbox_payment_cancelled(payment);
    if (cancel->current_cancellable != FIELD_NO_INT && cancel->current_cancellable != left) {
        return &err_sandbox_cancellable_differs;
    }
    int64_t amount = cancel->amount == FIELD_NO_INT ? left : cancel->amount;
    if (amount > left) {
        return &err_sandbox_cancel_too_much;
    }
    const struct sandbox_cancellation done = {
        .id = new_id(ctx), .amount = amount, .reason = cancel->reason, .at = clock_now()};
    payment->cancellations = appended(ctx, payment->cancellations, &done, sizeof done);
    set_status(payment, amount == left ? "CANCELLED" : "PARTIAL_CANCELLED");
    notice_set(ctx, payment, amount == left ? "Transaction.Cancelled" : "Transaction.PartialCancelled", done.id);
    return NULL;
}

const struct err *sandbox_payment_cancel(struct ctx *ctx, const char *payment_id, const struct sandbox_cancel *cancel,
                                         struct sandbox_payment *payment_r)
{
    return change_payment(ctx, payment_id, do_cancel, cancel, payment_r);
}

static const char *fitting_type(const struct sandbox_payment *payment)
{
    static const struct {
        const char *status;
        const char *type;
    } types[] = {
        {"READY", "Transaction.Ready"},         {"PAID", "Transaction.Paid"},
        {"FAILED", "Transaction.Failed"},       {"PARTIAL_CANCELLED", "Transaction.PartialCancelled"},
        {"CANCELLED", "Transaction.Cancelled"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (has_status(payment, types[i].status)) {
            return types[i].type;
        }
    }
    return "Transaction.Ready";
}

static const struct err *do_notice(struct ctx *ctx, struct sandbox_payment *payment, const void *arg)
{
    if (payment->status == NULL) {
        return &err_sandbox_payment_unknown;
    }
    const char *type = arg == NULL ? fitting_type(payment) : arg;
    if (payment->notice.id == NULL || strcmp(payment->notice.type, type) != 0) {
        notice_set(ctx, payment, type, payment->notice.cancellation_id);
    }
    return NULL;
}

const struct err *sandbox_payment_notice(struct ctx *ctx, const char *payment_id, const char *type,
                                         struct sandbox_payment *payment_r)
{
    return change_payment(ctx, payment_id, do_notice, type, payment_r);
}
