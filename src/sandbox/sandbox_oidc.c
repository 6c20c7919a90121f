/* The OpenID Connect part of sandbox_oauth.h: the signing key and id_tokens. */
#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/crypto_rsa.h"
#include "common/io/redis.h"
#include "common/json/json.h"
#include "src/providers/sandbox_credentials.h"
#include "src/sandbox/sandbox_oauth.h"
#include "src/sandbox/sandbox_state.h"

#define KEY SANDBOX_KEY("rsa-key")
#define ID_TOKEN_S 3600
#define TEXT_MAX 8192
#define KID_BYTES 10

/* Of concurrent makers the first one's key stays. */
static const struct err *make_key(struct ctx *ctx, const char **pem_r)
{
    struct crypto_rsa *key = crypto_rsa_generate();
    const char *pem = crypto_rsa_pem(ctx->arena, key);
    crypto_rsa_free(&key);
    const struct err *e = REDIS_RUN(ctx, NULL, "SET", KEY, pem, "NX");
    return !e ? sandbox_load(ctx, KEY, pem_r) : e;
}

/* The caller frees *key_r. */
static const struct err *open_key(struct ctx *ctx, struct crypto_rsa **key_r)
{
    const char *pem;
    const struct err *e = sandbox_load(ctx, KEY, &pem);
    if (!e && pem == NULL) {
        e = make_key(ctx, &pem);
    }
    if (e) {
        return e;
    }
    *key_r = pem == NULL ? NULL : crypto_rsa_from_pem(pem);
    return *key_r == NULL ? &err_unavailable : NULL;
}

static void describe_key(struct ctx *ctx, const struct crypto_rsa *key, struct sandbox_jwk *jwk_r)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_rsa_jwk(ctx->arena, key, &jwk_r->n, &jwk_r->e);
    crypto_sha256(jwk_r->n, strlen(jwk_r->n), digest);
    jwk_r->kid = crypto_hex(ctx->arena, digest, KID_BYTES);
}

const struct err *sandbox_oauth_key(struct ctx *ctx, struct sandbox_jwk *jwk_r)
{
    struct crypto_rsa *key;
    const struct err *e = open_key(ctx, &key);
    if (e) {
        return e;
    }
    describe_key(ctx, key, jwk_r);
    crypto_rsa_free(&key);
    return NULL;
}

const struct err *sandbox_oauth_rotate(struct ctx *ctx)
{
    return REDIS_RUN(ctx, NULL, "DEL", KEY);
}

static struct json_out *text_open(struct ctx *ctx, struct buf *buf, struct json_out *out)
{
    buf_init(buf, ctx->arena, TEXT_MAX);
    json_out_init(out, buf);
    json_open_object(out, NULL);
    return out;
}

static const char *text_close(struct ctx *ctx, struct json_out *out)
{
    json_close_object(out);
    return crypto_base64url(ctx->arena, out->buf->data, out->buf->len);
}

static const char *write_header(struct ctx *ctx, const char *kid)
{
    struct buf buf;
    struct json_out header;
    struct json_out *out = text_open(ctx, &buf, &header);
    json_add_str(out, "alg", "RS256");
    json_add_str(out, "kid", kid);
    json_add_str(out, "typ", "JWT");
    return text_close(ctx, out);
}

static const char *access_token_hash(struct ctx *ctx, const char *access_token)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(access_token, strlen(access_token), digest);
    return crypto_base64url(ctx->arena, digest, sizeof digest / 2);
}

static const char *write_claims(struct ctx *ctx, const char *issuer, const struct sandbox_grant *grant)
{
    struct buf buf;
    struct json_out claims;
    struct json_out *out = text_open(ctx, &buf, &claims);
    int64_t now_s = clock_now() / CLOCK_SECOND;
    json_add_str(out, "iss", issuer);
    json_add_str(out, "azp", SANDBOX_OAUTH_CLIENT);
    json_add_str(out, "aud", SANDBOX_OAUTH_CLIENT);
    json_add_str(out, "sub", grant->person.subject);
    json_add_str(out, "at_hash", access_token_hash(ctx, grant->access_token));
    json_add_int(out, "iat", now_s);
    json_add_int(out, "exp", now_s + ID_TOKEN_S);
    if (grant->nonce != NULL) {
        json_add_str(out, "nonce", grant->nonce);
    }
    if (grant->person.email != NULL) {
        json_add_str(out, "email", grant->person.email);
        json_add_bool(out, "email_verified", true);
    }
    if (grant->person.name != NULL) {
        json_add_str(out, "name", grant->person.name);
    }
    return text_close(ctx, out);
}

const struct err *sandbox_oauth_id_token(struct ctx *ctx, const char *issuer, const struct sandbox_grant *grant,
                                         const char **token_r)
{
    struct crypto_rsa *key;
    const struct err *e = open_key(ctx, &key);
    if (e) {
        return e;
    }
    struct sandbox_jwk jwk;
    describe_key(ctx, key, &jwk);
    const char *text = arena_printf(ctx->arena, "%s.%s", write_header(ctx, jwk.kid), write_claims(ctx, issuer, grant));
    *token_r = arena_printf(ctx->arena, "%s.%s", text, crypto_rsa_sign(ctx->arena, key, text));
    crypto_rsa_free(&key);
    return NULL;
}
