#include "common/token.h"

#include <errno.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/crypto.h"
#include "common/json.h"
#include "common/redis.h"
#include "common/uuid.h"

#define KEYS_MAX 8
#define KID_MAX 32
#define SECRET_MIN 32
#define SECRET_MAX 256
#define SKEW_S 30

struct cfg_token cfg_token;

#define KEY(member) offsetof(struct cfg_token, member)
static const struct cfg_key token_keys[] = {
    {"BOX_JWT_KEYS", CFG_STR, KEY(keys), "", NULL, SECRET_MIN + 2, 2048, CFG_SECRET | CFG_REQUIRED,
     "key ring kid:secret,kid:secret; the first signs, all verify; secrets of 32 characters or more"},
    {"BOX_JWT_ISSUER", CFG_STR, KEY(issuer), "", "boxoffice", 1, 200, 0, "iss claim of tokens"},
    {"BOX_JWT_AUDIENCE", CFG_STR, KEY(audience), "", "boxoffice", 1, 200, 0, "aud claim of tokens"},
    {"BOX_JWT_ACCESS_S", CFG_INT, KEY(access_s), "seconds", "3600", 60, 86400, 0, "life of an access token"},
    {"BOX_JWT_REFRESH_S", CFG_INT, KEY(refresh_s), "seconds", "604800", 3600, 7776000, 0, "life of a refresh token"},
};
#undef KEY

const struct cfg_section cfg_token_section = {
    .title = "Tokens",
    .keys = token_keys,
    .count = sizeof token_keys / sizeof token_keys[0],
    .values = &cfg_token,
};

struct token_key {
    char kid[KID_MAX + 1];
    char secret[SECRET_MAX + 1];
};

static struct {
    struct token_key keys[KEYS_MAX];
    int count; /* keys[0] signs */
} ring;

static const char *const kind_names[] = {[TOKEN_ACCESS] = "access", [TOKEN_REFRESH] = "refresh"};

/* ---- key ring ---- */

static const struct token_key *find_key(const char *kid)
{
    for (int i = 0; i < ring.count; i++) {
        if (strcmp(ring.keys[i].kid, kid) == 0) {
            return &ring.keys[i];
        }
    }
    return NULL;
}

/* Reads one "kid:secret" of `len` characters. libjwt takes any token when the secret is empty: hence SECRET_MIN. */
static bool parse_key(const char *text, size_t len, struct token_key *key, const char **why_r)
{
    const char *colon = memchr(text, ':', len);
    size_t kid_len = colon != NULL ? (size_t)(colon - text) : 0;
    size_t secret_len = colon != NULL ? len - kid_len - 1 : 0;
    if (kid_len == 0 || kid_len > KID_MAX) {
        *why_r = "BOX_JWT_KEYS: every key is a kid of 1 to 32 characters, a colon and a secret";
        return false;
    }
    if (secret_len < SECRET_MIN || secret_len > SECRET_MAX) {
        *why_r = "BOX_JWT_KEYS: a secret has 32 to 256 characters";
        return false;
    }
    *key = (struct token_key){.kid = ""};
    memcpy(key->kid, text, kid_len);
    memcpy(key->secret, colon + 1, secret_len);
    return true;
}

bool token_init(const char **why_r)
{
    const char *text = cfg_token.keys != NULL ? cfg_token.keys : "";
    ring.count = 0;
    for (;;) {
        size_t len = strcspn(text, ",");
        struct token_key key;
        if (!parse_key(text, len, &key, why_r)) {
            return false;
        }
        if (ring.count == KEYS_MAX || find_key(key.kid) != NULL) {
            *why_r = "BOX_JWT_KEYS: there are more than 8 keys, or a kid stands twice";
            return false;
        }
        ring.keys[ring.count++] = key;
        if (text[len] == '\0') {
            return true;
        }
        text += len + 1;
    }
}

/* ---- signing ---- */

static bool add_claims(jwt_t *jwt, enum token_kind kind, const struct token_claims *claims)
{
    int failed = jwt_add_grant(jwt, "iss", cfg_token.issuer) | jwt_add_grant(jwt, "aud", cfg_token.audience) |
                 jwt_add_grant(jwt, "typ", kind_names[kind]) | jwt_add_grant(jwt, "sub", claims->subject) |
                 jwt_add_grant(jwt, "jti", claims->jti) | jwt_add_grant_int(jwt, "iat", claims->issued_s) |
                 jwt_add_grant_int(jwt, "nbf", claims->issued_s) | jwt_add_grant_int(jwt, "exp", claims->expires_s);
    failed |= kind == TOKEN_ACCESS ? jwt_add_grant(jwt, "role", claims->role) : 0;
    failed |= kind == TOKEN_REFRESH ? jwt_add_grant(jwt, "fam", claims->family) : 0;
    return failed == 0;
}

/* The signed token, for free(). */
static char *sign(enum token_kind kind, const struct token_claims *claims)
{
    const struct token_key *key = &ring.keys[0];
    jwt_t *jwt;
    if (jwt_new(&jwt) != 0) {
        log_panic("out of memory for a token");
    }
    char *token = NULL;
    if (jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)key->secret, (int)strlen(key->secret)) == 0 &&
        jwt_add_header(jwt, "kid", key->kid) == 0 && add_claims(jwt, kind, claims)) {
        token = jwt_encode_str(jwt);
    }
    jwt_free(jwt);
    return token;
}

char *token_issue(struct ctx *ctx, enum token_kind kind, struct token_claims *claims)
{
    if (ring.count == 0) {
        log_panic("token_issue before token_init");
    }
    if (claims->jti == NULL) {
        claims->jti = uuid_v4(arena_alloc(ctx->arena, UUID_SIZE));
    }
    claims->issued_s = clock_now() / CLOCK_SECOND;
    claims->expires_s = claims->issued_s + (kind == TOKEN_ACCESS ? cfg_token.access_s : cfg_token.refresh_s);
    char *signed_token = sign(kind, claims);
    if (signed_token == NULL) {
        log_panic("cannot sign a token");
    }
    char *token = arena_strdup(ctx->arena, signed_token);
    free(signed_token);
    return token;
}

/* ---- verifying ---- */

/* Three parts of base64url without padding. */
static bool well_formed(const char *token)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (token == NULL || strnlen(token, TOKEN_LENGTH_MAX + 1) > TOKEN_LENGTH_MAX) {
        return false;
    }
    for (int part = 0; part < 3; part++) {
        size_t len = strspn(token, letters);
        if (len == 0 || token[len] != (part < 2 ? '.' : '\0')) {
            return false;
        }
        token += len + 1;
    }
    return true;
}

static bool is(const char *text, const char *expected)
{
    return text != NULL && strcmp(text, expected) == 0;
}

/* The key that the header names, when the header is one we would have written: libjwt takes every algorithm that fits
 * the key, so the choice is made before it sees the token. */
static const struct token_key *header_key(struct arena *arena, const char *token)
{
    size_t len;
    const char *encoded = arena_memdup(arena, token, strcspn(token, "."));
    const unsigned char *text = crypto_base64_decode(arena, encoded, &len);
    const struct json *header;
    if (text == NULL || json_parse(arena, (const char *)text, len, &header, NULL) != NULL) {
        return NULL;
    }
    const char *kid = json_str(json_get(header, "kid"));
    bool ours = json_type(header) == JSON_OBJECT && json_count(header) == 3 && kid != NULL &&
                is(json_str(json_get(header, "alg")), "HS256") && is(json_str(json_get(header, "typ")), "JWT");
    return ours ? find_key(kid) : NULL;
}

/* libjwt answers 0 for a claim that is there but no number. */
static bool get_seconds(jwt_t *jwt, const char *name, int64_t *out)
{
    errno = 0;
    *out = jwt_get_grant_int(jwt, name);
    return errno == 0 && *out > 0;
}

static const char *get_text(struct arena *arena, jwt_t *jwt, const char *name)
{
    const char *text = jwt_get_grant(jwt, name);
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static const struct err *check_claims(struct arena *arena, jwt_t *jwt, enum token_kind kind,
                                      struct token_claims *claims_r)
{
    struct token_claims claims = {
        .subject = get_text(arena, jwt, "sub"),
        .jti = get_text(arena, jwt, "jti"),
        .role = kind == TOKEN_ACCESS ? get_text(arena, jwt, "role") : NULL,
        .family = kind == TOKEN_REFRESH ? get_text(arena, jwt, "fam") : NULL,
    };
    int64_t not_before_s;
    if (!is(jwt_get_grant(jwt, "iss"), cfg_token.issuer) || !is(jwt_get_grant(jwt, "aud"), cfg_token.audience) ||
        !is(jwt_get_grant(jwt, "typ"), kind_names[kind]) || !uuid_valid(claims.subject) || !uuid_valid(claims.jti)) {
        return &err_token_invalid;
    }
    bool bearer =
        kind == TOKEN_ACCESS ? is(claims.role, "USER") || is(claims.role, "ADMIN") : uuid_valid(claims.family);
    bool timed = get_seconds(jwt, "iat", &claims.issued_s) && get_seconds(jwt, "nbf", &not_before_s) &&
                 get_seconds(jwt, "exp", &claims.expires_s);
    int64_t now_s = clock_now() / CLOCK_SECOND;
    if (!bearer || !timed || claims.issued_s > now_s + SKEW_S || not_before_s > now_s + SKEW_S) {
        return &err_token_invalid;
    }
    if (claims.expires_s <= now_s - SKEW_S) {
        return &err_token_expired;
    }
    *claims_r = claims;
    return NULL;
}

const struct err *token_verify(struct ctx *ctx, enum token_kind kind, const char *token, struct token_claims *claims_r)
{
    if (!well_formed(token)) {
        return &err_token_invalid;
    }
    const struct token_key *key = header_key(ctx->arena, token);
    if (key == NULL) {
        return &err_token_invalid;
    }
    jwt_t *jwt;
    if (jwt_decode(&jwt, token, (const unsigned char *)key->secret, (int)strlen(key->secret)) != 0) {
        return &err_token_invalid;
    }
    const struct err *e = &err_token_invalid;
    if (jwt_get_alg(jwt) == JWT_ALG_HS256) {
        e = check_claims(ctx->arena, jwt, kind, claims_r);
    }
    jwt_free(jwt);
    return e;
}

/* ---- revoking ---- */

static const char *revoked_key(struct ctx *ctx, const char *jti)
{
    return arena_printf(ctx->arena, "token:revoked:%s", jti);
}

const struct err *token_revoke(struct ctx *ctx, const char *jti, int64_t expires_s)
{
    int64_t left_s = expires_s + SKEW_S - clock_now() / CLOCK_SECOND;
    if (left_s <= 0) {
        return NULL;
    }
    return REDIS_RUN(ctx, NULL, "SET", revoked_key(ctx, jti), "1", "EX",
                     arena_printf(ctx->arena, "%lld", (long long)left_s));
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

const struct err *token_check_revoked(struct ctx *ctx, const char *jti)
{
    const struct redis_value *found;
    const struct err *e = REDIS_RUN(ctx, &found, "EXISTS", revoked_key(ctx, jti));
    if (e != NULL && (e->flags & (ERR_RETRY | ERR_UNCERTAIN)) != 0) {
        log_warn(&ctx->log, "revoked tokens cannot be looked up: %s", e->code);
        return NULL;
    }
    if (e != NULL) {
        return e;
    }
    return token_piped_revoked(found);
}
