#include "cgi-bin/sandbox/oauth_view.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "src/sandbox/sandbox_errors.h"
#include "src/sandbox/sandbox_settings.h"

#define KEYS_MAX_AGE "public, max-age=300"

/* What differs between the providers' addresses and answers. */
struct manner {
    const char *issuer; /* path of the issuer under our origin; NULL: no OpenID Connect */
    const char *authorize;
    const char *token;
    const char *userinfo;
    const char *jwks;
    const char *token_type;
    int expires_s;
};

static const struct manner manners[SANDBOX_PROVIDER__MAX] = {
    [SANDBOX_KAKAO] =
        {
            .issuer = "/kauth",
            .authorize = "/kauth/oauth/authorize",
            .token = "/kauth/oauth/token",
            .userinfo = "/kapi/v2/user/me",
            .jwks = "/kauth/.well-known/jwks.json",
            .token_type = "bearer",
            .expires_s = 21599,
        },
    [SANDBOX_NAVER] = {.token_type = "bearer", .expires_s = 3600},
    [SANDBOX_GOOGLE] =
        {
            .issuer = "/google",
            .authorize = "/google/o/oauth2/v2/auth",
            .token = "/google/token",
            .userinfo = "/google/v1/userinfo",
            .jwks = "/google/oauth2/v3/certs",
            .token_type = "Bearer",
            .expires_s = 3599,
        },
};

/* ---- errors ---- */

/* How a provider words what sandbox_oauth refuses. */
struct wording {
    const struct err *e;
    int status;
    const char *error;
    const char *description;
    const char *code; /* Kakao's */
};

static const struct wording kakao_wordings[] = {
    {&err_sandbox_oauth_client, 401, "invalid_client", "Not exist client_id or bad client credentials", "KOE010"},
    {&err_sandbox_oauth_grant, 400, "invalid_grant", "authorization code not found", "KOE320"},
    {&err_sandbox_oauth_redirect, 400, "invalid_grant", "Redirect URI mismatch.", "KOE303"},
    {NULL, 400, "invalid_request", "a parameter is missing", "KOE000"},
};

static const struct wording naver_wordings[] = {
    {&err_sandbox_oauth_client, 200, "unauthorized_client", "wrong client id / client secret pair", NULL},
    {NULL, 200, "invalid_request", "no valid data in session", NULL},
};

static const struct wording google_wordings[] = {
    {&err_sandbox_oauth_client, 401, "invalid_client", "The OAuth client was not found.", NULL},
    {&err_sandbox_oauth_grant, 400, "invalid_grant", "Bad Request", NULL},
    {&err_sandbox_oauth_redirect, 400, "redirect_uri_mismatch", "Bad Request", NULL},
    {&err_sandbox_oauth_token, 401, "invalid_request", "Invalid Credentials", NULL},
    {NULL, 400, "invalid_request", "Bad Request", NULL},
};

static const struct wording *const wordings[SANDBOX_PROVIDER__MAX] = {
    [SANDBOX_KAKAO] = kakao_wordings,
    [SANDBOX_NAVER] = naver_wordings,
    [SANDBOX_GOOGLE] = google_wordings,
};

/* The user addresses of Kakao and Naver have an error form of their own. */
static bool token_refused(struct reply *rp, enum sandbox_provider provider)
{
    if (provider == SANDBOX_GOOGLE) {
        return false;
    }
    struct json_out *out = reply_json(rp, 401);
    json_open_object(out, NULL);
    if (provider == SANDBOX_KAKAO) {
        json_add_str(out, "msg", "this access token does not exist");
        json_add_int(out, "code", -401);
    } else {
        json_add_str(out, "resultcode", "024");
        json_add_str(out, "message", "Authentication failed (인증 실패하였습니다.)");
    }
    json_close_object(out);
    return true;
}

void oauth_view_error(struct reply *rp, enum sandbox_provider provider, const struct err *e)
{
    if (e == &err_sandbox_oauth_token && token_refused(rp, provider)) {
        return;
    }
    const struct wording *wording = wordings[provider];
    while (wording->e != NULL && wording->e != e) {
        wording++;
    }
    struct json_out *out = reply_json(rp, wording->status);
    json_open_object(out, NULL);
    json_add_str(out, "error", wording->error);
    json_add_str(out, "error_description", wording->description);
    if (wording->code != NULL) {
        json_add_str(out, "error_code", wording->code);
    }
    json_close_object(out);
}

/* ---- tokens ---- */

static bool asks_openid(const struct sandbox_grant *grant)
{
    static const char word[] = "openid";
    for (const char *at = grant->scope; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (len == strlen(word) && strncmp(at, word, len) == 0) {
            return true;
        }
        at += len;
    }
    return false;
}

const struct err *oauth_view_grant(struct ctx *ctx, struct reply *rp, enum sandbox_provider provider,
                                   const struct sandbox_grant *grant)
{
    const struct manner *manner = &manners[provider];
    const char *id_token = NULL;
    if (manner->issuer != NULL && asks_openid(grant)) {
        const char *issuer = arena_printf(ctx->arena, "%s%s", cfg_sandbox.url, manner->issuer);
        const struct err *e = sandbox_oauth_id_token(ctx, issuer, grant, &id_token);
        if (e) {
            return e;
        }
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "access_token", grant->access_token);
    json_add_str(out, "token_type", manner->token_type);
    if (provider == SANDBOX_NAVER) {
        json_add_str(out, "expires_in", arena_printf(ctx->arena, "%d", manner->expires_s));
    } else {
        json_add_int(out, "expires_in", manner->expires_s);
    }
    if (grant->refresh_token != NULL) {
        json_add_str(out, "refresh_token", grant->refresh_token);
    }
    if (grant->refresh_token != NULL && provider == SANDBOX_KAKAO) {
        json_add_int(out, "refresh_token_expires_in", 5183999);
    }
    if (grant->scope != NULL && provider != SANDBOX_NAVER) {
        json_add_str(out, "scope", grant->scope);
    }
    if (id_token != NULL) {
        json_add_str(out, "id_token", id_token);
    }
    json_close_object(out);
    return NULL;
}

void oauth_view_deleted(struct reply *rp, const char *access_token)
{
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "access_token", access_token);
    json_add_str(out, "result", "success");
    json_close_object(out);
}

/* ---- people ---- */

static void add_if(struct json_out *out, const char *key, const char *value)
{
    if (value != NULL) {
        json_add_str(out, key, value);
    }
}

static void write_kakao(struct json_out *out, const struct sandbox_person *person)
{
    json_add_int(out, "id", strtoll(person->subject, NULL, 10));
    json_add_str(out, "connected_at", "2026-01-01T00:00:00Z");
    json_open_object(out, "kakao_account");
    json_add_bool(out, "profile_nickname_needs_agreement", person->name == NULL);
    if (person->name != NULL) {
        json_open_object(out, "profile");
        json_add_str(out, "nickname", person->name);
        json_close_object(out);
    }
    json_add_bool(out, "email_needs_agreement", person->email == NULL);
    if (person->email != NULL) {
        json_add_bool(out, "is_email_valid", true);
        json_add_bool(out, "is_email_verified", true);
        json_add_str(out, "email", person->email);
    }
    json_close_object(out);
}

static void write_naver(struct json_out *out, const struct sandbox_person *person)
{
    json_add_str(out, "resultcode", "00");
    json_add_str(out, "message", "success");
    json_open_object(out, "response");
    json_add_str(out, "id", person->subject);
    add_if(out, "email", person->email);
    add_if(out, "name", person->name);
    json_close_object(out);
}

static void write_google(struct json_out *out, const struct sandbox_person *person)
{
    json_add_str(out, "sub", person->subject);
    add_if(out, "name", person->name);
    add_if(out, "email", person->email);
    if (person->email != NULL) {
        json_add_bool(out, "email_verified", true);
    }
}

void oauth_view_person(struct reply *rp, enum sandbox_provider provider, const struct sandbox_person *person)
{
    static void (*const writers[SANDBOX_PROVIDER__MAX])(struct json_out *, const struct sandbox_person *) = {
        [SANDBOX_KAKAO] = write_kakao,
        [SANDBOX_NAVER] = write_naver,
        [SANDBOX_GOOGLE] = write_google,
    };
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    writers[provider](out, person);
    json_close_object(out);
}

/* ---- OpenID Connect ---- */

static void add_one(struct json_out *out, const char *key, const char *value)
{
    json_open_array(out, key);
    json_add_str(out, NULL, value);
    json_close_array(out);
}

void oauth_view_discovery(struct ctx *ctx, struct reply *rp, enum sandbox_provider provider)
{
    const struct manner *manner = &manners[provider];
    const struct {
        const char *key;
        const char *path;
    } addresses[] = {
        {"issuer", manner->issuer},        {"authorization_endpoint", manner->authorize},
        {"token_endpoint", manner->token}, {"userinfo_endpoint", manner->userinfo},
        {"jwks_uri", manner->jwks},
    };
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(addresses); i++) {
        json_add_str(out, addresses[i].key, arena_printf(ctx->arena, "%s%s", cfg_sandbox.url, addresses[i].path));
    }
    add_one(out, "response_types_supported", "code");
    add_one(out, "subject_types_supported", "public");
    add_one(out, "id_token_signing_alg_values_supported", "RS256");
    add_one(out, "token_endpoint_auth_methods_supported", "client_secret_post");
    add_one(out, "code_challenge_methods_supported", "S256");
    json_close_object(out);
    reply_header(rp, "Cache-Control", KEYS_MAX_AGE);
}

void oauth_view_jwks(struct reply *rp, const struct sandbox_jwk *jwk)
{
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_open_array(out, "keys");
    json_open_object(out, NULL);
    json_add_str(out, "kid", jwk->kid);
    json_add_str(out, "kty", "RSA");
    json_add_str(out, "alg", "RS256");
    json_add_str(out, "use", "sig");
    json_add_str(out, "n", jwk->n);
    json_add_str(out, "e", jwk->e);
    json_close_object(out);
    json_close_array(out);
    json_close_object(out);
    reply_header(rp, "Cache-Control", KEYS_MAX_AGE);
}
