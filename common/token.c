#include "common/token.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/crypto.h"
#include "common/json.h"
#include "common/redis.h"
#include "common/uuid.h"

#define KEYS_MAX 8
#define KID_MAX 32
#define HEADER_MAX 128
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
    char header[HEADER_MAX + 1]; /* the first part of every token of this key, without the dot */
};

static struct {
    struct token_key keys[KEYS_MAX];
    int count; /* keys[0] signs */
} ring;

static const char *const kind_names[] = {[TOKEN_ACCESS] = "access", [TOKEN_REFRESH] = "refresh"};

/* The header of this key's tokens: {"alg":"HS256","typ":"JWT","kid":"..."}. */
static void write_header(struct token_key *key)
{
    struct arena *arena = arena_new(TOKEN_LENGTH_MAX);
    struct buf json;
    struct json_out out;
    buf_init(&json, arena, HEADER_MAX);
    json_out_init(&out, &json);
    json_open_object(&out, NULL);
    json_add_str(&out, "alg", "HS256");
    json_add_str(&out, "typ", "JWT");
    json_add_str(&out, "kid", key->kid);
    json_close_object(&out);
    snprintf(key->header, sizeof key->header, "%s", crypto_base64url(arena, json.data, json.len));
    arena_free(&arena);
}

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

/* Reads one "kid:secret" of `len` characters. */
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
    write_header(key);
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

/* ---- the compact serialization (RFC 7515) ---- */

static const char *encode(struct arena *arena, const struct buf *json)
{
    return crypto_base64url(arena, json->data, json->len);
}

/* base64url(HMAC-SHA256(secret, the first `len` bytes of `text`)) */
static const char *signature_of(struct arena *arena, const struct token_key *key, const char *text, size_t len)
{
    unsigned char mac[CRYPTO_SHA256_SIZE];
    crypto_hmac_sha256(key->secret, strlen(key->secret), text, len, mac);
    return crypto_base64url(arena, mac, sizeof mac);
}

/* ---- signing ---- */

static const char *payload_of(struct arena *arena, enum token_kind kind, const struct token_claims *claims)
{
    struct buf json;
    struct json_out out;
    buf_init(&json, arena, TOKEN_LENGTH_MAX);
    json_out_init(&out, &json);
    json_open_object(&out, NULL);
    json_add_str(&out, "iss", cfg_token.issuer);
    json_add_str(&out, "aud", cfg_token.audience);
    json_add_str(&out, "typ", kind_names[kind]);
    json_add_str(&out, "sub", claims->subject);
    json_add_str(&out, "jti", claims->jti);
    json_add_int(&out, "iat", claims->issued_s);
    json_add_int(&out, "nbf", claims->issued_s);
    json_add_int(&out, "exp", claims->expires_s);
    if (kind == TOKEN_ACCESS) {
        json_add_str(&out, "role", claims->role);
    } else {
        json_add_str(&out, "fam", claims->family);
    }
    json_close_object(&out);
    return encode(arena, &json);
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
    const struct token_key *key = &ring.keys[0];
    const char *text = arena_printf(ctx->arena, "%s.%s", key->header, payload_of(ctx->arena, kind, claims));
    return arena_printf(ctx->arena, "%s.%s", text, signature_of(ctx->arena, key, text, strlen(text)));
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

/* The key whose header this is, byte for byte: only our own tokens are read, so nothing in a header is a token's
 * choice, the algorithm least of all. */
static const struct token_key *header_key(const char *header, size_t len)
{
    for (int i = 0; i < ring.count; i++) {
        if (strlen(ring.keys[i].header) == len && memcmp(ring.keys[i].header, header, len) == 0) {
            return &ring.keys[i];
        }
    }
    return NULL;
}

static const struct json *read_payload(struct arena *arena, const char *encoded, size_t len)
{
    size_t size;
    const struct json *payload;
    const unsigned char *text = crypto_base64_decode(arena, arena_memdup(arena, encoded, len), &size);
    bool ok = text != NULL && json_parse(arena, (const char *)text, size, &payload, NULL) == NULL;
    return ok ? payload : NULL;
}

/* The payload of a token whose signature is right; NULL otherwise. */
static const struct json *authentic(struct arena *arena, const char *token)
{
    const char *payload = strchr(token, '.') + 1;
    const char *signature = strchr(payload, '.') + 1;
    const struct token_key *key = header_key(token, (size_t)(payload - 1 - token));
    if (key == NULL) {
        return NULL;
    }
    const char *expected = signature_of(arena, key, token, (size_t)(signature - 1 - token));
    size_t len = strlen(expected);
    if (strlen(signature) != len || !crypto_equal(signature, expected, len)) {
        return NULL;
    }
    return read_payload(arena, payload, (size_t)(signature - 1 - payload));
}

static const char *get_text(const struct json *payload, const char *name)
{
    return json_str(json_get(payload, name));
}

static bool get_seconds(const struct json *payload, const char *name, int64_t *out)
{
    *out = json_int(json_get(payload, name), 0);
    return *out > 0;
}

static const struct err *check_claims(const struct json *payload, enum token_kind kind, struct token_claims *claims_r)
{
    struct token_claims claims = {
        .subject = get_text(payload, "sub"),
        .jti = get_text(payload, "jti"),
        .role = kind == TOKEN_ACCESS ? get_text(payload, "role") : NULL,
        .family = kind == TOKEN_REFRESH ? get_text(payload, "fam") : NULL,
    };
    int64_t not_before_s;
    if (!is(get_text(payload, "iss"), cfg_token.issuer) || !is(get_text(payload, "aud"), cfg_token.audience) ||
        !is(get_text(payload, "typ"), kind_names[kind]) || !uuid_valid(claims.subject) || !uuid_valid(claims.jti)) {
        return &err_token_invalid;
    }
    bool bearer =
        kind == TOKEN_ACCESS ? is(claims.role, "USER") || is(claims.role, "ADMIN") : uuid_valid(claims.family);
    bool timed = get_seconds(payload, "iat", &claims.issued_s) && get_seconds(payload, "nbf", &not_before_s) &&
                 get_seconds(payload, "exp", &claims.expires_s);
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
    const struct json *payload = well_formed(token) ? authentic(ctx->arena, token) : NULL;
    return payload != NULL ? check_claims(payload, kind, claims_r) : &err_token_invalid;
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
