/* PortOne V2: https://developers.portone.io/api/rest-v2 */
#include <string.h>

#include "cgi-bin/sandbox/faults.h"
#include "cgi-bin/sandbox/portone_view.h"
#include "cgi-bin/sandbox/sandbox.h"
#include "common/serve/route.h"
#include "src/providers/sandbox_credentials.h"
#include "src/sandbox/sandbox_errors.h"
#include "src/sandbox/sandbox_login.h"
#include "src/sandbox/sandbox_replay.h"
#include "src/sandbox/sandbox_settings.h"
#include "src/sandbox/sandbox_webhook.h"

#define WON_MAX INT64_C(1000000000000)

struct operation {
    const char *name; /* for ordered faults */
    request_handler *work;
    bool open; /* needs no credentials */
};

/* ---- around every operation ---- */

static void write_error(struct request *rq, struct reply *rp, const struct err *e)
{
    const struct ctx_detail *detail = rq->ctx->details;
    const char *message = e->en;
    if (detail != NULL) {
        message = arena_printf(rq->ctx->arena, "%s %s: %s", message, detail->field, detail->reason);
    }
    struct json_out *out = reply_json(rp, e->status);
    json_open_object(out, NULL);
    json_add_str(out, "type", e->code);
    json_add_str(out, "message", message);
    json_close_object(out);
}

/* Claims the request's Idempotency-Key; replay_r->place stays NULL when it has none. */
static const struct err *claim(struct request *rq, struct sandbox_replay *replay_r)
{
    const char *header = request_header(rq, "Idempotency-Key");
    if (header == NULL || strcmp(rq->method, "GET") == 0) {
        return NULL;
    }
    const struct sandbox_keyed keyed = {header, rq->method, rq->path, rq->raw, rq->raw_len};
    return sandbox_replay_claim(rq->ctx, &keyed, replay_r);
}

/* Does the work, or gives the answer of the first request with this key, be it an error. */
static const struct err *work_once(struct request *rq, struct reply *rp, const struct operation *operation,
                                   const struct sandbox_replay *replay)
{
    if (replay->status != 0) {
        reply_bytes(rp, replay->status, "application/json", replay->body, strlen(replay->body));
        return NULL;
    }
    const struct err *e = operation->work(rq, rp);
    if (e && e->status >= 500) {
        return e;
    }
    if (e) {
        write_error(rq, rp, e);
    }
    return replay->place == NULL ? NULL : sandbox_replay_keep(rq->ctx, replay, rp->status, rp->body.data);
}

/* The key is claimed before a fault strikes: a call made slow is still running for those that repeat it. */
static const struct err *work_under_faults(struct request *rq, struct reply *rp, const struct operation *operation,
                                           const struct sandbox_replay *replay)
{
    struct strike strike;
    const struct err *e = fault_begin(rq, rp, "portone", operation->name, &strike);
    if (!e && !strike.over) {
        e = work_once(rq, rp, operation, replay);
    }
    if ((e || strike.over) && replay->place != NULL && replay->status == 0) {
        sandbox_replay_release(rq->ctx, replay);
    }
    if (!e && !strike.over) {
        fault_end(rq, rp, &strike);
    }
    return e;
}

static const struct err *answer(struct request *rq, struct reply *rp, const struct operation *operation)
{
    struct sandbox_replay replay = {0};
    const struct err *e = NULL;
    if (!operation->open) {
        e = sandbox_authorise(rq->ctx, request_header(rq, "Authorization"));
    }
    e = e ? e : claim(rq, &replay);
    e = e ? e : work_under_faults(rq, rp, operation, &replay);
    if (e) {
        write_error(rq, rp, e);
    }
    return NULL;
}

static const struct err *read_body(struct request *rq, const struct shape *shape, void **body_r)
{
    return json_read(rq->ctx, rq->raw, rq->raw_len, shape, body_r);
}

static const struct err *check_store(const char *store_id)
{
    return store_id == NULL || strcmp(store_id, SANDBOX_PORTONE_STORE) == 0 ? NULL : &err_sandbox_forbidden;
}

static const struct err *check_store_of_query(struct request *rq)
{
    struct args {
        const char *store_id;
    };
    SHAPE_OPEN(shape, struct args, {FIELD(struct args, "storeId", FIELD_STR, store_id)});
    void *args;
    const struct err *e = json_read_query(rq->ctx, rq->query, &shape, &args);
    return !e ? check_store(((const struct args *)args)->store_id) : e;
}

/* ---- credentials ---- */

static void write_login(struct reply *rp, const struct sandbox_login *login)
{
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "accessToken", login->access_token);
    json_add_str(out, "refreshToken", login->refresh_token);
    json_close_object(out);
}

struct login_body {
    const char *api_secret;
};

SHAPE_OPEN(login_shape, struct login_body,
           {FIELD(struct login_body, "apiSecret", FIELD_STR, api_secret), .flags = FIELD_REQUIRED});

static const struct err *work_login(struct request *rq, struct reply *rp)
{
    void *body;
    struct sandbox_login login;
    const struct err *e = read_body(rq, &login_shape, &body);
    e = e ? e : sandbox_login(rq->ctx, ((const struct login_body *)body)->api_secret, &login);
    if (!e) {
        write_login(rp, &login);
    }
    return e;
}

const struct err *sandbox_handle_login(struct request *rq, struct reply *rp)
{
    static const struct operation operation = {"login", work_login, true};
    return answer(rq, rp, &operation);
}

struct refresh_body {
    const char *refresh_token;
};

SHAPE_OPEN(refresh_shape, struct refresh_body,
           {FIELD(struct refresh_body, "refreshToken", FIELD_STR, refresh_token), .flags = FIELD_REQUIRED});

static const struct err *work_refresh(struct request *rq, struct reply *rp)
{
    void *body;
    struct sandbox_login login;
    const struct err *e = read_body(rq, &refresh_shape, &body);
    e = e ? e : sandbox_login_refresh(rq->ctx, ((const struct refresh_body *)body)->refresh_token, &login);
    if (!e) {
        write_login(rp, &login);
    }
    return e;
}

const struct err *sandbox_handle_refresh(struct request *rq, struct reply *rp)
{
    static const struct operation operation = {"login", work_refresh, true};
    return answer(rq, rp, &operation);
}

/* ---- payments ---- */

struct pre_register_body {
    const char *store_id;
    int64_t total_amount;
};

SHAPE_OPEN(pre_register_shape, struct pre_register_body,
           {FIELD(struct pre_register_body, "storeId", FIELD_STR, store_id)},
           {FIELD(struct pre_register_body, "totalAmount", FIELD_INT, total_amount), .max = WON_MAX});

static const struct err *work_pre_register(struct request *rq, struct reply *rp)
{
    void *read;
    const struct err *e = read_body(rq, &pre_register_shape, &read);
    if (e) {
        return e;
    }
    const struct pre_register_body *body = read;
    e = check_store(body->store_id);
    e = e ? e : sandbox_payment_register(rq->ctx, request_param(rq, "paymentId"), body->total_amount);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_close_object(out);
    return NULL;
}

const struct err *sandbox_handle_pre_register(struct request *rq, struct reply *rp)
{
    static const struct operation operation = {"pre-register", work_pre_register, false};
    return answer(rq, rp, &operation);
}

static const struct err *work_payment(struct request *rq, struct reply *rp)
{
    struct sandbox_payment payment;
    const struct err *e = check_store_of_query(rq);
    e = e ? e : sandbox_payment_find(rq->ctx, request_param(rq, "paymentId"), &payment);
    if (!e) {
        portone_view_payment(reply_json(rp, 200), &payment);
    }
    return e;
}

const struct err *sandbox_handle_payment(struct request *rq, struct reply *rp)
{
    static const struct operation operation = {"get", work_payment, false};
    return answer(rq, rp, &operation);
}

struct confirm_body {
    const char *store_id;
    struct sandbox_confirm confirm;
    int skip_webhook;
};

SHAPE_OPEN(confirm_shape, struct confirm_body, {FIELD(struct confirm_body, "storeId", FIELD_STR, store_id)},
           {FIELD(struct confirm_body, "paymentToken", FIELD_STR, confirm.payment_token), .flags = FIELD_REQUIRED},
           {FIELD(struct confirm_body, "txId", FIELD_STR, confirm.tx_id)},
           {FIELD(struct confirm_body, "currency", FIELD_STR, confirm.currency)},
           {FIELD(struct confirm_body, "totalAmount", FIELD_INT, confirm.total_amount), .max = WON_MAX},
           {FIELD(struct confirm_body, "isTest", FIELD_BOOL, confirm.is_test)},
           {FIELD(struct confirm_body, "skipWebhook", FIELD_BOOL, skip_webhook)});

static void write_confirmation(struct reply *rp, const struct sandbox_payment *payment)
{
    const struct sandbox_charge *charges = payment->charges.items;
    const struct sandbox_charge *charge = &charges[payment->charges.count - 1];
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "pgTxId", charge->pg_tx_id);
    portone_view_time(out, "paidAt", charge->at);
    json_close_object(out);
}

static const struct err *work_confirm(struct request *rq, struct reply *rp)
{
    void *read;
    const struct err *e = read_body(rq, &confirm_shape, &read);
    if (e) {
        return e;
    }
    const struct confirm_body *body = read;
    struct sandbox_payment payment;
    e = check_store(body->store_id);
    e = e ? e : sandbox_payment_confirm(rq->ctx, request_param(rq, "paymentId"), &body->confirm, &payment);
    if (e) {
        return e;
    }
    if (body->skip_webhook != 1) {
        sandbox_webhook_announce(rq->ctx, &payment);
    }
    write_confirmation(rp, &payment);
    return NULL;
}

const struct err *sandbox_handle_confirm(struct request *rq, struct reply *rp)
{
    static const struct operation operation = {"confirm", work_confirm, false};
    return answer(rq, rp, &operation);
}

struct cancel_body {
    const char *store_id;
    struct sandbox_cancel cancel;
    int skip_webhook;
};

SHAPE_OPEN(cancel_shape, struct cancel_body, {FIELD(struct cancel_body, "storeId", FIELD_STR, store_id)},
           {FIELD(struct cancel_body, "reason", FIELD_STR, cancel.reason), .flags = FIELD_REQUIRED},
           {FIELD(struct cancel_body, "amount", FIELD_INT, cancel.amount), .min = 1, .max = WON_MAX},
           {FIELD(struct cancel_body, "currentCancellableAmount", FIELD_INT, cancel.current_cancellable),
            .max = WON_MAX},
           {FIELD(struct cancel_body, "skipWebhook", FIELD_BOOL, skip_webhook)});

static const struct err *work_cancel(struct request *rq, struct reply *rp)
{
    void *read;
    const struct err *e = read_body(rq, &cancel_shape, &read);
    if (e) {
        return e;
    }
    const struct cancel_body *body = read;
    struct sandbox_payment payment;
    e = check_store(body->store_id);
    e = e ? e : sandbox_payment_cancel(rq->ctx, request_param(rq, "paymentId"), &body->cancel, &payment);
    if (e) {
        return e;
    }
    if (body->skip_webhook != 1) {
        sandbox_webhook_announce(rq->ctx, &payment);
    }
    const struct sandbox_cancellation *cancellations = payment.cancellations.items;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    portone_view_cancellation(out, "cancellation", &cancellations[payment.cancellations.count - 1]);
    json_close_object(out);
    return NULL;
}

const struct err *sandbox_handle_cancel(struct request *rq, struct reply *rp)
{
    static const struct operation operation = {"cancel", work_cancel, false};
    return answer(rq, rp, &operation);
}

struct resend_body {
    const char *store_id;
    const char *webhook_id;
};

SHAPE_OPEN(resend_shape, struct resend_body, {FIELD(struct resend_body, "storeId", FIELD_STR, store_id)},
           {FIELD(struct resend_body, "webhookId", FIELD_STR, webhook_id)});

static void write_webhook(struct reply *rp, const struct sandbox_payment *payment)
{
    const char *const *urls = payment->notice_urls.items;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_open_object(out, "webhook");
    json_add_str(out, "paymentStatus", payment->status);
    json_add_str(out, "id", payment->notice.id);
    json_add_str(out, "url", payment->notice_urls.count > 0 ? urls[0] : cfg_sandbox.webhook_url);
    json_add_bool(out, "isAsync", true);
    json_add_str(out, "trigger", "API");
    portone_view_time(out, "triggeredAt", payment->notice.at);
    json_close_object(out);
    json_close_object(out);
}

static const struct err *work_resend(struct request *rq, struct reply *rp)
{
    void *read;
    const struct err *e = read_body(rq, &resend_shape, &read);
    if (e) {
        return e;
    }
    const struct resend_body *body = read;
    struct sandbox_payment payment;
    e = check_store(body->store_id);
    e = e ? e : sandbox_payment_find(rq->ctx, request_param(rq, "paymentId"), &payment);
    if (e) {
        return e;
    }
    if (payment.notice.id == NULL || (body->webhook_id != NULL && strcmp(body->webhook_id, payment.notice.id) != 0)) {
        return &err_sandbox_webhook_unknown;
    }
    sandbox_webhook_send(rq->ctx, &payment, &(struct sandbox_delivery){.times = 1});
    write_webhook(rp, &payment);
    return NULL;
}

const struct err *sandbox_handle_resend_webhook(struct request *rq, struct reply *rp)
{
    static const struct operation operation = {"resend-webhook", work_resend, false};
    return answer(rq, rp, &operation);
}

/* ---- identity verification ---- */

static const struct err *work_identity(struct request *rq, struct reply *rp)
{
    struct sandbox_identity identity;
    const struct err *e = check_store_of_query(rq);
    e = e ? e : sandbox_identity_find(rq->ctx, request_param(rq, "identityVerificationId"), &identity);
    if (!e) {
        portone_view_identity(reply_json(rp, 200), &identity);
    }
    return e;
}

const struct err *sandbox_handle_identity(struct request *rq, struct reply *rp)
{
    static const struct operation operation = {"identity-verification", work_identity, false};
    return answer(rq, rp, &operation);
}
