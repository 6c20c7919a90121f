#include "common/auth/token.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/token_cache.h"
#include "common/auth/token_ring.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/redis.h"

#define KEYS_MIN 34 /* characters: "k:" and the shortest secret */
#define KEYS_MAX 4096
#define ACCESS_MAX_S 86400
#define EC_SIGNATURE_LENGTH 86 /* of 64 bytes in base64url */

struct cfg_token cfg_token;

static const struct cfg_key token_keys[] = {
    {"BOX_JWT_KEYS", CFG_STR, offsetof(struct cfg_token, keys), "", NULL, KEYS_MIN, KEYS_MAX,
     CFG_SECRET | CFG_REQUIRED | CFG_LIVE,
     "key ring kid:secret,kid:ES256:key,kid:ES256-public:key (common/auth/token_ring.h); the first signs, all verify; "
     "secrets of 32 characters or more"},
    {"BOX_JWT_ISSUER", CFG_STR, offsetof(struct cfg_token, issuer), "", "boxoffice", 1, 200, 0, "iss claim of tokens"},
    {"BOX_JWT_AUDIENCE", CFG_STR, offsetof(struct cfg_token, audience), "", "boxoffice", 1, 200, 0,
     "aud claim of tokens"},
    {"BOX_TOKEN_CACHE", CFG_INT, offsetof(struct cfg_token, cache), "tokens", "0", 0, 1048576, 0,
     "access tokens that a process remembers as verified, 64 bytes each; for what is polled"},
};

static const struct cfg_key life_keys[] = {
    {"BOX_JWT_ACCESS_S", CFG_INT, offsetof(struct cfg_token, access_s), "seconds", "3600", 60, ACCESS_MAX_S, 0,
     "life of an access token"},
    {"BOX_JWT_REFRESH_S", CFG_INT, offsetof(struct cfg_token, refresh_s), "seconds", "604800", 3600, 7776000, 0,
     "life of a refresh token"},
};

const struct cfg_section cfg_token_section = {
    .title = "Tokens",
    .keys = token_keys,
    .count = ARRAY_COUNT(token_keys),
    .values = &cfg_token,
};
const struct cfg_section cfg_token_life_section = {"Lives of tokens", life_keys, ARRAY_COUNT(life_keys), &cfg_token};

static const char *const kind_names[] = {[TOKEN_ACCESS] = "access", [TOKEN_REFRESH] = "refresh"};

static struct token_ring ring;
static bool signer_needed;

/* ---- signing ---- */

static jwt_t *write_claims(enum token_kind kind, const struct token_claims *claims)
{
    jwt_t *jwt = NULL;
    bool access = kind == TOKEN_ACCESS;
    bool written =
        jwt_new(&jwt) == 0 && jwt_add_grant(jwt, "iss", cfg_token.issuer) == 0 &&
        jwt_add_grant(jwt, "aud", cfg_token.audience) == 0 && jwt_add_grant(jwt, "typ", kind_names[kind]) == 0 &&
        jwt_add_grant(jwt, "sub", claims->subject) == 0 && jwt_add_grant(jwt, "jti", claims->jti) == 0 &&
        jwt_add_grant_int(jwt, "iat", claims->issued_s) == 0 && jwt_add_grant_int(jwt, "nbf", claims->issued_s) == 0 &&
        jwt_add_grant_int(jwt, "exp", claims->expires_s) == 0 &&
        jwt_add_grant(jwt, access ? "role" : "fam", access ? claims->role : claims->family) == 0;
    if (!written) {
        log_panic("libjwt cannot write a token");
    }
    return jwt;
}

/* Takes over a text of libjwt's. */
static char *keep(struct arena *arena, char *text)
{
    if (text == NULL) {
        log_panic("libjwt cannot sign a token");
    }
    char *kept = arena_strdup(arena, text);
    free(text);
    return kept;
}

static char *sign_hmac(struct arena *arena, jwt_t *jwt, const struct token_key *key)
{
    if (jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, key->secret_len) != 0 ||
        jwt_add_header(jwt, "kid", key->kid) != 0) {
        log_panic("libjwt does not take a key");
    }
    return keep(arena, jwt_encode_str(jwt));
}

static char *sign_ec(struct arena *arena, jwt_t *jwt, const struct token_key *key)
{
    unsigned char signature[CRYPTO_EC_SIGNATURE_SIZE];
    const char *claims = keep(arena, jwt_get_grants_json(jwt, NULL));
    const char *payload = crypto_base64url(arena, claims, strlen(claims));
    const char *text = ARENA_JOIN(arena, key->headers[TOKEN_ACCESS][TOKEN_HEADER_OURS], payload);
    crypto_ec_sign(key->ec, text, strlen(text), signature);
    return ARENA_JOIN(arena, text, ".", crypto_base64url(arena, signature, sizeof signature));
}

char *token_issue(struct ctx *ctx, enum token_kind kind, struct token_claims *claims)
{
    if (claims->jti == NULL) {
        claims->jti = uuid_v4(arena_alloc(ctx->arena, UUID_SIZE));
    }
    claims->issued_s = clock_now() / CLOCK_SECOND;
    claims->expires_s = claims->issued_s + (kind == TOKEN_ACCESS ? cfg_token.access_s : cfg_token.refresh_s);
    return token_issue_again(ctx, kind, claims, 0);
}

char *token_issue_again(struct ctx *ctx, enum token_kind kind, const struct token_claims *claims, int nth)
{
    const struct token_key *key = token_ring_signer(&ring, nth);
    if (key == NULL && nth == 0) {
        log_panic("a token is issued without a key that can sign");
    }
    if (key == NULL) {
        return NULL;
    }
    jwt_t *jwt = write_claims(kind, claims);
    char *token = token_key_is_ec(key, kind) ? sign_ec(ctx->arena, jwt, key) : sign_hmac(ctx->arena, jwt, key);
    jwt_free(jwt);
    return token;
}

/* ---- key ring ---- */

static bool use_ring(struct token_ring *parsed, const char **why_r)
{
    if (!utf8_is_plain(cfg_token.issuer, strlen(cfg_token.issuer)) ||
        !utf8_is_plain(cfg_token.audience, strlen(cfg_token.audience))) {
        *why_r = "BOX_JWT_ISSUER, BOX_JWT_AUDIENCE: a name is not UTF-8 without control characters";
        return false;
    }
    if (signer_needed && token_ring_signer(parsed, 0) == NULL) {
        *why_r = "BOX_JWT_KEYS: this program issues tokens, but no key of its ring can sign";
        return false;
    }
    token_cache_init((size_t)cfg_token.cache);
    token_ring_clear(&ring);
    ring = *parsed;
    return true;
}

bool token_init(const char **why_r)
{
    struct token_ring parsed;
    cfg_watch(&cfg_token_section, token_init);
    if (!token_ring_parse(cfg_token.keys != NULL ? cfg_token.keys : "", &parsed, why_r)) {
        return false;
    }
    bool used = use_ring(&parsed, why_r);
    if (!used) {
        token_ring_clear(&parsed);
    }
    return used;
}

bool token_init_signer(const char **why_r)
{
    signer_needed = true;
    return token_init(why_r);
}

/* ---- verifying ---- */

/* True when there is one text for what it says. libjwt passes over padding, strangers to the alphabet and spare bits,
 * and reads a payload to its first NUL only; a signature it compares as text. */
static bool is_strict(struct arena *arena, const char *payload)
{
    size_t len;
    const char *text = arena_memdup(arena, payload, strcspn(payload, "."));
    const unsigned char *bytes = crypto_base64_decode(arena, text, &len);
    return bytes != NULL && strpbrk(text, "+/=") == NULL && memchr(bytes, '\0', len) == NULL;
}

/* The signature of ES256 is checked here: libjwt would parse the key anew for every token, and cannot check it without
 * taking the token's word for the algorithm. */
static bool ec_signed(struct arena *arena, const char *token, const char *payload, const struct token_key *key)
{
    size_t len;
    const char *dot = strchr(payload, '.');
    if (dot == NULL || strlen(dot + 1) != EC_SIGNATURE_LENGTH || strpbrk(dot + 1, "+/=") != NULL) {
        return false;
    }
    const unsigned char *signature = crypto_base64_decode(arena, dot + 1, &len);
    return signature != NULL && crypto_ec_verify(key->ec, token, (size_t)(dot - token), signature);
}

/* NULL unless one of our keys signed it. libjwt would take key and algorithm from a token at their word; so only
 * headers of our own reach it, in which nothing is a token's choice. Without a key it only reads. */
static jwt_t *open_token(struct arena *arena, enum token_kind kind, const char *token)
{
    const char *payload;
    jwt_t *jwt = NULL;
    const struct token_key *key = token_ring_find(&ring, kind, token, &payload);
    if (key == NULL || !is_strict(arena, payload)) {
        return NULL;
    }
    bool ec = token_key_is_ec(key, kind);
    bool ours = ec ? ec_signed(arena, token, payload, key) && jwt_decode(&jwt, token, NULL, 0) == 0
                   : jwt_decode(&jwt, token, key->secret, key->secret_len) == 0;
    return ours ? jwt : NULL;
}

/* NULL when the claim is absent or no text. */
static const char *get_text(struct arena *arena, jwt_t *jwt, const char *name)
{
    const char *text = jwt_get_grant(jwt, name);
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

/* What is absent or no integer is -1 or 0 to libjwt. */
static bool get_seconds(jwt_t *jwt, const char *name, int64_t *out)
{
    *out = jwt_get_grant_int(jwt, name);
    return *out > 0;
}

static bool is(const char *text, const char *expected)
{
    return text != NULL && strcmp(text, expected) == 0;
}

static bool read_payload(struct arena *arena, jwt_t *jwt, enum token_kind kind, struct token_payload *payload)
{
    struct token_claims *claims = &payload->claims;
    *claims = (struct token_claims){
        .subject = get_text(arena, jwt, "sub"),
        .jti = get_text(arena, jwt, "jti"),
        .role = kind == TOKEN_ACCESS ? get_text(arena, jwt, "role") : NULL,
        .family = kind == TOKEN_REFRESH ? get_text(arena, jwt, "fam") : NULL,
    };
    if (!is(jwt_get_grant(jwt, "iss"), cfg_token.issuer) || !is(jwt_get_grant(jwt, "aud"), cfg_token.audience) ||
        !is(jwt_get_grant(jwt, "typ"), kind_names[kind]) || !uuid_valid(claims->subject) || !uuid_valid(claims->jti)) {
        return false;
    }
    bool bearer =
        kind == TOKEN_ACCESS ? is(claims->role, "USER") || is(claims->role, "ADMIN") : uuid_valid(claims->family);
    return bearer && get_seconds(jwt, "iat", &claims->issued_s) && get_seconds(jwt, "nbf", &payload->not_before_s) &&
           get_seconds(jwt, "exp", &claims->expires_s);
}

static const struct err *check_times(const struct token_payload *payload)
{
    int64_t now_s = clock_now() / CLOCK_SECOND;
    if (payload->claims.issued_s > now_s + TOKEN_SKEW_S || payload->not_before_s > now_s + TOKEN_SKEW_S) {
        return &err_token_invalid;
    }
    return payload->claims.expires_s <= now_s - TOKEN_SKEW_S ? &err_token_expired : NULL;
}

/* False unless one of our keys signed it and all that it says is as it has to be, its times aside. */
static bool read_token(struct arena *arena, enum token_kind kind, const char *token, struct token_payload *payload)
{
    jwt_t *jwt = open_token(arena, kind, token);
    bool good = jwt != NULL && read_payload(arena, jwt, kind, payload);
    jwt_free(jwt);
    return good;
}

/* The same of an access token that may be remembered. */
static bool read_access(struct arena *arena, const char *token, struct token_payload *payload)
{
    unsigned char digest[TOKEN_DIGEST_SIZE];
    if (!token_cache_digest(token, digest)) {
        return read_token(arena, TOKEN_ACCESS, token, payload);
    }
    if (token_cache_find(arena, digest, payload)) {
        return true;
    }
    bool good = read_token(arena, TOKEN_ACCESS, token, payload);
    if (good) {
        token_cache_keep(digest, payload);
    }
    return good;
}

const struct err *token_verify(struct ctx *ctx, enum token_kind kind, const char *token, struct token_claims *claims_r)
{
    struct token_payload payload;
    bool too_long = token == NULL || strnlen(token, TOKEN_LENGTH_MAX + 1) > TOKEN_LENGTH_MAX;
    bool good = !too_long && (kind == TOKEN_ACCESS ? read_access(ctx->arena, token, &payload)
                                                   : read_token(ctx->arena, kind, token, &payload));
    const struct err *e = good ? check_times(&payload) : &err_token_invalid;
    if (!e) {
        *claims_r = payload.claims;
    }
    return e;
}

/* ---- revoking ---- */

static const char *revoked_key(struct ctx *ctx, const char *jti)
{
    return ARENA_JOIN(ctx->arena, "token:revoked:", jti);
}

const struct err *token_revoke(struct ctx *ctx, const char *jti, int64_t expires_s)
{
    int64_t left_s = expires_s + TOKEN_SKEW_S - clock_now() / CLOCK_SECOND;
    if (left_s <= 0) {
        return NULL;
    }
    return REDIS_RUN(ctx, NULL, "SET", revoked_key(ctx, jti), "1", "EX", arena_int(ctx->arena, left_s));
}

void token_pipe_revoked(struct redis_pipe *pipe, struct ctx *ctx, const char *jti)
{
    REDIS_PIPE(pipe, "EXISTS", revoked_key(ctx, jti));
}

const struct err *token_piped_revoked(const struct redis_value *answer)
{
    if (answer->type != REDIS_INT) {
        return &err_internal;
    }
    return answer->integer != 0 ? &err_token_revoked : NULL;
}

const struct err *token_revoked_unknown(struct ctx *ctx, const struct err *e)
{
    if ((e->flags & (ERR_RETRY | ERR_UNCERTAIN)) == 0) {
        return e;
    }
    log_warn(&ctx->log, "revoked tokens cannot be looked up: %s", e->code);
    return NULL;
}

const struct err *token_check_revoked(struct ctx *ctx, const char *jti)
{
    const struct redis_value *found;
    const struct err *e = REDIS_RUN(ctx, &found, "EXISTS", revoked_key(ctx, jti));
    return e ? token_revoked_unknown(ctx, e) : token_piped_revoked(found);
}

/* ---- administrators ---- */

static const char *demoted_key(struct ctx *ctx, const char *user_id)
{
    return ARENA_JOIN(ctx->arena, "token:demoted:", user_id);
}

const struct err *token_demote(struct ctx *ctx, const char *user_id)
{
    int64_t until_s = clock_now() / CLOCK_SECOND + TOKEN_SKEW_S;
    return REDIS_RUN(ctx, NULL, "SET", demoted_key(ctx, user_id), arena_int(ctx->arena, until_s), "EX",
                     arena_int(ctx->arena, ACCESS_MAX_S + 2 * TOKEN_SKEW_S));
}

const struct err *token_promote(struct ctx *ctx, const char *user_id)
{
    int64_t until_s = clock_now() / CLOCK_SECOND - 1;
    return REDIS_RUN(ctx, NULL, "SET", demoted_key(ctx, user_id), arena_int(ctx->arena, until_s), "XX", "KEEPTTL");
}

static const struct err *piped_demoted(const struct redis_value *answer, int64_t issued_s)
{
    if (answer->type == REDIS_NIL) {
        return NULL;
    }
    bool later = answer->type == REDIS_STR && issued_s > strtoll(answer->str, NULL, 10);
    return later ? NULL : &err_token_revoked;
}

const struct err *token_check_admin(struct ctx *ctx, const struct token_claims *claims)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *answers;
    token_pipe_revoked(pipe, ctx, claims->jti);
    REDIS_PIPE(pipe, "GET", demoted_key(ctx, claims->subject));
    const struct err *e = err_of_read(redis_pipe_run(pipe, &answers));
    e = e ? e : token_piped_revoked(&answers[0]);
    return e ? e : piped_demoted(&answers[1], claims->issued_s);
}
