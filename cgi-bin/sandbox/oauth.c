/* Social login: authorize, token, user and revocation addresses of Kakao, Naver and Google. */
#include <string.h>

#include "cgi-bin/sandbox/faults.h"
#include "cgi-bin/sandbox/oauth_view.h"
#include "cgi-bin/sandbox/sandbox.h"
#include "common/base/array.h"
#include "common/io/http.h"
#include "common/serve/route.h"
#include "src/sandbox/sandbox_errors.h"

#define ADDRESS_MAX 2000

/* Whose address a path is. */
static enum sandbox_provider provider_of(const struct request *rq)
{
    static const struct {
        const char *prefix;
        enum sandbox_provider provider;
    } hosts[] = {
        {"/kauth/", SANDBOX_KAKAO},         {"/kapi/", SANDBOX_KAKAO},    {"/nid/", SANDBOX_NAVER},
        {"/openapi-naver/", SANDBOX_NAVER}, {"/google/", SANDBOX_GOOGLE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(hosts); i++) {
        if (strncmp(rq->path, hosts[i].prefix, strlen(hosts[i].prefix)) == 0) {
            return hosts[i].provider;
        }
    }
    log_panic("a route of no OAuth provider");
}

static const struct err *answer(struct request *rq, struct reply *rp, const char *operation, request_handler *work)
{
    struct strike strike;
    const struct err *e = fault_begin(rq, rp, "oauth", operation, &strike);
    if (e || strike.over) {
        return e;
    }
    e = work(rq, rp);
    if (e && e->status < 500) {
        oauth_view_error(rp, provider_of(rq), e);
        e = NULL;
    }
    if (!e) {
        fault_end(rq, rp, &strike);
    }
    return e;
}

/* ---- authorize ---- */

struct authorize_args {
    struct sandbox_consent consent;
    const char *state;
};

SHAPE_OPEN(authorize_shape, struct authorize_args,
           {FIELD(struct authorize_args, "client_id", FIELD_STR, consent.client_id)},
           {FIELD(struct authorize_args, "redirect_uri", FIELD_STR, consent.redirect_uri), .max = ADDRESS_MAX},
           {FIELD(struct authorize_args, "response_type", FIELD_STR, consent.response_type)},
           {FIELD(struct authorize_args, "scope", FIELD_STR, consent.scope)},
           {FIELD(struct authorize_args, "nonce", FIELD_STR, consent.nonce)},
           {FIELD(struct authorize_args, "code_challenge", FIELD_STR, consent.code_challenge)},
           {FIELD(struct authorize_args, "code_challenge_method", FIELD_STR, consent.code_challenge_method)},
           {FIELD(struct authorize_args, "sandbox_user", FIELD_STR, consent.user)},
           {FIELD(struct authorize_args, "state", FIELD_STR, state)});

/* Back to the client, with a code or an error. */
static void redirect(struct request *rq, struct reply *rp, const struct authorize_args *args, const char *name,
                     const char *value)
{
    struct arena *arena = rq->ctx->arena;
    const char *uri = args->consent.redirect_uri;
    char *to =
        arena_printf(arena, "%s%c%s=%s", uri, strchr(uri, '?') == NULL ? '?' : '&', name, http_escape(arena, value));
    if (args->state != NULL) {
        to = arena_printf(arena, "%s&state=%s", to, http_escape(arena, args->state));
    }
    reply_empty(rp, 302);
    reply_header(rp, "Location", to);
}

static const struct err *authorize(struct request *rq, struct reply *rp)
{
    void *read;
    if (json_read_query(rq->ctx, rq->query, &authorize_shape, &read) != NULL) {
        return &err_sandbox_oauth_request;
    }
    const struct authorize_args *args = read;
    enum sandbox_provider provider = provider_of(rq);
    const char *code;
    const struct err *e = sandbox_oauth_consent(rq->ctx, provider, &args->consent, &code);
    if (!e && provider == SANDBOX_NAVER && args->state == NULL) {
        e = &err_sandbox_oauth_request;
    }
    if (!e) {
        redirect(rq, rp, args, "code", code);
    }
    if (e != &err_sandbox_oauth_request && e != &err_sandbox_oauth_denied) {
        return e;
    }
    redirect(rq, rp, args, "error", e->code);
    return NULL;
}

const struct err *sandbox_handle_authorize(struct request *rq, struct reply *rp)
{
    return answer(rq, rp, "authorize", authorize);
}

/* ---- token ---- */

struct token_form {
    struct sandbox_token_request request;
    const char *access_token; /* Naver's grant_type=delete */
};

SHAPE_OPEN(token_shape, struct token_form, {FIELD(struct token_form, "grant_type", FIELD_STR, request.grant_type)},
           {FIELD(struct token_form, "client_id", FIELD_STR, request.client_id)},
           {FIELD(struct token_form, "client_secret", FIELD_STR, request.client_secret)},
           {FIELD(struct token_form, "redirect_uri", FIELD_STR, request.redirect_uri), .max = ADDRESS_MAX},
           {FIELD(struct token_form, "code", FIELD_STR, request.code)},
           {FIELD(struct token_form, "code_verifier", FIELD_STR, request.code_verifier)},
           {FIELD(struct token_form, "refresh_token", FIELD_STR, request.refresh_token)},
           {FIELD(struct token_form, "access_token", FIELD_STR, access_token)});

static bool wants_deletion(enum sandbox_provider provider, const struct token_form *form)
{
    return provider == SANDBOX_NAVER && form->access_token != NULL && form->request.grant_type != NULL &&
           strcmp(form->request.grant_type, "delete") == 0;
}

static const struct err *token(struct request *rq, struct reply *rp)
{
    void *read;
    const char *text = strcmp(rq->method, "GET") == 0 ? rq->query : rq->raw;
    if (json_read_query(rq->ctx, text, &token_shape, &read) != NULL) {
        return &err_sandbox_oauth_request;
    }
    struct token_form *form = read;
    enum sandbox_provider provider = provider_of(rq);
    if (wants_deletion(provider, form)) {
        const struct err *e = sandbox_oauth_revoke(rq->ctx, provider, form->access_token);
        if (!e) {
            oauth_view_deleted(rp, form->access_token);
        }
        return e;
    }
    form->request.redirect_required = provider != SANDBOX_NAVER;
    struct sandbox_grant grant;
    const struct err *e = sandbox_oauth_grant(rq->ctx, provider, &form->request, &grant);
    return !e ? oauth_view_grant(rq->ctx, rp, provider, &grant) : e;
}

const struct err *sandbox_handle_token(struct request *rq, struct reply *rp)
{
    return answer(rq, rp, "token", token);
}

struct revoke_form {
    const char *token;
};

SHAPE_OPEN(revoke_shape, struct revoke_form,
           {FIELD(struct revoke_form, "token", FIELD_STR, token), .flags = FIELD_REQUIRED});

static const struct err *revoke(struct request *rq, struct reply *rp)
{
    void *read;
    const char *text = rq->raw_len > 0 ? rq->raw : rq->query;
    if (json_read_query(rq->ctx, text, &revoke_shape, &read) != NULL) {
        return &err_sandbox_oauth_request;
    }
    const struct err *e = sandbox_oauth_revoke(rq->ctx, provider_of(rq), ((const struct revoke_form *)read)->token);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_close_object(out);
    return NULL;
}

const struct err *sandbox_handle_revoke(struct request *rq, struct reply *rp)
{
    return answer(rq, rp, "revoke", revoke);
}

/* ---- user ---- */

static const struct err *userinfo(struct request *rq, struct reply *rp)
{
    struct sandbox_person person;
    enum sandbox_provider provider = provider_of(rq);
    const struct err *e = sandbox_oauth_person(rq->ctx, provider, request_header(rq, "Authorization"), &person);
    if (!e) {
        oauth_view_person(rp, provider, &person);
    }
    return e;
}

const struct err *sandbox_handle_userinfo(struct request *rq, struct reply *rp)
{
    return answer(rq, rp, "userinfo", userinfo);
}

/* ---- OpenID Connect ---- */

static const struct err *discovery(struct request *rq, struct reply *rp)
{
    oauth_view_discovery(rq->ctx, rp, provider_of(rq));
    return NULL;
}

const struct err *sandbox_handle_discovery(struct request *rq, struct reply *rp)
{
    return answer(rq, rp, "discovery", discovery);
}

static const struct err *jwks(struct request *rq, struct reply *rp)
{
    struct sandbox_jwk jwk;
    const struct err *e = sandbox_oauth_key(rq->ctx, &jwk);
    if (!e) {
        oauth_view_jwks(rp, &jwk);
    }
    return e;
}

const struct err *sandbox_handle_jwks(struct request *rq, struct reply *rp)
{
    return answer(rq, rp, "jwks", jwks);
}
