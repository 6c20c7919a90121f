#include "src/payment/outcome.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/payment.h"
#include "src/contract/events.h"
#include "src/contract/reservation_api.h"
#include "src/contract/schedule.h"
#include "src/payment/payment_settings.h"
#include "src/payment/refund.h"

/* ---- finding out ---- */

static const struct {
    enum evidence evidence;
    const char *reason;
} meanings[] = {
    [PORTONE_UNKNOWN] = {EVIDENCE_OPEN, "NOT_PAID"},
    [PORTONE_READY] = {EVIDENCE_UNPAID, "NOT_PAID"},
    [PORTONE_PAY_PENDING] = {EVIDENCE_OPEN, "NOT_PAID"},
    [PORTONE_VIRTUAL_ACCOUNT_ISSUED] = {EVIDENCE_OPEN, "NOT_PAID"},
    [PORTONE_PAID] = {EVIDENCE_PAID, NULL},
    [PORTONE_FAILED] = {EVIDENCE_DECLINED, "DECLINED"},
    [PORTONE_PARTIAL_CANCELLED] = {EVIDENCE_PARTLY_BACK, "PARTIALLY_CANCELLED"},
    [PORTONE_CANCELLED] = {EVIDENCE_BACK, "CANCELLED_AT_PROVIDER"},
};

static struct finding finding_of(const struct portone_payment *record, int64_t amount)
{
    const char *why;
    if (record->status == PORTONE_PAID && !portone_proves_paid(record, amount, &why)) {
        return (struct finding){EVIDENCE_MISMATCH, "RECORD_MISMATCH", *record};
    }
    return (struct finding){meanings[record->status].evidence, meanings[record->status].reason, *record};
}

const struct err *outcome_begin_look(struct ctx *ctx, const char *payment_id, struct payment *taken_r, bool *ours_r)
{
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_payment_begin_look, &rows, DB_TEXT(payment_id), DB_INT(payment_settings.look_busy_s));
    *ours_r = !e && db_count(rows) == 1;
    if (*ours_r) {
        payment_read_row(rows, 0, taken_r);
    }
    return e;
}

struct finding outcome_ask(struct ctx *ctx, const struct payment *payment)
{
    struct portone_payment record = {.paid_at = CLOCK_NONE, .cancelled_at = CLOCK_NONE};
    if (payment->amount == 0) {
        return (struct finding){EVIDENCE_PAID, NULL, record};
    }
    const struct err *e = portone_get(ctx, payment->payment_key, &record);
    if (e == &err_not_found) {
        return (struct finding){EVIDENCE_UNPAID, "NOT_PAID", record};
    }
    if (e) {
        log_warn(&ctx->log, "PortOne cannot be asked about payment '%s': %s", payment->id, e->code);
        return (struct finding){.evidence = EVIDENCE_SILENT};
    }
    return finding_of(&record, payment->amount);
}

/* ---- the seats ---- */

const struct err *outcome_secure(struct ctx *ctx, const struct payment *payment)
{
    struct reservation_secure secure = {payment->id, payment->amount};
    struct reservation_info info;
    const struct err *e = reservation_api_secure(ctx, payment->reservation_id, &secure, &info);
    return e && e->flags & ERR_UNCERTAIN ? reservation_api_secure(ctx, payment->reservation_id, &secure, &info) : e;
}

bool outcome_seats_are_gone(const struct err *e)
{
    return e == &err_hold_expired || e == &err_sale_ended || e == &err_amount_mismatch || e == &err_not_found;
}

/* ---- recording ---- */

struct recording {
    const struct payment *taken;
    enum payment_step step;
    const char *reason;
    const struct portone_payment *record;
    bool unasked;     /* PortOne has not been asked this time */
    bool paid;        /* PortOne has said so */
    int64_t returned; /* won that PortOne has given back in all */
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

/* Doubles with every time that the question was asked, up to a cap. What the buyer may still be doing in the browser is
 * given more time than what is ours. */
static int64_t pause_s(const struct payment *payment)
{
    int64_t pause = payment->question == QUESTION_PAID ? payment_settings.look_s : payment_settings.retry_s;
    int64_t cap = payment->question == QUESTION_LATE ? payment_settings.late_cap_s : payment_settings.retry_cap_s;
    for (int64_t i = 1; i < payment->checks && pause < cap; i++) {
        pause *= 2;
    }
    return pause < cap ? pause : cap;
}

static const struct err *ask_again(struct ctx *ctx, struct recording *recording)
{
    const struct payment *payment = &recording->payment;
    return DB_RUN(ctx, &sql_payment_ask_again, NULL, DB_TEXT(payment->id), DB_INT(pause_s(payment)),
                  DB_INT(payment_last_look_s()));
}

static const struct err *cannot_be(struct ctx *ctx, struct recording *recording)
{
    const char *seen = recording->record->status_text;
    log_error(&ctx->log, "payment '%s' is %s, but PortOne's record says %s", recording->payment.id,
              payment_status_name(recording->payment.status), seen ? seen : "nothing");
    return ask_again(ctx, recording);
}

static const struct err *let_go(struct ctx *ctx, struct recording *recording)
{
    return DB_RUN(ctx, &sql_payment_let_go, NULL, DB_TEXT(recording->payment.id), DB_INT(payment_settings.retry_s),
                  DB_INT(payment_last_look_s()));
}

static const struct err *rest(struct ctx *ctx, struct recording *recording)
{
    return DB_RUN(ctx, &sql_payment_rest, NULL, DB_TEXT(recording->payment.id));
}

static const struct err *succeed(struct ctx *ctx, struct recording *recording)
{
    struct payment *payment = &recording->payment;
    const struct portone_payment *record = recording->record;
    if (!payment_next(payment->status, PAYMENT_ON_PAID, &payment->status)) {
        return &err_internal;
    }
    payment->paid_at = record->paid_at == CLOCK_NONE ? clock_now() : record->paid_at;
    const struct err *e =
        DB_RUN(ctx, &sql_payment_succeed, NULL, DB_TEXT(payment->id), DB_TEXT(payment_status_name(payment->status)),
               DB_TIME(payment->paid_at), DB_TEXT(record->transaction_id), DB_TEXT(record->record));
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

static const struct err *fail_and_ask(struct ctx *ctx, struct recording *recording, enum payment_question question)
{
    struct payment *payment = &recording->payment;
    if (!payment_next(payment->status, PAYMENT_ON_FAILED, &payment->status)) {
        return &err_internal;
    }
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_payment_fail, &rows, DB_TEXT(payment->id), DB_TEXT(payment_status_name(payment->status)),
               DB_TEXT(recording->reason), DB_TEXT(recording->record->record), DB_TEXT(payment_question_name(question)),
               DB_INT(payment_settings.late_s), DB_INT(recording->unasked ? 0 : payment_settings.look_s));
    if (e) {
        return e;
    }
    payment->failure_reason = recording->reason;
    struct payment_failed payload = {.payment_id = payment->id,
                                     .payment_key = payment->payment_key,
                                     .reservation_id = payment->reservation_id,
                                     .amount = payment->amount,
                                     .failure_reason = recording->reason,
                                     .failed_at = db_time(rows, 0, "failed_at")};
    return publish(ctx, &event_payment_failed, payment, &payload);
}

static const struct err *fail(struct ctx *ctx, struct recording *recording)
{
    return fail_and_ask(ctx, recording, QUESTION_LATE);
}

static const struct err *end(struct ctx *ctx, struct recording *recording)
{
    return fail_and_ask(ctx, recording, QUESTION_NONE);
}

static const struct err *request_refund(struct ctx *ctx, const struct recording *recording, const char *reason)
{
    return DB_RUN(ctx, &sql_payment_request_refund, NULL, DB_TEXT(recording->payment.id), DB_TEXT(reason));
}

static const struct err *fail_and_return(struct ctx *ctx, struct recording *recording)
{
    const struct err *e = fail(ctx, recording);
    return e ? e : request_refund(ctx, recording, recording->reason);
}

static const struct err *refund_late(struct ctx *ctx, struct recording *recording)
{
    return request_refund(ctx, recording, "CHARGED_AFTER_FAILURE");
}

/* A FAILED payment that was charged all the same stays FAILED: its buyer was told so. */
static const struct err *refunded(struct ctx *ctx, struct recording *recording)
{
    struct payment *payment = &recording->payment;
    if (!payment_next(payment->status, PAYMENT_ON_REFUNDED, &payment->status) && payment->status != PAYMENT_FAILED) {
        return &err_internal;
    }
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_payment_refunded, &rows, DB_TEXT(payment->id),
                                 DB_TEXT(payment_status_name(payment->status)), DB_INT(recording->returned));
    if (e) {
        return e;
    }
    struct payment_refunded payload = {.payment_id = payment->id,
                                       .reservation_id = payment->reservation_id,
                                       .amount = recording->returned,
                                       .reason = db_str(rows, 0, "refund_reason"),
                                       .refunded_at = db_time(rows, 0, "refunded_at")};
    return publish(ctx, &event_payment_refunded, payment, &payload);
}

static const struct err *taken_back(struct ctx *ctx, struct recording *recording)
{
    log_error(&ctx->log, "payment '%s' was given back at PortOne, and nobody here had asked for it: its ticket ends",
              recording->payment.id);
    return refunded(ctx, recording);
}

static const struct err *note_part(struct ctx *ctx, struct recording *recording)
{
    if (recording->returned != recording->payment.refunded_amount) {
        log_error(&ctx->log, "a part of payment '%s' was given back at PortOne: %lld won; its ticket stays",
                  recording->payment.id, (long long)recording->returned);
    }
    return DB_RUN(ctx, &sql_payment_note_part, NULL, DB_TEXT(recording->payment.id), DB_INT(recording->returned));
}

/* STEP_CLOSE and STEP_GIVE_BACK have become one of the others before anything is recorded. */
static const struct err *record_step(struct ctx *ctx, struct recording *recording)
{
    switch (recording->step) {
    case STEP_AGAIN:
        return ask_again(ctx, recording);
    case STEP_LET_GO:
        return let_go(ctx, recording);
    case STEP_SUCCEED:
        return succeed(ctx, recording);
    case STEP_FAIL:
        return fail(ctx, recording);
    case STEP_END:
        return end(ctx, recording);
    case STEP_RETURN:
        return fail_and_return(ctx, recording);
    case STEP_REFUND:
        return refund_late(ctx, recording);
    case STEP_REFUNDED:
        return refunded(ctx, recording);
    case STEP_TAKEN_BACK:
        return taken_back(ctx, recording);
    case STEP_NOTE:
        return note_part(ctx, recording);
    case STEP_REST:
        return rest(ctx, recording);
    case STEP_ODD:
        return cannot_be(ctx, recording);
    case STEP_CLOSE:
    case STEP_GIVE_BACK:
        break;
    }
    return &err_internal;
}

static const struct err *record_locked(struct ctx *ctx, void *arg)
{
    struct recording *recording = arg;
    struct payment *payment = &recording->payment;
    const struct payment *taken = recording->taken;
    const struct err *e = payment_lock(ctx, taken->id, payment);
    if (e) {
        return e;
    }
    if (payment->turn != taken->turn) { /* that it is paid is a hint to whoever is at work now */
        return recording->paid ? DB_RUN(ctx, &sql_payment_nudge, NULL, DB_TEXT(taken->id), DB_BOOL(false)) : NULL;
    }
    bool hinted = payment->nudges != taken->nudges;
    e = record_step(ctx, recording);
    if (!e && hinted) {
        e = DB_RUN(ctx, &sql_payment_nudge, NULL, DB_TEXT(taken->id), DB_BOOL(true));
    }
    return e ? e : payment_lock(ctx, taken->id, payment); /* as it is now */
}

static const struct err *record(struct ctx *ctx, struct recording *recording, struct payment *payment_r)
{
    const struct err *e = db_transact(ctx, record_locked, recording);
    if (!e) {
        *payment_r = recording->payment;
    }
    return e;
}

/* ---- the calls outside that come before ---- */

static void secure_first(struct ctx *ctx, struct recording *recording)
{
    const struct err *e = outcome_secure(ctx, recording->taken);
    if (outcome_seats_are_gone(e)) {
        recording->step = recording->taken->amount > 0 ? STEP_RETURN : STEP_END;
        recording->reason = e == &err_not_found ? err_hold_expired.code : e->code;
    } else if (e) {
        recording->step = STEP_AGAIN;
    }
}

static void unsecure_first(struct ctx *ctx, struct recording *recording)
{
    if (reservation_api_unsecure(ctx, recording->taken->reservation_id, recording->taken->id) != NULL) {
        recording->step = STEP_AGAIN;
    }
}

/* A no to the cancellation does not keep the payment open: should it be charged one day, it is given back then. */
static void close_first(struct ctx *ctx, struct recording *recording)
{
    int64_t returned;
    enum refund_state state = refund_try(ctx, recording->taken, "NOT_PAID_IN_TIME", &returned);
    recording->step = state == REFUND_UNKNOWN ? STEP_AGAIN : STEP_FAIL;
}

static void give_back_first(struct ctx *ctx, struct recording *recording)
{
    const struct payment *taken = recording->taken;
    int64_t returned = 0;
    if (taken->amount > 0 && refund_try(ctx, taken, taken->refund_reason, &returned) != REFUND_DONE) {
        recording->step = STEP_AGAIN;
        return;
    }
    recording->step = STEP_REFUNDED;
    recording->returned += returned;
}

/* Whoever was away for long must not act outside either, and who acts has time for it. */
static bool turn_is_lost(struct ctx *ctx, const struct payment *taken, int64_t seconds)
{
    const struct db_rows *rows;
    return DB_RUN(ctx, &sql_payment_renew_turn, &rows, DB_TEXT(taken->id), DB_INT(taken->turn), DB_INT(seconds)) !=
               NULL ||
           db_affected(rows) == 0;
}

/* How long a step may be at work outside, 0 when it is not. */
static int64_t time_outside_s(enum payment_step step)
{
    bool moves = step == STEP_LET_GO || step == STEP_CLOSE || step == STEP_GIVE_BACK;
    return step == STEP_SUCCEED ? payment_settings.look_busy_s : moves ? payment_settings.busy_s : 0;
}

static void prepare(struct ctx *ctx, struct recording *recording)
{
    int64_t seconds = time_outside_s(recording->step);
    if (seconds > 0 && turn_is_lost(ctx, recording->taken, seconds)) {
        recording->step = STEP_AGAIN;
        return;
    }
    switch (recording->step) {
    case STEP_SUCCEED:
        secure_first(ctx, recording);
        break;
    case STEP_LET_GO:
        unsecure_first(ctx, recording);
        break;
    case STEP_CLOSE:
        close_first(ctx, recording);
        break;
    case STEP_GIVE_BACK:
        give_back_first(ctx, recording);
        break;
    case STEP_AGAIN:
    case STEP_FAIL:
    case STEP_END:
    case STEP_RETURN:
    case STEP_REFUND:
    case STEP_REFUNDED:
    case STEP_TAKEN_BACK:
    case STEP_NOTE:
    case STEP_REST:
    case STEP_ODD:
        break;
    }
}

const struct err *outcome_conclude(struct ctx *ctx, const struct payment *taken, const struct finding *finding,
                                   struct payment *payment_r)
{
    struct recording recording = {
        .taken = taken,
        .step = payment_step(taken->question, finding->evidence, taken->over),
        .reason = finding->reason,
        .record = &finding->record,
        .returned = finding->record.cancelled,
        .paid = finding->evidence == EVIDENCE_PAID,
    };
    prepare(ctx, &recording);
    return record(ctx, &recording, payment_r);
}

const struct err *outcome_look(struct ctx *ctx, const struct payment *taken, struct finding *finding_r,
                               struct payment *payment_r)
{
    *finding_r = outcome_ask(ctx, taken);
    return outcome_conclude(ctx, taken, finding_r, payment_r);
}

/* Without PortOne's record: what we know ourselves. */
static const struct err *take_step(struct ctx *ctx, const struct payment *taken, enum payment_step step,
                                   const char *reason, struct payment *payment_r)
{
    const struct portone_payment nothing = {.paid_at = CLOCK_NONE, .cancelled_at = CLOCK_NONE};
    struct recording recording = {.taken = taken, .step = step, .reason = reason, .record = &nothing, .unasked = true};
    prepare(ctx, &recording);
    return record(ctx, &recording, payment_r);
}

const struct err *outcome_fail_without_seats(struct ctx *ctx, const struct payment *taken, const char *reason,
                                             struct payment *payment_r)
{
    return take_step(ctx, taken, STEP_FAIL, reason, payment_r);
}

const struct err *outcome_let_go(struct ctx *ctx, const struct payment *taken, struct payment *payment_r)
{
    return take_step(ctx, taken, STEP_LET_GO, NULL, payment_r);
}
