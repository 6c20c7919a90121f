#include "common/auth/token_ring.h"

#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/json/json.h"

#define SECRET_MIN 32
#define DER_MAX 400
#define PRIVATE_MARK "ES256:"
#define PUBLIC_MARK "ES256-public:"
#define REFRESH_LABEL "boxoffice refresh tokens"
#define SCRATCH_MAX (TOKEN_LENGTH_MAX * 8)

bool token_key_is_ec(const struct token_key *key, enum token_kind kind)
{
    return key->ec != NULL && kind == TOKEN_ACCESS;
}

/* ---- headers ---- */

/* `sorted`: as libjwt has it. */
static const char *write_header(struct arena *arena, const char *alg, const char *kid, bool sorted)
{
    struct buf json;
    struct json_out out;
    buf_init(&json, arena, TOKEN_HEADER_MAX);
    json_out_init(&out, &json);
    json_open_object(&out, NULL);
    json_add_str(&out, "alg", alg);
    json_add_str(&out, sorted ? "kid" : "typ", sorted ? kid : "JWT");
    json_add_str(&out, sorted ? "typ" : "kid", sorted ? "JWT" : kid);
    json_close_object(&out);
    return crypto_base64url(arena, json.data, json.len);
}

/* libjwt has ways of its own to write a kid with special characters. NULL: it is not UTF-8. */
static const char *libjwt_header(struct arena *arena, const struct token_key *key)
{
    jwt_t *jwt = NULL;
    char *token = NULL;
    if (jwt_new(&jwt) == 0 && jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, key->secret_len) == 0 &&
        jwt_add_header(jwt, "kid", key->kid) == 0) {
        token = jwt_encode_str(jwt);
    }
    jwt_free(jwt);
    const char *header = token != NULL ? arena_memdup(arena, token, strcspn(token, ".")) : NULL;
    free(token);
    return header;
}

static bool note_header(struct arena *arena, struct token_key *key, enum token_kind kind)
{
    bool ec = token_key_is_ec(key, kind);
    const char *alg = ec ? "ES256" : "HS256";
    const char *ours = ec ? write_header(arena, alg, key->kid, true) : libjwt_header(arena, key);
    if (ours == NULL) {
        return false;
    }
    char(*headers)[TOKEN_HEADER_MAX + 1] = key->headers[kind];
    snprintf(headers[TOKEN_HEADER_OURS], sizeof *headers, "%s.", ours);
    snprintf(headers[TOKEN_HEADER_USUAL], sizeof *headers, "%s.", write_header(arena, alg, key->kid, false));
    return true;
}

/* A public key reads no refresh tokens. */
static bool note_headers(struct arena *arena, struct token_key *key)
{
    return note_header(arena, key, TOKEN_ACCESS) && (key->secret_len == 0 || note_header(arena, key, TOKEN_REFRESH));
}

/* ---- entries ---- */

static bool refuse(const char *why, const char **why_r)
{
    *why_r = why;
    return false;
}

static bool begins(const char *text, const char *mark)
{
    return strncmp(text, mark, strlen(mark)) == 0;
}

static bool parse_ec(struct arena *arena, const char *text, struct token_key *key, const char **why_r)
{
    key->signs = begins(text, PRIVATE_MARK);
    const char *der = text + strlen(key->signs ? PRIVATE_MARK : PUBLIC_MARK);
    key->ec = key->signs ? crypto_ec_private(arena, der) : crypto_ec_public(arena, der);
    if (key->ec == NULL) {
        return refuse(
            "BOX_JWT_KEYS: an ES256 key is PKCS #8, an ES256-public key SubjectPublicKeyInfo, of P-256 as DER "
            "in base64url",
            why_r);
    }
    if (key->signs) {
        crypto_ec_derive(key->ec, REFRESH_LABEL, key->secret);
        key->secret_len = CRYPTO_SHA256_SIZE;
    }
    return true;
}

static bool parse_secret(const char *text, size_t len, struct token_key *key, const char **why_r)
{
    if (len < SECRET_MIN || len > TOKEN_SECRET_MAX) {
        return refuse("BOX_JWT_KEYS: a secret has 32 to 256 characters", why_r);
    }
    key->signs = true;
    memcpy(key->secret, text, len);
    key->secret_len = (int)len;
    return true;
}

/* On failure key->ec may be set. */
static bool parse_key(struct arena *arena, const struct ring_entry *entry, struct token_key *key, const char **why_r)
{
    if (entry->id_len == 0 || entry->id_len > TOKEN_KID_MAX || entry->key == NULL) {
        return refuse("BOX_JWT_KEYS: every key is a kid of 1 to 32 characters, a colon and a secret or key", why_r);
    }
    *key = (struct token_key){.from_s = entry->from_s};
    memcpy(key->kid, entry->id, entry->id_len);
    const char *text = entry->key_len <= DER_MAX ? arena_memdup(arena, entry->key, entry->key_len) : "";
    bool ec = begins(text, PRIVATE_MARK) || begins(text, PUBLIC_MARK);
    if (!(ec ? parse_ec(arena, text, key, why_r) : parse_secret(entry->key, entry->key_len, key, why_r))) {
        return false;
    }
    return note_headers(arena, key) || refuse("BOX_JWT_KEYS: a kid is not UTF-8", why_r);
}

static bool has_kid(const struct token_ring *ring, const char *kid)
{
    for (int i = 0; i < ring->count; i++) {
        if (strcmp(ring->keys[i].kid, kid) == 0) {
            return true;
        }
    }
    return false;
}

/* What was parsed before a failure stays in `ring`. */
static bool parse_all(struct arena *arena, const char *text, struct token_ring *ring, const char **why_r)
{
    while (text != NULL) {
        struct ring_entry entry;
        ring_next(&text, &entry);
        if (ring->count == RING_MAX) {
            return refuse("BOX_JWT_KEYS: there are more than 8 keys", why_r);
        }
        struct token_key *key = &ring->keys[ring->count];
        bool parsed = parse_key(arena, &entry, key, why_r);
        bool twice = parsed && has_kid(ring, key->kid);
        ring->count++;
        if (!parsed || twice) {
            return parsed ? refuse("BOX_JWT_KEYS: a kid stands twice", why_r) : false;
        }
    }
    return true;
}

bool token_ring_parse(const char *text, struct token_ring *ring_r, const char **why_r)
{
    struct token_ring ring = {.count = 0};
    struct arena *arena = arena_new(RING_MAX * SCRATCH_MAX);
    bool parsed = parse_all(arena, text, &ring, why_r);
    arena_free(&arena);
    if (!parsed) {
        token_ring_clear(&ring);
        return false;
    }
    *ring_r = ring;
    return true;
}

void token_ring_clear(struct token_ring *ring)
{
    for (int i = 0; i < ring->count; i++) {
        crypto_ec_free(&ring->keys[i].ec);
    }
    *ring = (struct token_ring){.count = 0};
}

/* ---- asking ---- */

/* -1: no key can sign. */
static int current_signer(const struct token_ring *ring)
{
    int signer = -1;
    bool due = false;
    for (int i = 0; i < ring->count && !due; i++) {
        if (ring->keys[i].signs) {
            signer = i;
            due = ring_due(ring->keys[i].from_s);
        }
    }
    return signer;
}

const struct token_key *token_ring_signer(const struct token_ring *ring, int nth)
{
    int signer = current_signer(ring);
    if (nth == 0) {
        return signer >= 0 ? &ring->keys[signer] : NULL;
    }
    for (int i = 0; i < ring->count; i++) {
        if (i != signer && ring->keys[i].signs && --nth == 0) {
            return &ring->keys[i];
        }
    }
    return NULL;
}

const struct token_key *token_ring_find(const struct token_ring *ring, enum token_kind kind, const char *token,
                                        const char **payload_r)
{
    for (int i = 0; i < ring->count; i++) {
        for (int j = 0; j < TOKEN_HEADERS; j++) {
            const char *header = ring->keys[i].headers[kind][j];
            size_t len = strlen(header);
            if (len > 0 && strncmp(token, header, len) == 0) {
                *payload_r = token + len;
                return &ring->keys[i];
            }
        }
    }
    return NULL;
}
