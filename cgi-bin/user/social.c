#include <string.h>

#include "cgi-bin/user/handlers.h"
#include "common/base/cfg.h"
#include "src/user/social.h"
#include "src/user/social_attempt.h"

#define COOKIE "boxoffice_social"

struct begin_query {
    const char *sandbox_user;
};
static const struct field begin_query_fields[] = {
    {FIELD(struct begin_query, "sandbox_user", FIELD_STR, sandbox_user), .min = 1, .max = 200},
};
const struct shape social_begin_shape = {begin_query_fields, 1, sizeof(struct begin_query), false};

/* Browsers give a cookie of this prefix to those only who set it over TLS; without TLS they would not keep it. */
static const char *cookie_name(void)
{
    bool tls = strncmp(cfg_oauth.public_url, "https://", 8) == 0;
    return tls ? "__Secure-" COOKIE : COOKIE;
}

/* `value` "" and an age of 0: the browser forgets it. */
static void set_cookie(struct request *rq, struct reply *rp, const char *value, int age_s)
{
    const char *name = cookie_name();
    reply_header(rp, "Set-Cookie",
                 arena_printf(rq->ctx->arena, "%s=%s; Path=/auth/oauth2; Max-Age=%d; HttpOnly; SameSite=Lax%s", name,
                              value, age_s, strcmp(name, COOKIE) == 0 ? "" : "; Secure"));
}

/* NULL when the browser sent none, or several: then one was planted by another site under our domain. */
static const char *read_cookie(struct request *rq)
{
    const char *name = cookie_name(), *found = NULL, *at = request_header(rq, "Cookie");
    size_t name_len = strlen(name);
    while (at && *at) {
        at += strspn(at, "; ");
        size_t len = strcspn(at, ";");
        if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=') {
            if (found) {
                return NULL;
            }
            found = arena_memdup(rq->ctx->arena, at + name_len + 1, len - name_len - 1);
        }
        at += len;
    }
    return found;
}

const struct err *social_authorize(struct request *rq, struct reply *rp)
{
    const struct begin_query *query = rq->args;
    enum oauth_provider provider;
    struct social_begun begun;
    const struct err *e = social_provider(request_param(rq, "provider"), &provider);
    e = e ? e : social_begin(rq->ctx, provider, rq->client_ip, query ? query->sandbox_user : NULL, &begun);
    if (e) {
        return e;
    }
    reply_empty(rp, 302);
    reply_header(rp, "Location", begun.url);
    set_cookie(rq, rp, begun.browser, SOCIAL_ATTEMPT_S);
    return NULL;
}

static void reply_outcome(struct reply *rp, const struct social_outcome *outcome)
{
    struct json_out *out = reply_json(rp, 200);
    if (outcome->linked) {
        json_add_shape(out, NULL, &tokens_shape, &outcome->tokens);
        return;
    }
    json_open_object(out, NULL);
    json_add_str(out, "linkToken", outcome->link_token);
    json_add_int(out, "expiresIn", SOCIAL_LINK_S);
    json_add_bool(out, "dormant", outcome->dormant);
    if (outcome->email) {
        json_add_str(out, "email", outcome->email);
    }
    if (outcome->name) {
        json_add_str(out, "name", outcome->name);
    }
    json_close_object(out);
}

const struct err *social_callback(struct request *rq, struct reply *rp)
{
    const struct client client = client_of(rq);
    enum oauth_provider provider;
    struct social_outcome outcome;
    const struct err *e = social_provider(request_param(rq, "provider"), &provider);
    e = e ? e : social_finish(rq->ctx, provider, rq->args, read_cookie(rq), &client, &outcome);
    if (e) {
        return e;
    }
    reply_outcome(rp, &outcome);
    set_cookie(rq, rp, "", 0);
    return NULL;
}

const struct err *social_link_post(struct request *rq, struct reply *rp)
{
    const struct client client = client_of(rq);
    struct tokens tokens;
    const struct err *e = social_link(rq->ctx, rq->body, &client, &tokens);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &tokens_shape, &tokens);
    }
    return e;
}

const struct err *social_unlink_delete(struct request *rq, struct reply *rp)
{
    enum oauth_provider provider;
    if (!oauth_provider_find(request_param(rq, "provider"), &provider)) {
        return &err_not_found;
    }
    const struct session_owner owner = owner_of(rq);
    const struct err *e = social_unlink(rq->ctx, &owner, provider);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}
