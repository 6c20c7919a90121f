#include "src/user/social_attempt.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/crypto/crypto.h"
#include "common/io/redis.h"
#include "common/json/json.h"
#include "src/user/user_errors.h"

#define RANDOM_BYTES 32
#define DOCUMENT_MAX 1024
#define SECRET_MAX 200 /* of what comes back; ours are shorter */

/* What Redis keeps. */
struct document {
    const char *provider;
    const char *browser; /* digest of what the browser keeps */
    const char *nonce;
    const char *verifier;
};

SHAPE(document_shape, struct document,
      {FIELD(struct document, "provider", FIELD_STR, provider), .flags = FIELD_REQUIRED},
      {FIELD(struct document, "browser", FIELD_STR, browser), .flags = FIELD_REQUIRED},
      {FIELD(struct document, "nonce", FIELD_STR, nonce), .flags = FIELD_REQUIRED},
      {FIELD(struct document, "verifier", FIELD_STR, verifier), .flags = FIELD_REQUIRED});

const char *social_random(struct ctx *ctx)
{
    unsigned char bytes[RANDOM_BYTES];
    crypto_random(bytes, sizeof bytes);
    return crypto_base64url(ctx->arena, bytes, sizeof bytes);
}

static const char *digest_of(struct ctx *ctx, const char *secret)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(secret, strlen(secret), digest);
    return crypto_hex(ctx->arena, digest, sizeof digest);
}

const char *social_key(struct ctx *ctx, const char *kind, const char *secret)
{
    return ARENA_JOIN(ctx->arena, "social:", kind, ":", digest_of(ctx, secret));
}

const struct err *social_attempt_begin(struct ctx *ctx, enum oauth_provider provider, struct oauth_attempt *attempt_r,
                                       const char **browser_r)
{
    const struct oauth_attempt attempt = {social_random(ctx), social_random(ctx), social_random(ctx)};
    const char *browser = social_random(ctx);
    const struct document document = {oauth_provider_code(provider), digest_of(ctx, browser), attempt.nonce,
                                      attempt.verifier};
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, DOCUMENT_MAX);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, &document_shape, &document);
    const struct err *e = err_of_read(REDIS_RUN(ctx, NULL, "SET", social_key(ctx, "attempt", attempt.state), buf.data,
                                                "EX", arena_int(ctx->arena, SOCIAL_ATTEMPT_S)));
    if (!e) {
        *attempt_r = attempt;
        *browser_r = browser;
    }
    return e;
}

static bool same_browser(struct ctx *ctx, const struct document *document, const char *browser)
{
    const char *digest = digest_of(ctx, browser);
    size_t len = strlen(digest);
    return strlen(document->browser) == len && crypto_equal(document->browser, digest, len);
}

const struct err *social_attempt_end(struct ctx *ctx, enum oauth_provider provider, const char *state,
                                     const char *browser, struct oauth_attempt *attempt_r)
{
    if (!state || !browser || strlen(state) > SECRET_MAX || strlen(browser) > SECRET_MAX) {
        return &err_social_state;
    }
    const struct redis_value *value;
    const struct err *e = err_of_read(REDIS_RUN(ctx, &value, "GETDEL", social_key(ctx, "attempt", state)));
    if (e) {
        return e;
    }
    void *read;
    if (value->type != REDIS_STR || json_read(ctx, value->str, value->len, &document_shape, &read)) {
        return &err_social_state;
    }
    const struct document *document = read;
    if (strcmp(document->provider, oauth_provider_code(provider)) != 0 || !same_browser(ctx, document, browser)) {
        return &err_social_state;
    }
    *attempt_r = (struct oauth_attempt){state, document->nonce, document->verifier};
    return NULL;
}
