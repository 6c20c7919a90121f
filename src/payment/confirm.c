#include "src/payment/confirm.h"

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
#include "src/payment/payment_errors.h"
#include "src/payment/payment_settings.h"
#include "src/providers/portone.h"

#define MINUTE_S 60

static const struct err *check_request(struct ctx *ctx, const struct confirm_request *request,
                                       const struct payment *payment)
{
    if (strcmp(request->reservation_id, payment->reservation_id) != 0) {
        return ctx_invalid(ctx, "reservationId", "is not what this payment is for");
    }
    if (strcmp(request->payment_key, payment->payment_key) != 0) {
        return ctx_invalid(ctx, "paymentKey", "is not this payment's");
    }
    return request->amount == payment->amount ? NULL : &err_amount_mismatch;
}

/* ---- answers ---- */

static const struct err *declined(struct ctx *ctx, const struct payment *payment, const char *reason)
{
    char ends[CLOCK_TEXT_SIZE];
    ctx_detail(ctx, "holdExpiresAt", "%s", clock_format(payment->hold_ends_at, ends));
    ctx_detail(ctx, "holdExpiresIn", "%lld", (long long)clock_seconds_left(payment->hold_ends_at));
    ctx_detail(ctx, "reason", "%s", reason && *reason ? reason : "declined");
    return &err_portone_declined;
}

/* What a payment answers that has just been found FAILED: as a rule the hold had ended. */
static const struct err *failure_of(const struct payment *payment)
{
    static const struct {
        const char *reason;
        const struct err *answer;
    } told[] = {
        {"AMOUNT_MISMATCH", &err_amount_mismatch},
        {"SALE_ENDED", &err_sale_ended},
        {"RECORD_MISMATCH", &err_amount_mismatch},
        {"PARTIALLY_CANCELLED", &err_payment_already_processed},
        {"CANCELLED_AT_PROVIDER", &err_payment_already_processed},
    };
    for (size_t i = 0; i < ARRAY_COUNT(told); i++) {
        if (strcmp(payment->failure_reason, told[i].reason) == 0) {
            return told[i].answer;
        }
    }
    return &err_hold_expired;
}

/* What a payment that has an outcome, or is being worked on, answers. */
static const struct err *answer_of(const struct payment *payment)
{
    bool fine = payment->status == PAYMENT_PENDING || payment->status == PAYMENT_SUCCESS;
    return fine ? NULL : &err_payment_already_processed;
}

/* ---- with what PortOne's record says ---- */

static const struct err *look(struct ctx *ctx, const struct payment *taken, struct payment *payment_r)
{
    struct finding finding;
    const struct err *e = outcome_look(ctx, taken, &finding, payment_r);
    if (e) {
        return e;
    }
    if (payment_r->status == PAYMENT_FAILED) {
        return failure_of(payment_r);
    }
    /* While a charge of ours may be under way the record may still be an earlier card's. */
    if (payment_r->status == PAYMENT_PENDING && taken->question == QUESTION_PAID &&
        finding.evidence == EVIDENCE_DECLINED) {
        return declined(ctx, payment_r, finding.record.failure_reason);
    }
    return answer_of(payment_r);
}

/* ---- with our own charge ---- */

/* One key per payment, token and attempt: the same charge however often it is asked for, and never two different
 * requests under one key. */
static const char *charge_key(struct ctx *ctx, const struct confirm_request *request)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    const char *text =
        arena_printf(ctx->arena, "%s %s %s", request->payment_key, request->payment_token, request->transaction_id);
    crypto_sha256(text, strlen(text), digest);
    return arena_printf(ctx->arena, "confirm-%s", crypto_hex(ctx->arena, digest, sizeof digest));
}

/* A refusal that is about what the browser sent, not about the card: it changes nothing. NULL: it is no such one. */
static const struct err *slip(struct ctx *ctx, const char *type)
{
    static const struct {
        const char *type, *field, *reason;
    } slips[] = {
        {"INVALID_PAYMENT_TOKEN", "paymentToken", "is not the token of this payment's present attempt"},
        {"INFORMATION_MISMATCH", "transactionId", "is not the attempt that gave the token"},
        {"INVALID_REQUEST", "paymentToken", "is not one that PortOne takes"},
        {"PAYMENT_NOT_FOUND", "paymentToken", "is of no attempt to pay that PortOne knows"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(slips); i++) {
        if (strcmp(type, slips[i].type) == 0) {
            return ctx_invalid(ctx, slips[i].field, "%s", slips[i].reason);
        }
    }
    return NULL;
}

static const struct err *charge(struct ctx *ctx, const struct confirm_request *request, const char *key,
                                struct portone_refusal *refusal_r)
{
    struct portone_confirm confirm = {.payment_token = request->payment_token,
                                      .tx_id = request->transaction_id,
                                      .amount = request->amount,
                                      .idempotency_key = key};
    struct portone_confirmation confirmation;
    const struct err *e = portone_confirm(ctx, request->payment_key, &confirm, &confirmation, refusal_r);
    if (e == &err_not_found) {
        refusal_r->type = "PAYMENT_NOT_FOUND";
        return &err_portone_declined;
    }
    return e;
}

/* A payment whose turn we have to charge it. */
struct charging {
    struct payment taken;
    const char *key;
    bool again; /* the same charge was sent before, and may be under way */
};

/* The seats are secured. Only a charge that surely did not happen lets them go again: one that PortOne refuses, or that
 * was never sent. */
static const struct err *charge_and_look(struct ctx *ctx, const struct confirm_request *request,
                                         const struct charging *charging, struct payment *payment_r)
{
    const struct payment *taken = &charging->taken;
    struct portone_refusal refusal;
    const struct err *e = charge(ctx, request, charging->key, &refusal);
    bool refused = e == &err_portone_declined && strcmp(refusal.type, "ALREADY_PAID") != 0;
    bool never_sent = e == &err_portone_unavailable && !charging->again;
    if (!refused && !never_sent) {
        return look(ctx, taken, payment_r);
    }
    const struct err *recorded = outcome_let_go(ctx, taken, payment_r);
    if (recorded || never_sent) {
        return recorded ? recorded : e;
    }
    const struct err *slipped = slip(ctx, refusal.type);
    return slipped ? slipped : declined(ctx, taken, refusal.pg_message ? refusal.pg_message : refusal.message);
}

static const struct err *secure_and_charge(struct ctx *ctx, const struct confirm_request *request,
                                           const struct charging *charging, struct payment *payment_r)
{
    const struct payment *taken = &charging->taken;
    const struct err *e = outcome_secure(ctx, taken);
    if (!e) {
        return charge_and_look(ctx, request, charging, payment_r);
    }
    if (charging->again) {
        return look(ctx, taken, payment_r);
    }
    const struct err *why = e == &err_not_found ? &err_hold_expired : e;
    const struct err *recorded = outcome_seats_are_gone(e)
                                     ? outcome_fail_without_seats(ctx, taken, why->code, payment_r)
                                     : outcome_let_go(ctx, taken, payment_r);
    return recorded ? recorded : why;
}

/* ---- the whole ---- */

static const struct err *begin_charge(struct ctx *ctx, const struct confirm_request *request,
                                      struct charging *charging_r, bool *ours_r)
{
    const struct db_rows *rows;
    charging_r->key = charge_key(ctx, request);
    const struct err *e = DB_RUN(ctx, &sql_payment_begin_charge, &rows, DB_TEXT(request->payment_id),
                                 DB_INT(payment_settings.busy_s), DB_TEXT(charging_r->key));
    *ours_r = !e && db_count(rows) == 1;
    if (*ours_r) {
        payment_read_row(rows, 0, &charging_r->taken);
        charging_r->again = db_bool(rows, 0, "again");
    }
    return e;
}

static const struct err *confirm_pending(struct ctx *ctx, const struct confirm_request *request,
                                         const struct payment *payment, struct payment *payment_r)
{
    struct charging charging;
    struct payment taken;
    bool ours = false;
    const struct err *e = NULL;
    if (request->payment_token && payment->amount > 0) {
        e = begin_charge(ctx, request, &charging, &ours);
    }
    if (e) {
        return e;
    }
    if (ours) {
        return secure_and_charge(ctx, request, &charging, payment_r);
    }
    e = outcome_begin_look(ctx, request->payment_id, &taken, &ours);
    if (e) {
        return e;
    }
    if (ours) {
        return look(ctx, &taken, payment_r);
    }
    e = payment_get_of(ctx, request->user_id, request->payment_id, payment_r);
    return e ? e : answer_of(payment_r);
}

/* The buyer may know of a charge that we do not. */
static const struct err *confirm_failed(struct ctx *ctx, const struct payment *payment)
{
    const struct err *e = DB_RUN(ctx, &sql_payment_nudge, NULL, DB_TEXT(payment->id), DB_BOOL(false));
    return e ? e : &err_payment_already_processed;
}

const struct err *confirm_payment(struct ctx *ctx, const struct confirm_request *request, struct payment *payment_r)
{
    struct payment payment;
    const struct err *e =
        limit_take(ctx, &(struct limit){"confirm", payment_settings.confirms_per_minute, MINUTE_S}, request->user_id);
    e = e ? e : payment_get_of(ctx, request->user_id, request->payment_id, &payment);
    e = e ? e : check_request(ctx, request, &payment);
    e = e ? e : queue_token_check_sent(ctx, request->queue_token, request->user_id, payment.schedule_id);
    if (e) {
        return e;
    }
    switch (payment.status) {
    case PAYMENT_PENDING:
        return confirm_pending(ctx, request, &payment, payment_r);
    case PAYMENT_FAILED:
        return confirm_failed(ctx, &payment);
    case PAYMENT_SUCCESS:
    case PAYMENT_REFUNDED:
    case PAYMENT_STATUS__MAX:
        break;
    }
    *payment_r = payment;
    return answer_of(payment_r);
}
