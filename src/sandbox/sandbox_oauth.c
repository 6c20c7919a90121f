#include "src/sandbox/sandbox_oauth.h"

#include <string.h>

#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/json/json.h"
#include "src/providers/sandbox_credentials.h"
#include "src/sandbox/sandbox_errors.h"
#include "src/sandbox/sandbox_state.h"

#define CODE_S 600
#define ACCESS_S 3600
#define REFRESH_S (60 * 24 * 60 * 60)
#define VERIFIER_MIN 43
#define VERIFIER_MAX 128

static const char *const provider_names[SANDBOX_PROVIDER__MAX] = {
    [SANDBOX_KAKAO] = "kakao",
    [SANDBOX_NAVER] = "naver",
    [SANDBOX_GOOGLE] = "google",
};

bool sandbox_provider_find(const char *name, enum sandbox_provider *provider_r)
{
    for (int i = 0; i < SANDBOX_PROVIDER__MAX; i++) {
        if (strcmp(provider_names[i], name) == 0) {
            *provider_r = (enum sandbox_provider)i;
            return true;
        }
    }
    return false;
}

const char *sandbox_provider_name(enum sandbox_provider provider)
{
    return provider_names[provider];
}

/* ---- documents ---- */

SHAPE_OPEN(person_shape, struct sandbox_person,
           {FIELD(struct sandbox_person, "subject", FIELD_STR, subject), .flags = FIELD_REQUIRED},
           {FIELD(struct sandbox_person, "email", FIELD_STR, email)},
           {FIELD(struct sandbox_person, "name", FIELD_STR, name)});

/* What a code or token stands for. */
struct ticket {
    const char *redirect_uri;
    const char *challenge;
    const char *scope;
    const char *nonce;
    struct sandbox_person person;
};

SHAPE_OPEN(ticket_shape, struct ticket, {FIELD(struct ticket, "redirectUri", FIELD_STR, redirect_uri), .max = 2000},
           {FIELD(struct ticket, "challenge", FIELD_STR, challenge)}, {FIELD(struct ticket, "scope", FIELD_STR, scope)},
           {FIELD(struct ticket, "nonce", FIELD_STR, nonce)},
           {FIELD(struct ticket, "person", FIELD_OBJECT, person), .sub = &person_shape});

static const char *key_of(struct ctx *ctx, enum sandbox_provider provider, const char *kind, const char *name)
{
    return arena_printf(ctx->arena, SANDBOX_KEY("%s:%s:%s"), provider_names[provider], kind, name);
}

static const struct err *read_ticket(struct ctx *ctx, const char *text, const struct err *missing,
                                     struct ticket *ticket_r)
{
    void *ticket;
    if (text == NULL) {
        return missing;
    }
    if (json_read(ctx, text, strlen(text), &ticket_shape, &ticket) != NULL) {
        return &err_internal;
    }
    *ticket_r = *(struct ticket *)ticket;
    return NULL;
}

/* Stores what the ticket stands for under a new unguessable name. */
static const struct err *issue(struct ctx *ctx, enum sandbox_provider provider, const char *kind,
                               const struct ticket *ticket, const char **name_r)
{
    char id[UUID_SIZE];
    const char *name = arena_strdup(ctx->arena, uuid_v4(id));
    int life_s = strcmp(kind, "code") == 0 ? CODE_S : strcmp(kind, "access") == 0 ? ACCESS_S : REFRESH_S;
    const char *text = sandbox_write(ctx, &ticket_shape, ticket);
    const struct err *e = sandbox_store(ctx, key_of(ctx, provider, kind, name), text, life_s);
    if (!e) {
        *name_r = name;
    }
    return e;
}

const struct err *sandbox_oauth_add(struct ctx *ctx, enum sandbox_provider provider,
                                    const struct sandbox_person *person)
{
    return sandbox_store(ctx, key_of(ctx, provider, "person", person->subject),
                         sandbox_write(ctx, &person_shape, person), 0);
}

static const struct err *find_person(struct ctx *ctx, enum sandbox_provider provider, const char *subject,
                                     struct sandbox_person *person_r)
{
    const char *text;
    const struct err *e = sandbox_load(ctx, key_of(ctx, provider, "person", subject), &text);
    if (e) {
        return e;
    }
    if (text == NULL) {
        return &err_sandbox_oauth_denied;
    }
    void *person;
    if (json_read(ctx, text, strlen(text), &person_shape, &person) != NULL) {
        return &err_internal;
    }
    *person_r = *(struct sandbox_person *)person;
    return NULL;
}

/* ---- consent ---- */

static bool equal(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_web_address(const char *uri)
{
    return uri != NULL && (strncmp(uri, "http://", 7) == 0 || strncmp(uri, "https://", 8) == 0);
}

const struct err *sandbox_oauth_consent(struct ctx *ctx, enum sandbox_provider provider,
                                        const struct sandbox_consent *consent, const char **code_r)
{
    if (!equal(consent->client_id, SANDBOX_OAUTH_CLIENT)) {
        return &err_sandbox_oauth_client;
    }
    if (!is_web_address(consent->redirect_uri)) {
        return &err_sandbox_oauth_redirect;
    }
    if (!equal(consent->response_type, "code")) {
        return &err_sandbox_oauth_request;
    }
    if (consent->code_challenge != NULL && !equal(consent->code_challenge_method, "S256")) {
        return &err_sandbox_oauth_request;
    }
    if (consent->user == NULL) {
        return &err_sandbox_oauth_denied;
    }
    struct ticket ticket = {
        .redirect_uri = consent->redirect_uri,
        .challenge = consent->code_challenge,
        .scope = consent->scope,
        .nonce = consent->nonce,
    };
    const struct err *e = find_person(ctx, provider, consent->user, &ticket.person);
    return !e ? issue(ctx, provider, "code", &ticket, code_r) : e;
}

/* ---- tokens ---- */

static bool challenge_met(struct ctx *ctx, const char *challenge, const char *verifier)
{
    if (challenge == NULL) {
        return true;
    }
    if (verifier == NULL || strlen(verifier) < VERIFIER_MIN || strlen(verifier) > VERIFIER_MAX) {
        return false;
    }
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(verifier, strlen(verifier), digest);
    return strcmp(crypto_base64url(ctx->arena, digest, sizeof digest), challenge) == 0;
}

/* A code is gone whatever comes of it. */
static const struct err *redeem_code(struct ctx *ctx, enum sandbox_provider provider,
                                     const struct sandbox_token_request *request, struct ticket *ticket_r)
{
    if (request->code == NULL || (request->redirect_required && request->redirect_uri == NULL)) {
        return &err_sandbox_oauth_request;
    }
    const char *text;
    const struct err *e = sandbox_take(ctx, key_of(ctx, provider, "code", request->code), &text);
    e = e ? e : read_ticket(ctx, text, &err_sandbox_oauth_grant, ticket_r);
    if (e) {
        return e;
    }
    if (request->redirect_uri != NULL && !equal(request->redirect_uri, ticket_r->redirect_uri)) {
        return &err_sandbox_oauth_redirect;
    }
    return challenge_met(ctx, ticket_r->challenge, request->code_verifier) ? NULL : &err_sandbox_oauth_grant;
}

static const struct err *use_refresh_token(struct ctx *ctx, enum sandbox_provider provider,
                                           const struct sandbox_token_request *request, struct ticket *ticket_r)
{
    if (request->refresh_token == NULL) {
        return &err_sandbox_oauth_request;
    }
    const char *text;
    const struct err *e = sandbox_load(ctx, key_of(ctx, provider, "refresh", request->refresh_token), &text);
    return !e ? read_ticket(ctx, text, &err_sandbox_oauth_grant, ticket_r) : e;
}

const struct err *sandbox_oauth_grant(struct ctx *ctx, enum sandbox_provider provider,
                                      const struct sandbox_token_request *request, struct sandbox_grant *grant_r)
{
    if (!equal(request->client_id, SANDBOX_OAUTH_CLIENT) ||
        !equal(request->client_secret, SANDBOX_OAUTH_CLIENT_SECRET)) {
        return &err_sandbox_oauth_client;
    }
    struct ticket ticket;
    bool refreshing = equal(request->grant_type, "refresh_token");
    const struct err *e = &err_sandbox_oauth_request;
    if (refreshing) {
        e = use_refresh_token(ctx, provider, request, &ticket);
    } else if (equal(request->grant_type, "authorization_code")) {
        e = redeem_code(ctx, provider, request, &ticket);
    }
    if (e) {
        return e;
    }
    struct sandbox_grant grant = {.scope = ticket.scope, .nonce = ticket.nonce, .person = ticket.person};
    e = issue(ctx, provider, "access", &ticket, &grant.access_token);
    if (!e && !refreshing) {
        e = issue(ctx, provider, "refresh", &ticket, &grant.refresh_token);
    }
    if (!e) {
        *grant_r = grant;
    }
    return e;
}

const struct err *sandbox_oauth_person(struct ctx *ctx, enum sandbox_provider provider, const char *authorization,
                                       struct sandbox_person *person_r)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncmp(authorization, scheme, strlen(scheme)) != 0) {
        return &err_sandbox_oauth_token;
    }
    const char *text;
    struct ticket ticket;
    const struct err *e = sandbox_load(ctx, key_of(ctx, provider, "access", authorization + strlen(scheme)), &text);
    e = e ? e : read_ticket(ctx, text, &err_sandbox_oauth_token, &ticket);
    if (!e) {
        *person_r = ticket.person;
    }
    return e;
}

const struct err *sandbox_oauth_revoke(struct ctx *ctx, enum sandbox_provider provider, const char *token)
{
    const char *gone;
    const struct err *e = sandbox_take(ctx, key_of(ctx, provider, "access", token), &gone);
    return !e ? sandbox_take(ctx, key_of(ctx, provider, "refresh", token), &gone) : e;
}
