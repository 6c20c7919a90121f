#include "src/payment/outcome.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/payment.h"
#include "src/contract/events.h"
#include "src/contract/reservation_api.h"

/* ---- finding out ---- */

static struct finding evidence_of(const struct portone_payment *record, int64_t amount)
{
    struct finding finding = {.evidence = EVIDENCE_NONE, .record = *record};
    const char *why;
    switch (record->status) {
    case PORTONE_PAID:
        finding.evidence = portone_proves_paid(record, amount, &why) ? EVIDENCE_PAID : EVIDENCE_WRONG;
        finding.reason = finding.evidence == EVIDENCE_WRONG ? "RECORD_MISMATCH" : NULL;
        break;
    case PORTONE_PARTIAL_CANCELLED:
        finding.evidence = EVIDENCE_WRONG;
        finding.reason = "PARTIALLY_CANCELLED";
        break;
    case PORTONE_CANCELLED:
        finding.evidence = EVIDENCE_REFUSED;
        finding.reason = "CANCELLED_AT_PROVIDER";
        break;
    case PORTONE_FAILED: /* the buyer may try another card under the same id */
        finding.evidence = EVIDENCE_UNPAID;
        finding.reason = "DECLINED";
        break;
    case PORTONE_READY:
        finding.evidence = EVIDENCE_UNPAID;
        finding.reason = "NOT_PAID";
        break;
    case PORTONE_PAY_PENDING:
    case PORTONE_VIRTUAL_ACCOUNT_ISSUED:
    case PORTONE_UNKNOWN:
        break;
    }
    return finding;
}

struct finding outcome_ask(struct ctx *ctx, const struct payment *payment)
{
    struct portone_payment record;
    const struct err *e = portone_get(ctx, payment->payment_key, &record);
    if (e == &err_not_found) {
        return (struct finding){.evidence = EVIDENCE_UNPAID, .reason = "NOT_PAID"};
    }
    return e ? (struct finding){.evidence = EVIDENCE_NONE} : evidence_of(&record, payment->amount);
}

const struct err *outcome_secure(struct ctx *ctx, const struct payment *payment)
{
    struct reservation_secure secure = {payment->id, payment->amount};
    struct reservation_info info;
    const struct err *e = reservation_api_secure(ctx, payment->reservation_id, &secure, &info);
    return e && e->flags & ERR_UNCERTAIN ? reservation_api_secure(ctx, payment->reservation_id, &secure, &info) : e;
}

/* The reservation's final no, as opposed to its silence. */
static bool seats_are_gone(const struct err *e)
{
    return e == &err_hold_expired || e == &err_amount_mismatch || e == &err_not_found;
}

struct finding outcome_investigate(struct ctx *ctx, const struct payment *payment)
{
    struct finding finding = outcome_ask(ctx, payment);
    if (finding.evidence != EVIDENCE_PAID) {
        return finding;
    }
    const struct err *e = outcome_secure(ctx, payment);
    if (e) {
        finding.evidence = seats_are_gone(e) ? EVIDENCE_WRONG : EVIDENCE_NONE;
        finding.reason = seats_are_gone(e) ? e->code : NULL;
    }
    return finding;
}

/* ---- recording ---- */

struct recording {
    const char *payment_id;
    const struct finding *finding;
    int64_t again_s;
    struct payment payment;
};

static const struct err *publish(struct ctx *ctx, const struct event_type *type, const struct payment *payment,
                                 const void *payload)
{
    return event_publish(ctx, &(struct event_new){.type = type,
                                                  .aggregate_id = payment->id,
                                                  .key = payment->user_id,
                                                  .user_id = payment->user_id,
                                                  .payload = payload});
}

static const struct err *succeed(struct ctx *ctx, struct payment *payment, const struct portone_payment *record)
{
    payment->paid_at = record->paid_at == CLOCK_NONE ? clock_now() : record->paid_at;
    const struct err *e =
        DB_RUN(ctx, &sql_payment_succeed, NULL, DB_TEXT(payment->id), DB_TEXT(payment_status_name(payment->status)),
               DB_TIME(payment->paid_at), DB_TEXT(record->transaction_id), DB_TEXT(record->raw));
    if (e) {
        return e;
    }
    struct payment_success payload = {.payment_id = payment->id,
                                      .payment_key = payment->payment_key,
                                      .reservation_id = payment->reservation_id,
                                      .amount = payment->amount,
                                      .paid_at = payment->paid_at,
                                      .portone_transaction_id = record->transaction_id};
    return publish(ctx, &event_payment_success, payment, &payload);
}

static const struct err *fail(struct ctx *ctx, struct payment *payment, const struct finding *finding)
{
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_payment_fail, &rows, DB_TEXT(payment->id), DB_TEXT(payment_status_name(payment->status)),
               DB_TEXT(finding->reason), DB_TEXT(finding->record.raw));
    if (e) {
        return e;
    }
    payment->failure_reason = finding->reason;
    struct payment_failed payload = {.payment_id = payment->id,
                                     .payment_key = payment->payment_key,
                                     .reservation_id = payment->reservation_id,
                                     .amount = payment->amount,
                                     .failure_reason = finding->reason,
                                     .failed_at = db_time(rows, 0, "failed_at")};
    return publish(ctx, &event_payment_failed, payment, &payload);
}

static const struct err *request_refund(struct ctx *ctx, const struct payment *payment, const char *reason)
{
    return DB_RUN(ctx, &sql_payment_request_refund, NULL, DB_TEXT(payment->id), DB_TEXT(reason));
}

static const struct err *postpone(struct ctx *ctx, const struct payment *payment, int64_t again_s)
{
    return DB_RUN(ctx, &sql_payment_postpone, NULL, DB_TEXT(payment->id), DB_INT(again_s));
}

static const struct err *decide(struct ctx *ctx, struct payment *payment, const struct finding *finding,
                                int64_t again_s)
{
    enum evidence evidence = finding->evidence;
    if (evidence == EVIDENCE_NONE || (evidence == EVIDENCE_UNPAID && !payment->overdue)) {
        return postpone(ctx, payment, again_s);
    }
    enum payment_event event = evidence == EVIDENCE_PAID ? PAYMENT_ON_PAID : PAYMENT_ON_FAILED;
    if (!payment_next(payment->status, event, &payment->status)) {
        return &err_internal;
    }
    if (evidence == EVIDENCE_PAID) {
        return succeed(ctx, payment, &finding->record);
    }
    const struct err *e = fail(ctx, payment, finding);
    return !e && evidence == EVIDENCE_WRONG ? request_refund(ctx, payment, finding->reason) : e;
}

static const struct err *record_locked(struct ctx *ctx, void *arg)
{
    struct recording *recording = arg;
    struct payment *payment = &recording->payment;
    const struct finding *finding = recording->finding;
    const struct err *e = payment_lock(ctx, recording->payment_id, payment);
    if (e) {
        return e;
    }
    if (payment->status == PAYMENT_PENDING) {
        return decide(ctx, payment, finding, recording->again_s);
    }
    bool charged = finding->evidence == EVIDENCE_PAID || finding->evidence == EVIDENCE_WRONG;
    if (payment->status == PAYMENT_FAILED && charged && payment->refund_requested_at == CLOCK_NONE) {
        return request_refund(ctx, payment, "CHARGED_AFTER_FAILURE");
    }
    return NULL;
}

const struct err *outcome_record(struct ctx *ctx, const char *payment_id, const struct finding *finding,
                                 int64_t again_s, struct payment *payment_r)
{
    struct recording recording = {.payment_id = payment_id, .finding = finding, .again_s = again_s};
    const struct err *e = db_transact(ctx, record_locked, &recording);
    if (!e) {
        *payment_r = recording.payment;
    }
    return e;
}
