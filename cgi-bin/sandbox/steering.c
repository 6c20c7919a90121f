/* The steering API: what a test orders, and what "PortOne" has booked. */
#include <stdlib.h>
#include <string.h>

#include "cgi-bin/sandbox/sandbox.h"
#include "common/base/array.h"
#include "src/sandbox/sandbox_captcha.h"
#include "src/sandbox/sandbox_errors.h"
#include "src/sandbox/sandbox_fault.h"
#include "src/sandbox/sandbox_identity.h"
#include "src/sandbox/sandbox_oauth.h"
#include "src/sandbox/sandbox_state.h"
#include "src/sandbox/sandbox_webhook.h"

#define WON_MAX INT64_C(1000000000000)
#define LATENCY_MAX_MS 20000
#define DELAY_MAX_MS 600000
#define TIMES_MAX 1000
#define MILLION 1000000

/* ---- people ---- */

static const struct field person_fields[] = {
    {FIELD(struct sandbox_identity, "name", FIELD_STR, name), .flags = FIELD_REQUIRED, .min = 1, .max = 100},
    {FIELD(struct sandbox_identity, "phone", FIELD_STR, phone), .flags = FIELD_REQUIRED, .min = 1, .max = 20},
    {FIELD(struct sandbox_identity, "birthDate", FIELD_STR, birth_date), .flags = FIELD_REQUIRED, .min = 10, .max = 10},
    {FIELD(struct sandbox_identity, "ci", FIELD_STR, ci), .min = 1, .max = 200},
};
const struct shape sandbox_person_body = {person_fields, ARRAY_COUNT(person_fields), sizeof(struct sandbox_identity),
                                          false};

const struct err *sandbox_handle_verify_person(struct request *rq, struct reply *rp)
{
    struct sandbox_identity identity = *(const struct sandbox_identity *)rq->body;
    const struct err *e = sandbox_identity_verify(rq->ctx, &identity);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 201);
    json_open_object(out, NULL);
    json_add_str(out, "identityVerificationId", identity.id);
    json_close_object(out);
    return NULL;
}

const struct err *sandbox_handle_solve_captcha(struct request *rq, struct reply *rp)
{
    const char *token;
    const struct err *e = sandbox_captcha_solve(rq->ctx, &token);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 201);
    json_open_object(out, NULL);
    json_add_str(out, "token", token);
    json_close_object(out);
    return NULL;
}

static const struct field user_fields[] = {
    {FIELD(struct sandbox_person, "subject", FIELD_STR, subject), .flags = FIELD_REQUIRED, .min = 1, .max = 64},
    {FIELD(struct sandbox_person, "email", FIELD_STR, email), .min = 1, .max = 200},
    {FIELD(struct sandbox_person, "name", FIELD_STR, name), .min = 1, .max = 100},
};
const struct shape sandbox_user_body = {user_fields, ARRAY_COUNT(user_fields), sizeof(struct sandbox_person), false};

const struct err *sandbox_handle_add_user(struct request *rq, struct reply *rp)
{
    const struct sandbox_person *person = rq->body;
    enum sandbox_provider provider;
    if (!sandbox_provider_find(request_param(rq, "provider"), &provider)) {
        return &err_not_found;
    }
    /* Kakao's user key is a number. */
    if (provider == SANDBOX_KAKAO && (strspn(person->subject, "0123456789") != strlen(person->subject) ||
                                      person->subject[0] == '0' || strlen(person->subject) > 18)) {
        return ctx_invalid(rq->ctx, "subject", "must be a number of at most 18 digits at Kakao");
    }
    const struct err *e = sandbox_oauth_add(rq->ctx, provider, person);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

const struct err *sandbox_handle_rotate_keys(struct request *rq, struct reply *rp)
{
    const struct err *e = sandbox_oauth_rotate(rq->ctx);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

/* ---- payments ---- */

struct pay_body {
    const char *outcome;
    int64_t amount;
    int webhook;
    int force;
    struct json_list notice_urls;
};

static const struct field pay_fields[] = {
    {FIELD(struct pay_body, "outcome", FIELD_ENUM, outcome), .flags = FIELD_REQUIRED,
     .choices = "PAID|FAILED|AUTHORIZED"},
    {FIELD(struct pay_body, "amount", FIELD_INT, amount), .min = 1, .max = WON_MAX},
    {FIELD(struct pay_body, "webhook", FIELD_BOOL, webhook)},
    {FIELD(struct pay_body, "force", FIELD_BOOL, force)},
    {FIELD(struct pay_body, "noticeUrls", FIELD_STRS, notice_urls), .max = 4},
};
const struct shape sandbox_pay_body = {pay_fields, ARRAY_COUNT(pay_fields), sizeof(struct pay_body), false};

static enum sandbox_outcome outcome_of(const char *name)
{
    if (strcmp(name, "PAID") == 0) {
        return SANDBOX_PAID;
    }
    return strcmp(name, "FAILED") == 0 ? SANDBOX_FAILED : SANDBOX_AUTHORIZED;
}

const struct err *sandbox_handle_pay(struct request *rq, struct reply *rp)
{
    const struct pay_body *body = rq->body;
    const struct sandbox_attempt attempt = {
        .outcome = outcome_of(body->outcome),
        .amount = body->amount,
        .force = body->force == 1,
        .silent = body->webhook == 0,
        .notice_urls = body->notice_urls,
    };
    struct sandbox_payment payment;
    const struct err *e = sandbox_payment_attempt(rq->ctx, request_param(rq, "paymentId"), &attempt, &payment);
    if (e) {
        return e;
    }
    sandbox_webhook_announce(rq->ctx, &payment);
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "transactionId", payment.transaction_id);
    if (payment.payment_token != NULL) {
        json_add_str(out, "paymentToken", payment.payment_token);
    }
    json_close_object(out);
    return NULL;
}

struct webhook_body {
    const char *type;
    int64_t delay_ms;
    int64_t times;
    int forge;
};

static const struct field webhook_fields[] = {
    {FIELD(struct webhook_body, "type", FIELD_STR, type), .min = 1, .max = 100},
    {FIELD(struct webhook_body, "delayMs", FIELD_INT, delay_ms), .max = DELAY_MAX_MS},
    {FIELD(struct webhook_body, "times", FIELD_INT, times), .min = 1, .max = TIMES_MAX},
    {FIELD(struct webhook_body, "forge", FIELD_BOOL, forge)},
};
const struct shape sandbox_webhook_body = {webhook_fields, ARRAY_COUNT(webhook_fields), sizeof(struct webhook_body),
                                           false};

static int64_t int_or(int64_t value, int64_t fallback)
{
    return value == FIELD_NO_INT ? fallback : value;
}

const struct err *sandbox_handle_send_webhook(struct request *rq, struct reply *rp)
{
    const struct webhook_body *body = rq->body;
    struct sandbox_payment payment;
    const struct err *e = sandbox_payment_notice(rq->ctx, request_param(rq, "paymentId"), body->type, &payment);
    if (e) {
        return e;
    }
    const struct sandbox_delivery delivery = {
        .delay_ms = int_or(body->delay_ms, 0),
        .times = int_or(body->times, 1),
        .forge = body->forge == 1,
    };
    sandbox_webhook_send(rq->ctx, &payment, &delivery);
    struct json_out *out = reply_json(rp, 202);
    json_open_object(out, NULL);
    json_add_str(out, "webhookId", payment.notice.id);
    json_close_object(out);
    return NULL;
}

static void write_charges(struct json_out *out, const struct sandbox_payment *payment)
{
    const struct sandbox_charge *charges = payment->charges.items;
    json_open_array(out, "charges");
    for (size_t i = 0; i < payment->charges.count; i++) {
        json_open_object(out, NULL);
        json_add_str(out, "transactionId", charges[i].transaction_id);
        json_add_int(out, "amount", charges[i].amount);
        json_add_time(out, "at", charges[i].at);
        json_close_object(out);
    }
    json_close_array(out);
}

static void write_cancellations(struct json_out *out, const struct sandbox_payment *payment)
{
    const struct sandbox_cancellation *cancellations = payment->cancellations.items;
    json_open_array(out, "cancellations");
    for (size_t i = 0; i < payment->cancellations.count; i++) {
        json_open_object(out, NULL);
        json_add_str(out, "cancellationId", cancellations[i].id);
        json_add_int(out, "amount", cancellations[i].amount);
        json_add_str(out, "reason", cancellations[i].reason);
        json_add_time(out, "at", cancellations[i].at);
        json_close_object(out);
    }
    json_close_array(out);
}

const struct err *sandbox_handle_ledger(struct request *rq, struct reply *rp)
{
    struct json_list list;
    const struct err *e = sandbox_payment_list(rq->ctx, &list);
    if (e) {
        return e;
    }
    const struct sandbox_payment *payments = list.items;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_open_array(out, "payments");
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(out, NULL);
        json_add_str(out, "paymentId", payments[i].payment_id);
        json_add_str(out, "storeId", payments[i].store_id);
        json_add_str(out, "status", payments[i].status);
        write_charges(out, &payments[i]);
        write_cancellations(out, &payments[i]);
        json_close_object(out);
    }
    json_close_array(out);
    json_close_object(out);
    return NULL;
}

/* ---- faults and state ---- */

struct fault_body {
    const char *target;
    const char *operation;
    const char *type;
    const struct json *error_rate; /* a number from 0 to 1 */
    int64_t latency_ms;
    int64_t status;
    int64_t times;
    int hang;
    int lose_answer;
};

static const struct field fault_fields[] = {
    {FIELD(struct fault_body, "target", FIELD_ENUM, target), .flags = FIELD_REQUIRED,
     .choices = "portone|recaptcha|oauth"},
    {FIELD(struct fault_body, "operation", FIELD_ENUM, operation),
     .choices = "login|pre-register|get|confirm|cancel|resend-webhook|identity-verification|siteverify|authorize|token|"
                "userinfo|revoke|discovery|jwks"},
    {FIELD(struct fault_body, "latencyMs", FIELD_INT, latency_ms), .max = LATENCY_MAX_MS},
    {FIELD(struct fault_body, "errorRate", FIELD_JSON, error_rate)},
    {FIELD(struct fault_body, "status", FIELD_INT, status), .min = 400, .max = 599},
    {FIELD(struct fault_body, "type", FIELD_STR, type), .min = 1, .max = 100},
    {FIELD(struct fault_body, "hang", FIELD_BOOL, hang)},
    {FIELD(struct fault_body, "loseAnswer", FIELD_BOOL, lose_answer)},
    {FIELD(struct fault_body, "times", FIELD_INT, times), .min = 1, .max = MILLION},
};
const struct shape sandbox_fault_body = {fault_fields, ARRAY_COUNT(fault_fields), sizeof(struct fault_body), false};

/* Millionths; -1 when it is not a number from 0 to 1. */
static int64_t share_of(const struct json *error_rate)
{
    if (json_type(error_rate) == JSON_NULL) {
        return MILLION;
    }
    if (json_type(error_rate) != JSON_DOUBLE && json_type(error_rate) != JSON_INT) {
        return -1;
    }
    double rate = strtod(json_text(error_rate), NULL);
    return rate >= 0 && rate <= 1 ? (int64_t)(rate * MILLION) : -1;
}

const struct err *sandbox_handle_order_fault(struct request *rq, struct reply *rp)
{
    const struct fault_body *body = rq->body;
    struct sandbox_fault fault = {
        .target = body->target,
        .operation = body->operation,
        .share_ppm = share_of(body->error_rate),
        .times = int_or(body->times, 0),
        .latency_ms = int_or(body->latency_ms, 0),
        .status = int_or(body->status, 0),
        .type = body->type,
        .hang = body->hang == 1,
        .lose_answer = body->lose_answer == 1,
    };
    if (fault.share_ppm < 0) {
        return ctx_invalid(rq->ctx, "errorRate", "must be a number from 0 to 1");
    }
    if (fault.latency_ms == 0 && fault.status == 0 && !fault.hang && !fault.lose_answer) {
        fault.status = 500;
    }
    const struct err *e = sandbox_fault_order(rq->ctx, &fault);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

const struct err *sandbox_handle_faults(struct request *rq, struct reply *rp)
{
    const char *const *faults;
    size_t count;
    const struct err *e = sandbox_fault_list(rq->ctx, &faults, &count);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_open_array(out, "faults");
    for (size_t i = 0; i < count; i++) {
        json_add_raw(out, NULL, faults[i]);
    }
    json_close_array(out);
    json_close_object(out);
    return NULL;
}

const struct err *sandbox_handle_clear_faults(struct request *rq, struct reply *rp)
{
    const struct err *e = sandbox_fault_clear(rq->ctx);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

const struct err *sandbox_handle_forget(struct request *rq, struct reply *rp)
{
    const struct err *e = sandbox_forget(rq->ctx);
    e = e ? e : sandbox_fault_clear(rq->ctx);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}
