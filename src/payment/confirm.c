#include "src/payment/confirm.h"

#include <string.h>

#include "common/crypto/crypto.h"
#include "common/io/db.h"
#include "sql/payment.h"
#include "src/contract/queue_token.h"
#include "src/contract/reservation_api.h"
#include "src/payment/outcome.h"
#include "src/payment/payment_errors.h"
#include "src/payment/payment_settings.h"
#include "src/providers/portone.h"

/* Without Redis the token cannot be checked; a payment in progress is finished all the same, because its owner had a
 * token when it was begun. */
static const struct err *check_token(struct ctx *ctx, const struct confirm_request *request,
                                     const struct payment *payment)
{
    const struct err *e = queue_token_check(ctx, request->queue_token, request->user_id, payment->schedule_id);
    return e == &err_unavailable ? NULL : e;
}

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

/* What a payment that has an outcome, or is being worked on, answers. */
static const struct err *answer_of(const struct payment *payment)
{
    switch (payment->status) {
    case PAYMENT_PENDING:
    case PAYMENT_SUCCESS:
        return NULL;
    case PAYMENT_FAILED:
    case PAYMENT_REFUNDED:
    case PAYMENT_STATUS__MAX:
        break;
    }
    return &err_payment_already_processed;
}

static const struct err *mark_busy(struct ctx *ctx, const char *payment_id, bool *ours_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_payment_begin_confirm, &rows, DB_TEXT(payment_id),
                                 DB_INT(payment_settings.busy_s), DB_INT(payment_settings.patience_s));
    if (!e) {
        *ours_r = db_affected(rows) == 1;
    }
    return e;
}

/* Nothing has happened: the next confirm may begin at once. */
static const struct err *lift(struct ctx *ctx, const struct payment *payment, const struct err *why)
{
    if (DB_RUN(ctx, &sql_payment_postpone, NULL, DB_TEXT(payment->id), DB_INT(payment_settings.retry_s))) {
        log_warn(&ctx->log, "payment stays busy for a while");
    }
    return why;
}

/* One key per payment and token: the same charge however often it is asked for. */
static const char *charge_key(struct ctx *ctx, const struct confirm_request *request)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    const char *text = arena_printf(ctx->arena, "%s %s", request->payment_key, request->payment_token);
    crypto_sha256(text, strlen(text), digest);
    return arena_printf(ctx->arena, "confirm-%s", crypto_hex(ctx->arena, digest, sizeof digest));
}

static const struct err *charge(struct ctx *ctx, const struct confirm_request *request)
{
    struct portone_confirm confirm = {.payment_token = request->payment_token,
                                      .tx_id = request->transaction_id,
                                      .amount = request->amount,
                                      .idempotency_key = charge_key(ctx, request)};
    struct portone_confirmation confirmation;
    struct portone_refusal refusal;
    const struct err *e = portone_confirm(ctx, request->payment_key, &confirm, &confirmation, &refusal);
    if (e == &err_portone_declined && strcmp(refusal.type, "ALREADY_PAID") == 0) {
        return NULL;
    }
    return e;
}

static const struct err *record_failure(struct ctx *ctx, const struct payment *payment, const char *reason,
                                        const struct err *answer)
{
    struct finding finding = {.evidence = EVIDENCE_REFUSED, .reason = reason};
    struct payment after;
    const struct err *e = outcome_record(ctx, payment->id, &finding, payment_settings.retry_s, &after);
    return e ? e : answer;
}

/* The seats are gone. Charged in the browser already? Then the money goes back. */
static const struct err *fail_without_seats(struct ctx *ctx, const struct confirm_request *request,
                                            const struct payment *payment, const struct err *why)
{
    struct finding finding = {.evidence = EVIDENCE_REFUSED};
    if (!request->payment_token) {
        finding = outcome_ask(ctx, payment);
    }
    switch (finding.evidence) {
    case EVIDENCE_PAID:
        finding.evidence = EVIDENCE_WRONG;
        break;
    case EVIDENCE_UNPAID:
        finding.evidence = EVIDENCE_REFUSED;
        break;
    case EVIDENCE_NONE:
    case EVIDENCE_REFUSED:
    case EVIDENCE_WRONG:
        break;
    }
    finding.reason = why->code;
    struct payment after;
    const struct err *e = outcome_record(ctx, payment->id, &finding, payment_settings.retry_s, &after);
    return e ? e : why;
}

/* The seats are secured. */
static const struct err *settle(struct ctx *ctx, const struct confirm_request *request, const struct payment *payment,
                                struct payment *payment_r)
{
    const struct err *e = request->payment_token ? charge(ctx, request) : NULL;
    if (e == &err_portone_declined || e == &err_not_found) {
        return record_failure(ctx, payment, "DECLINED", &err_portone_declined);
    }
    if (e == &err_portone_unavailable) {
        return lift(ctx, payment, e);
    }
    struct finding finding = outcome_ask(ctx, payment);
    e = outcome_record(ctx, payment->id, &finding, payment_settings.retry_s, payment_r);
    if (e) {
        return e;
    }
    return finding.evidence == EVIDENCE_WRONG ? &err_amount_mismatch : answer_of(payment_r);
}

static const struct err *secure_and_settle(struct ctx *ctx, const struct confirm_request *request,
                                           const struct payment *payment, struct payment *payment_r)
{
    const struct err *e = outcome_secure(ctx, payment);
    if (!e) {
        return settle(ctx, request, payment, payment_r);
    }
    if (e == &err_hold_expired || e == &err_amount_mismatch || e == &err_not_found) {
        return fail_without_seats(ctx, request, payment, e == &err_not_found ? &err_hold_expired : e);
    }
    return lift(ctx, payment, e);
}

const struct err *confirm_payment(struct ctx *ctx, const struct confirm_request *request, struct payment *payment_r)
{
    struct payment payment;
    const struct err *e = payment_get_of(ctx, request->user_id, request->payment_id, &payment);
    e = e ? e : check_request(ctx, request, &payment);
    if (e) {
        return e;
    }
    bool ours = false;
    if (payment.status == PAYMENT_PENDING) {
        e = check_token(ctx, request, &payment);
        e = e ? e : mark_busy(ctx, payment.id, &ours);
        if (e) {
            return e;
        }
    }
    if (ours) {
        return secure_and_settle(ctx, request, &payment, payment_r);
    }
    e = payment_get_of(ctx, request->user_id, request->payment_id, payment_r);
    return e ? e : answer_of(payment_r);
}
