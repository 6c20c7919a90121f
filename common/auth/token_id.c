#include "common/auth/token_id.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/crypto/crypto.h"
#include "common/crypto/crypto_rsa.h"
#include "common/json/json.h"

#define KID_MAX 200
#define SUBJECT_MAX 255
#define LIFE_MAX_S 86400
#define SET_ARENA_BYTES (8u << 20)
#define PEM_MAX 1024 /* of 4096 bits: 800 */

/* ---- keys ---- */

struct token_id_key {
    char kid[KID_MAX + 1];
    char pem[PEM_MAX];
};

struct token_id_keys {
    size_t count;
    struct token_id_key keys[TOKEN_ID_KEYS_MAX];
};

static bool is(const char *text, const char *expected)
{
    return text && strcmp(text, expected) == 0;
}

static const char *text_of(const struct json *object, const char *member)
{
    return json_str(json_get(object, member));
}

/* Absent is as good as right: both members are optional (RFC 7517). */
static bool fits(const struct json *jwk, const char *member, const char *expected)
{
    const struct json *value = json_get(jwk, member);
    return !value || is(json_str(value), expected);
}

static const struct token_id_key *find_key(const struct token_id_keys *keys, const char *kid)
{
    for (size_t i = 0; keys && i < keys->count; i++) {
        if (strcmp(keys->keys[i].kid, kid) == 0) {
            return &keys->keys[i];
        }
    }
    return NULL;
}

static void add_key(struct arena *arena, struct token_id_keys *keys, const struct json *jwk)
{
    const char *kid = text_of(jwk, "kid"), *n = text_of(jwk, "n"), *exponent = text_of(jwk, "e");
    bool ours = is(text_of(jwk, "kty"), "RSA") && fits(jwk, "use", "sig") && fits(jwk, "alg", "RS256");
    if (!ours || !kid || !kid[0] || strlen(kid) > KID_MAX || !n || !exponent || find_key(keys, kid)) {
        return;
    }
    struct crypto_rsa *rsa = crypto_rsa_from_jwk(arena, n, exponent);
    if (!rsa) {
        return;
    }
    const char *pem = crypto_rsa_public_pem(arena, rsa);
    if (strlen(pem) < PEM_MAX) {
        struct token_id_key *key = &keys->keys[keys->count++];
        memcpy(key->kid, kid, strlen(kid) + 1);
        memcpy(key->pem, pem, strlen(pem) + 1);
    }
    crypto_rsa_free(&rsa);
}

struct token_id_keys *token_id_keys_read(const char *text, size_t len)
{
    struct arena *arena = arena_new(SET_ARENA_BYTES);
    const struct json *root;
    const char *why;
    struct token_id_keys *keys = NULL;
    if (!json_parse(arena, text, len, &root, &why) && json_type(json_get(root, "keys")) == JSON_ARRAY) {
        keys = calloc(1, sizeof *keys);
        if (!keys) {
            log_panic("out of memory");
        }
        const struct json *list = json_get(root, "keys");
        for (size_t i = 0; i < json_count(list) && keys->count < TOKEN_ID_KEYS_MAX; i++) {
            add_key(arena, keys, json_at(list, i));
        }
    }
    arena_free(&arena);
    return keys;
}

void token_id_keys_free(struct token_id_keys **keys)
{
    free(*keys);
    *keys = NULL;
}

bool token_id_keys_have(const struct token_id_keys *keys, const char *kid)
{
    return find_key(keys, kid) != NULL;
}

/* ---- the token ---- */

/* One of the three parts as JSON; NULL when it is not an object in strict base64url. */
static const struct json *read_part(struct arena *arena, const char *part, size_t len)
{
    size_t bytes_len;
    const char *why, *text = arena_memdup(arena, part, len);
    const unsigned char *bytes = crypto_base64_decode(arena, text, &bytes_len);
    const struct json *root;
    if (!bytes || strpbrk(text, "+/=") || json_parse(arena, (const char *)bytes, bytes_len, &root, &why) ||
        json_type(root) != JSON_OBJECT) {
        return NULL;
    }
    return root;
}

struct parts {
    size_t header_len;
    const char *payload;
    size_t payload_len;
};

/* Three parts, of which the last is strict base64url too. */
static bool split(const char *token, struct parts *parts_r)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (!token || strnlen(token, TOKEN_ID_MAX + 1) > TOKEN_ID_MAX) {
        return false;
    }
    size_t header_len = strcspn(token, ".");
    const char *payload = token + header_len + (token[header_len] == '.');
    size_t payload_len = strcspn(payload, ".");
    const char *signature = payload + payload_len + (payload[payload_len] == '.');
    *parts_r = (struct parts){header_len, payload, payload_len};
    return header_len && payload_len && signature[0] && signature[strspn(signature, alphabet)] == '\0';
}

/* libjwt goes by the algorithm that a token names; so only one reaches it. What asks for more than we understand
 * ("crit") is refused (RFC 7515). */
static const char *header_kid(struct arena *arena, const char *token, const struct parts *parts)
{
    const struct json *header = read_part(arena, token, parts->header_len);
    const char *kid = text_of(header, "kid");
    bool good = is(text_of(header, "alg"), "RS256") && !json_get(header, "crit") && kid && kid[0];
    return good && strlen(kid) <= KID_MAX ? kid : NULL;
}

const char *token_id_kid(struct arena *arena, const char *token)
{
    struct parts parts;
    return split(token, &parts) ? header_kid(arena, token, &parts) : NULL;
}

static bool signed_by(const char *token, const struct token_id_key *key)
{
    jwt_t *jwt = NULL;
    bool good = jwt_decode(&jwt, token, (const unsigned char *)key->pem, (int)strlen(key->pem)) == 0 &&
                jwt_get_alg(jwt) == JWT_ALG_RS256;
    jwt_free(jwt);
    return good;
}

/* ---- what it says ---- */

static bool issuer_fits(const struct json *payload, const struct token_id_expected *expected)
{
    const char *issuer = text_of(payload, "iss");
    return is(issuer, expected->issuers[0]) || (expected->issuers[1] && is(issuer, expected->issuers[1]));
}

/* A token for several is ours only when it was given to us. */
static bool audience_fits(const struct json *payload, const struct token_id_expected *expected)
{
    const struct json *audience = json_get(payload, "aud");
    bool listed = is(json_str(audience), expected->audience);
    size_t count = json_type(audience) == JSON_ARRAY ? json_count(audience) : 0;
    for (size_t i = 0; i < count; i++) {
        listed |= is(json_str(json_at(audience, i)), expected->audience);
    }
    const struct json *party = json_get(payload, "azp");
    return listed && (party ? is(json_str(party), expected->audience) : count <= 1);
}

static const char *times_wrong(const struct json *payload)
{
    int64_t now_s = clock_now() / CLOCK_SECOND;
    int64_t issued_s = json_int(json_get(payload, "iat"), 0), expires_s = json_int(json_get(payload, "exp"), 0);
    if (issued_s <= 0 || issued_s > now_s + TOKEN_ID_SKEW_S) {
        return "its time of issue";
    }
    bool sane = expires_s > issued_s && expires_s - issued_s <= LIFE_MAX_S;
    return sane && expires_s > now_s - TOKEN_ID_SKEW_S ? NULL : "its end";
}

static bool subject_fits(const char *subject)
{
    size_t len = subject ? strlen(subject) : 0;
    for (size_t i = 0; i < len; i++) {
        if (subject[i] <= ' ' || subject[i] > '~') {
            return false;
        }
    }
    return len > 0 && len <= SUBJECT_MAX;
}

static const char *claims_wrong(const struct json *payload, const struct token_id_expected *expected)
{
    if (!issuer_fits(payload, expected)) {
        return "its issuer";
    }
    if (!audience_fits(payload, expected)) {
        return "its audience";
    }
    if (!is(text_of(payload, "nonce"), expected->nonce)) {
        return "its nonce";
    }
    const char *why = times_wrong(payload);
    if (why) {
        return why;
    }
    return subject_fits(text_of(payload, "sub")) ? NULL : "its subject";
}

bool token_id_verify(struct arena *arena, const char *token, const struct token_id_keys *keys,
                     const struct token_id_expected *expected, struct token_id_claims *claims_r, const char **why_r)
{
    struct parts parts;
    const char *kid = split(token, &parts) ? header_kid(arena, token, &parts) : NULL;
    const struct json *payload = kid ? read_part(arena, parts.payload, parts.payload_len) : NULL;
    if (!payload) {
        *why_r = "its form";
        return false;
    }
    const struct token_id_key *key = find_key(keys, kid);
    if (!key || !signed_by(token, key)) {
        *why_r = key ? "its signature" : "its key";
        return false;
    }
    const char *why = claims_wrong(payload, expected);
    if (why) {
        *why_r = why;
        return false;
    }
    bool verified = json_bool(json_get(payload, "email_verified"), false);
    *claims_r = (struct token_id_claims){.subject = text_of(payload, "sub"),
                                         .email = verified ? text_of(payload, "email") : NULL,
                                         .name = text_of(payload, "name")};
    return true;
}
