#include "src/providers/oauth.h"

#include <string.h>

#include "common/auth/token_id.h"
#include "common/base/array.h"
#include "common/base/breaker.h"
#include "common/crypto/crypto.h"
#include "common/io/http.h"
#include "common/json/json.h"
#include "src/providers/oauth_table.h"

#define RETRY_AFTER_S 5
#define ANSWER_MAX ((size_t)64 << 10)
#define ACCESS_TOKEN_MAX 4096
#define SUBJECT_MAX 255

/* ---- addresses ---- */

const char *oauth_address(struct ctx *ctx, const struct oauth_address *address)
{
    return ARENA_JOIN(ctx->arena, *address->base, address->path);
}

const char *oauth_redirect_uri(struct ctx *ctx, enum oauth_provider provider)
{
    return ARENA_JOIN(ctx->arena, cfg_oauth.public_url, "/auth/oauth2/", oauth_manners[provider].name, "/callback");
}

/* One more parameter; NULL: none. */
static const char *with(struct ctx *ctx, const char *text, const char *name, const char *value)
{
    return value ? ARENA_JOIN(ctx->arena, text, "&", name, "=", http_escape(ctx->arena, value)) : text;
}

static const char *challenge_of(struct ctx *ctx, const char *verifier)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(verifier, strlen(verifier), digest);
    return crypto_base64url(ctx->arena, digest, sizeof digest);
}

const char *oauth_authorize_url(struct ctx *ctx, enum oauth_provider provider, const struct oauth_attempt *attempt,
                                const char *sandbox_user)
{
    const struct oauth_manner *manner = &oauth_manners[provider];
    const char *url = ARENA_JOIN(ctx->arena, oauth_address(ctx, &manner->authorize), "?response_type=code");
    url = with(ctx, url, "client_id", cfg_oauth.clients[provider].id);
    url = with(ctx, url, "redirect_uri", oauth_redirect_uri(ctx, provider));
    url = with(ctx, url, "state", attempt->state);
    url = with(ctx, url, "scope", manner->scope);
    url = with(ctx, url, "nonce", manner->keys.path ? attempt->nonce : NULL);
    url = with(ctx, url, "code_challenge", manner->pkce ? challenge_of(ctx, attempt->verifier) : NULL);
    url = with(ctx, url, "code_challenge_method", manner->pkce ? "S256" : NULL);
    return with(ctx, url, "sandbox_user", sandbox_user);
}

/* ---- calls ---- */

static struct breaker *breaker_of(enum oauth_provider provider)
{
    static const struct breaker_policy policy = {
        .window = 50, .min_calls = 20, .open_percent = 50, .open_ms = 30000, .probes = 3};
    static struct breaker *breakers[OAUTH_PROVIDER__MAX];
    static bool opened[OAUTH_PROVIDER__MAX];
    static const char *const names[OAUTH_PROVIDER__MAX] = {"oauth-kakao", "oauth-naver", "oauth-google"};
    if (!opened[provider]) {
        breakers[provider] = breaker_open(cfg_process.run_dir, names[provider], &policy);
        opened[provider] = true;
    }
    return breakers[provider];
}

static const struct err *unavailable(struct ctx *ctx, int retry_after_s)
{
    ctx->retry_after_s = retry_after_s > 0 ? retry_after_s : RETRY_AFTER_S;
    return &err_unavailable;
}

/* What was sent at most asks who somebody is: that it may have arrived makes no difference. *outage_r: the provider is
 * to blame, and not what this client has sent, which it may refuse in any form. */
static const struct err *exchange(struct ctx *ctx, struct http_call *call, struct oauth_answer *answer_r,
                                  bool *outage_r)
{
    struct http_answer http;
    const struct json *root;
    const char *why;
    call->timeout_ms = (int)cfg_oauth.timeout_ms;
    call->answer_max = ANSWER_MAX;
    *outage_r = true;
    const struct err *e = http_perform(ctx, call, &http);
    if (e) {
        return e == &err_bad_gateway ? e : unavailable(ctx, 0);
    }
    *outage_r = http.status < 400 || http.status >= 500;
    if (http.status >= 500 || http.status == 429) {
        return unavailable(ctx, http.retry_after_s);
    }
    if (json_parse(ctx->arena, http.body, http.len, &root, &why) || json_type(root) != JSON_OBJECT) {
        return &err_bad_gateway;
    }
    *answer_r = (struct oauth_answer){http.status, http.max_age_s, http.body, http.len, root};
    *outage_r = false;
    return NULL;
}

const struct err *oauth_call(struct ctx *ctx, enum oauth_provider provider, struct http_call *call,
                             struct oauth_answer *answer_r)
{
    struct breaker *breaker = breaker_of(provider);
    struct breaker_permit permit;
    if (!breaker_allow(breaker, &permit)) {
        return unavailable(ctx, breaker_retry_after_s(breaker));
    }
    bool outage;
    const struct err *e = exchange(ctx, call, answer_r, &outage);
    breaker_done(breaker, &permit, !outage);
    if (e) {
        log_warn(&ctx->log, "%s gives no answer that can be read: %s", oauth_manners[provider].name, e->code);
    }
    return e;
}

/* ---- tokens ---- */

static const char *text_of(const struct json *object, const char *member)
{
    return json_str(json_get(object, member));
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; text && i < count; i++) {
        if (words[i] && strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Naver answers 200 whatever it has to say, so an error is what names one. */
static const struct err *refusal(struct ctx *ctx, enum oauth_provider provider, const struct oauth_answer *answer)
{
    static const char *const ours[] = {"invalid_client", "unauthorized_client", "redirect_uri_mismatch"};
    static const char *const theirs[] = {"server_error", "temporarily_unavailable"};
    const struct oauth_manner *manner = &oauth_manners[provider];
    const char *error = text_of(answer->root, "error");
    if (is_one_of(error, manner->unknown_code, ARRAY_COUNT(manner->unknown_code))) {
        return &err_oauth_refused;
    }
    if (is_one_of(error, ours, ARRAY_COUNT(ours))) {
        log_error(&ctx->log, "%s refuses our client", manner->name);
        return unavailable(ctx, 0);
    }
    if (is_one_of(error, theirs, ARRAY_COUNT(theirs))) {
        return unavailable(ctx, 0);
    }
    log_warn(&ctx->log, "the token of %s cannot be read", manner->name);
    return &err_bad_gateway;
}

static const struct err *redeem(struct ctx *ctx, enum oauth_provider provider, const struct oauth_attempt *attempt,
                                const char *code, const struct json **tokens_r)
{
    const struct oauth_manner *manner = &oauth_manners[provider];
    const struct oauth_client *client = &cfg_oauth.clients[provider];
    const char *form = with(ctx, "grant_type=authorization_code", "client_id", client->id);
    form = with(ctx, form, "client_secret", client->secret);
    form = with(ctx, form, "code", code);
    form = with(ctx, form, "state", manner->state_at_token ? attempt->state : NULL);
    form = with(ctx, form, "redirect_uri", manner->state_at_token ? NULL : oauth_redirect_uri(ctx, provider));
    form = with(ctx, form, "code_verifier", manner->pkce ? attempt->verifier : NULL);
    struct http_call call = {.method = "POST",
                             .url = oauth_address(ctx, &manner->token),
                             .headers = {{"Content-Type", "application/x-www-form-urlencoded;charset=utf-8"}},
                             .body = form,
                             .body_len = strlen(form)};
    struct oauth_answer answer;
    const struct err *e = oauth_call(ctx, provider, &call, &answer);
    if (e) {
        return e;
    }
    if (answer.status != 200 || !text_of(answer.root, "access_token") || json_get(answer.root, "error")) {
        return refusal(ctx, provider, &answer);
    }
    *tokens_r = answer.root;
    return NULL;
}

/* ---- who it is ---- */

static const struct err *unbelievable(struct ctx *ctx, enum oauth_provider provider, const char *what)
{
    log_warn(&ctx->log, "what %s says of a person is refused for %s", oauth_manners[provider].name, what);
    return &err_bad_gateway;
}

static const struct err *person_of_id_token(struct ctx *ctx, enum oauth_provider provider,
                                            const struct oauth_attempt *attempt, const struct json *tokens,
                                            struct oauth_person *person_r)
{
    const char *token = text_of(tokens, "id_token"), *kid = token_id_kid(ctx->arena, token);
    if (!kid) {
        return unbelievable(ctx, provider, "the form of its id_token");
    }
    const struct token_id_keys *keys;
    const struct err *e = oauth_keys(ctx, provider, kid, &keys);
    if (e) {
        return e;
    }
    const struct oauth_manner *manner = &oauth_manners[provider];
    const char *issuer = *manner->authorize.base, *scheme = strstr(issuer, "://");
    const struct token_id_expected expected = {
        {issuer, manner->bare_issuer && scheme ? scheme + 3 : NULL}, cfg_oauth.clients[provider].id, attempt->nonce};
    struct token_id_claims claims;
    const char *why;
    if (!token_id_verify(ctx->arena, token, keys, &expected, &claims, &why)) {
        return unbelievable(ctx, provider, why);
    }
    *person_r = (struct oauth_person){claims.subject, claims.email, claims.name};
    return NULL;
}

static bool printable(const char *text, size_t most)
{
    size_t len = text ? strlen(text) : 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return len > 0 && len <= most;
}

static const struct err *person_of_profile(struct ctx *ctx, enum oauth_provider provider, const struct json *tokens,
                                           struct oauth_person *person_r)
{
    const char *token = text_of(tokens, "access_token");
    if (!printable(token, ACCESS_TOKEN_MAX)) {
        return unbelievable(ctx, provider, "the form of its access token");
    }
    struct http_call call = {.method = "GET",
                             .url = oauth_address(ctx, &oauth_manners[provider].profile),
                             .headers = {{"Authorization", ARENA_JOIN(ctx->arena, "Bearer ", token)}}};
    struct oauth_answer answer;
    const struct err *e = oauth_call(ctx, provider, &call, &answer);
    if (e) {
        return e;
    }
    const char *result = text_of(answer.root, "resultcode");
    const struct json *response = json_get(answer.root, "response");
    const char *subject = text_of(response, "id");
    if (answer.status != 200 || !result || strcmp(result, "00") != 0 || !printable(subject, SUBJECT_MAX)) {
        return unbelievable(ctx, provider, "the form of the profile");
    }
    *person_r = (struct oauth_person){subject, text_of(response, "email"), text_of(response, "name")};
    return NULL;
}

const struct err *oauth_person_of(struct ctx *ctx, enum oauth_provider provider, const struct oauth_attempt *attempt,
                                  const char *code, struct oauth_person *person_r)
{
    const struct json *tokens;
    const struct err *e = redeem(ctx, provider, attempt, code, &tokens);
    if (e) {
        return e;
    }
    return oauth_manners[provider].keys.path ? person_of_id_token(ctx, provider, attempt, tokens, person_r)
                                             : person_of_profile(ctx, provider, tokens, person_r);
}
