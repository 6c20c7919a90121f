#include "cgi-bin/user/handlers.h"

#include "src/user/account.h"
#include "src/user/email_code.h"
#include "src/user/login.h"
#include "src/user/password_reset.h"
#include "src/user/reactivation.h"
#include "src/user/refresh.h"
#include "src/user/terms.h"

struct email_body {
    const char *email;
};
static const struct field email_body_fields[] = {
    {FIELD(struct email_body, "email", FIELD_TEXT, email), .flags = FIELD_REQUIRED, .min = 1, .max = 300},
};
const struct shape email_body_shape = {email_body_fields, 1, sizeof(struct email_body), false};

struct refresh_body {
    const char *refresh_token;
};
static const struct field refresh_body_fields[] = {
    {FIELD(struct refresh_body, "refreshToken", FIELD_STR, refresh_token), .flags = FIELD_REQUIRED, .min = 1,
     .max = 4096},
};
const struct shape refresh_body_shape = {refresh_body_fields, 1, sizeof(struct refresh_body), false};

const struct err *auth_terms(struct request *rq, struct reply *rp)
{
    struct terms_list terms;
    const struct err *e = terms_current(rq->ctx, &terms);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &terms_list_shape, &terms);
    }
    return e;
}

const struct err *auth_email_check(struct request *rq, struct reply *rp)
{
    const struct email_body *body = rq->body;
    bool available;
    const struct err *e = account_email_available(rq->ctx, body->email, rq->client_ip, &available);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_bool(out, "available", available);
    json_close_object(out);
    return NULL;
}

const struct err *auth_email_code(struct request *rq, struct reply *rp)
{
    const struct err *e = email_code_send(rq->ctx, rq->body, rq->client_ip, rq->language);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

const struct err *auth_email_verify(struct request *rq, struct reply *rp)
{
    const char *token;
    const struct err *e = email_code_verify(rq->ctx, rq->body, rq->client_ip, &token);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "emailVerificationToken", token);
    json_close_object(out);
    return NULL;
}

const struct err *auth_sign_up(struct request *rq, struct reply *rp)
{
    struct account account;
    const struct err *e = account_sign_up(rq->ctx, rq->body, rq->client_ip, &account);
    if (e) {
        return e;
    }
    reply_header(rp, "Location", "/users/me");
    json_add_shape(reply_json(rp, 201), NULL, &account_shape, &account);
    return NULL;
}

static void reply_tokens(struct reply *rp, const struct tokens *tokens)
{
    json_add_shape(reply_json(rp, 200), NULL, &tokens_shape, tokens);
}

const struct err *auth_login(struct request *rq, struct reply *rp)
{
    const struct client client = client_of(rq);
    struct tokens tokens;
    const struct err *e = login_password(rq->ctx, rq->body, &client, &tokens);
    if (!e) {
        reply_tokens(rp, &tokens);
    }
    return e;
}

const struct err *auth_reactivate(struct request *rq, struct reply *rp)
{
    const struct client client = client_of(rq);
    struct tokens tokens;
    const struct err *e = reactivation(rq->ctx, rq->body, &client, &tokens);
    if (!e) {
        reply_tokens(rp, &tokens);
    }
    return e;
}

const struct err *auth_refresh(struct request *rq, struct reply *rp)
{
    const struct refresh_body *body = rq->body;
    const struct client client = client_of(rq);
    struct tokens tokens;
    const struct err *e = refresh_exchange(rq->ctx, body->refresh_token, &client, &tokens);
    if (!e) {
        reply_tokens(rp, &tokens);
    }
    return e;
}

const struct err *auth_password_reset(struct request *rq, struct reply *rp)
{
    const struct err *e = password_reset(rq->ctx, rq->client_ip, rq->body);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}
