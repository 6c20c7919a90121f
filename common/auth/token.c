#include "common/auth/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/redis.h"
#include "common/json/json.h"

#define KEYS_MAX 8
#define KID_MAX 32
#define HEADER_MAX 128
#define SECRET_MIN 32
#define SECRET_MAX 256
#define SKEW_S 30
#define SECONDS_MAX 15 /* digits of a time that is read the short way */

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
    struct crypto_hmac *hmac;    /* of its secret */
    char header[HEADER_MAX + 1]; /* the first part of every token of this key, with the dot */
    size_t header_len;
};

static const char *const kind_names[] = {[TOKEN_ACCESS] = "access", [TOKEN_REFRESH] = "refresh"};
#define KINDS (sizeof kind_names / sizeof kind_names[0])

static struct {
    struct token_key keys[KEYS_MAX];
    int count;          /* keys[0] signs */
    char *start[KINDS]; /* what the payload of our tokens begins with, up to the subject */
} ring;

#define SUBJECT_MARK "\"sub\":\"" /* what that ends with */

static void write_start(struct json_out *out, enum token_kind kind)
{
    json_open_object(out, NULL);
    json_add_str(out, "iss", cfg_token.issuer);
    json_add_str(out, "aud", cfg_token.audience);
    json_add_str(out, "typ", kind_names[kind]);
}

static void note_start(enum token_kind kind)
{
    struct arena *arena = arena_new(TOKEN_LENGTH_MAX * 4);
    struct buf json;
    struct json_out out;
    buf_init(&json, arena, TOKEN_LENGTH_MAX);
    json_out_init(&out, &json);
    write_start(&out, kind);
    buf_str(&json, "," SUBJECT_MARK);
    free(ring.start[kind]);
    ring.start[kind] = strdup(json.data);
    if (ring.start[kind] == NULL) {
        log_panic("out of memory");
    }
    arena_free(&arena);
}

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
    key->header_len =
        (size_t)snprintf(key->header, sizeof key->header, "%s.", crypto_base64url(arena, json.data, json.len));
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
    key->hmac = crypto_hmac_new(colon + 1, secret_len);
    write_header(key);
    return true;
}

static void forget_keys(void)
{
    for (int i = 0; i < ring.count; i++) {
        crypto_hmac_free(&ring.keys[i].hmac);
    }
    ring.count = 0;
}

bool token_init(const char **why_r)
{
    const char *text = cfg_token.keys != NULL ? cfg_token.keys : "";
    forget_keys();
    note_start(TOKEN_ACCESS);
    note_start(TOKEN_REFRESH);
    for (;;) {
        size_t len = strcspn(text, ",");
        struct token_key key;
        if (!parse_key(text, len, &key, why_r)) {
            return false;
        }
        if (ring.count == KEYS_MAX || find_key(key.kid) != NULL) {
            crypto_hmac_free(&key.hmac);
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
    crypto_hmac_run(key->hmac, text, len, mac);
    return crypto_base64url(arena, mac, sizeof mac);
}

/* ---- signing ---- */

static const char *payload_of(struct arena *arena, enum token_kind kind, const struct token_claims *claims)
{
    struct buf json;
    struct json_out out;
    buf_init(&json, arena, TOKEN_LENGTH_MAX);
    json_out_init(&out, &json);
    write_start(&out, kind);
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
    const char *text = ARENA_JOIN(ctx->arena, key->header, payload_of(ctx->arena, kind, claims));
    return ARENA_JOIN(ctx->arena, text, ".", signature_of(ctx->arena, key, text, strlen(text)));
}

/* ---- reading a payload ---- */

struct payload {
    struct token_claims claims;
    int64_t not_before_s;
};

static bool is(const char *text, const char *expected)
{
    return text != NULL && strcmp(text, expected) == 0;
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

/* Any JSON: claims in any order, others among them. */
static bool read_any(struct arena *arena, const char *text, size_t len, enum token_kind kind, struct payload *payload)
{
    const struct json *json;
    struct token_claims *claims = &payload->claims;
    if (json_parse(arena, text, len, &json, NULL) != NULL) {
        return false;
    }
    *claims = (struct token_claims){
        .subject = get_text(json, "sub"),
        .jti = get_text(json, "jti"),
        .role = kind == TOKEN_ACCESS ? get_text(json, "role") : NULL,
        .family = kind == TOKEN_REFRESH ? get_text(json, "fam") : NULL,
    };
    if (!is(get_text(json, "iss"), cfg_token.issuer) || !is(get_text(json, "aud"), cfg_token.audience) ||
        !is(get_text(json, "typ"), kind_names[kind]) || !uuid_valid(claims->subject) || !uuid_valid(claims->jti)) {
        return false;
    }
    bool bearer =
        kind == TOKEN_ACCESS ? is(claims->role, "USER") || is(claims->role, "ADMIN") : uuid_valid(claims->family);
    return bearer && get_seconds(json, "iat", &claims->issued_s) && get_seconds(json, "nbf", &payload->not_before_s) &&
           get_seconds(json, "exp", &claims->expires_s);
}

/* Each take_* moves *at past what it took, and answers false when it is not there. */

static bool take(char **at, const char *literal)
{
    size_t len = strlen(literal);
    bool there = strncmp(*at, literal, len) == 0;
    *at += there ? len : 0;
    return there;
}

/* A UUID and the quotation mark after it, which becomes its end. */
static bool take_uuid(char **at, const char **uuid_r)
{
    char *end = *at + UUID_SIZE - 1;
    if (memchr(*at, '\0', UUID_SIZE) != NULL || *end != '"') {
        return false;
    }
    *end = '\0';
    *uuid_r = *at;
    *at = end + 1;
    return uuid_valid(*uuid_r);
}

/* Seconds since 1970 of at most SECONDS_MAX digits: no sign, no leading zero, no fraction. */
static bool take_seconds(char **at, int64_t *seconds_r)
{
    const char *first = *at;
    int64_t seconds = 0;
    while (**at >= '0' && **at <= '9' && *at - first < SECONDS_MAX) {
        seconds = seconds * 10 + (*(*at)++ - '0');
    }
    *seconds_r = seconds;
    return *at > first && *first != '0';
}

static bool take_role(char **at, const char **role_r)
{
    *role_r = take(at, "USER\"") ? "USER" : take(at, "ADMIN\"") ? "ADMIN" : NULL;
    return *role_r != NULL;
}

/* Exactly what payload_of() writes, in one pass; overwrites `text`. False says nothing: read_any() judges. */
static bool read_own(char *text, size_t len, enum token_kind kind, struct payload *payload)
{
    char *at = text;
    struct token_claims *claims = &payload->claims;
    *claims = (struct token_claims){.role = NULL};
    bool common = take(&at, ring.start[kind]) && take_uuid(&at, &claims->subject) && take(&at, ",\"jti\":\"") &&
                  take_uuid(&at, &claims->jti) && take(&at, ",\"iat\":") && take_seconds(&at, &claims->issued_s) &&
                  take(&at, ",\"nbf\":") && take_seconds(&at, &payload->not_before_s) && take(&at, ",\"exp\":") &&
                  take_seconds(&at, &claims->expires_s);
    bool last = common && (kind == TOKEN_ACCESS ? take(&at, ",\"role\":\"") && take_role(&at, &claims->role)
                                                : take(&at, ",\"fam\":\"") && take_uuid(&at, &claims->family));
    return last && take(&at, "}") && at == text + len;
}

static bool read_payload(struct arena *arena, const char *encoded, size_t len, enum token_kind kind,
                         struct payload *payload)
{
    size_t size;
    char *text = (char *)crypto_base64url_decode(arena, encoded, len, &size);
    if (text == NULL) {
        return false;
    }
    return read_own(arena_memdup(arena, text, size), size, kind, payload) || read_any(arena, text, size, kind, payload);
}

/* ---- verifying ---- */

/* The key whose header this token has, byte for byte: only our own tokens are read, so nothing in a header is a token's
 * choice, the algorithm least of all. */
static const struct token_key *header_key(const char *token)
{
    for (int i = 0; i < ring.count; i++) {
        if (strncmp(token, ring.keys[i].header, ring.keys[i].header_len) == 0) {
            return &ring.keys[i];
        }
    }
    return NULL;
}

/* Finds the payload of a token whose signature is right. What else a malformed token may hold, padding or a letter
 * outside base64url, is in the payload then, and found when that is decoded. */
static bool authentic(struct arena *arena, const char *token, const char **payload_r, size_t *len_r)
{
    const struct token_key *key = header_key(token);
    const char *payload = key != NULL ? token + key->header_len : NULL;
    const char *dot = payload != NULL ? strchr(payload, '.') : NULL;
    if (dot == NULL) {
        return false;
    }
    const char *expected = signature_of(arena, key, token, (size_t)(dot - token));
    size_t len = strlen(expected);
    if (strlen(dot + 1) != len || !crypto_equal(dot + 1, expected, len)) {
        return false;
    }
    *payload_r = payload;
    *len_r = (size_t)(dot - payload);
    return true;
}

static const struct err *check_times(const struct payload *payload)
{
    int64_t now_s = clock_now() / CLOCK_SECOND;
    if (payload->claims.issued_s > now_s + SKEW_S || payload->not_before_s > now_s + SKEW_S) {
        return &err_token_invalid;
    }
    return payload->claims.expires_s <= now_s - SKEW_S ? &err_token_expired : NULL;
}

const struct err *token_verify(struct ctx *ctx, enum token_kind kind, const char *token, struct token_claims *claims_r)
{
    const char *encoded;
    size_t len;
    struct payload payload;
    if (token == NULL || strnlen(token, TOKEN_LENGTH_MAX + 1) > TOKEN_LENGTH_MAX ||
        !authentic(ctx->arena, token, &encoded, &len) || !read_payload(ctx->arena, encoded, len, kind, &payload)) {
        return &err_token_invalid;
    }
    const struct err *e = check_times(&payload);
    if (e == NULL) {
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
    int64_t left_s = expires_s + SKEW_S - clock_now() / CLOCK_SECOND;
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
