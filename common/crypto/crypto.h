/*
 * crypto: hashes, sealing, encodings, random bytes. With crypto_ec.h, crypto_rsa.h and crypto_tls.h all that knows
 * OpenSSL.
 *
 * AES-256-GCM seals personal data as: key id (1 byte) | nonce (12) | ciphertext | tag (16). Keys come from a key ring;
 * the newest whose time has come seals, all open, so keys can be rotated (AUTH-PII).
 */
#ifndef COMMON_CRYPTO_H
#define COMMON_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct arena;

#define CRYPTO_SHA256_SIZE 32
#define CRYPTO_KEYS_MAX 8

void crypto_random(void *out, size_t len); /* panics when the system has none */
void crypto_sha256(const void *bytes, size_t len, unsigned char out[CRYPTO_SHA256_SIZE]);
void crypto_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                        unsigned char out[CRYPTO_SHA256_SIZE]);
/* The same for many texts under one key, which is prepared once. Never NULL; not for two threads at a time. */
struct crypto_hmac;
struct crypto_hmac *crypto_hmac_new(const void *key, size_t key_len);
void crypto_hmac_run(const struct crypto_hmac *hmac, const void *bytes, size_t len,
                     unsigned char out[CRYPTO_SHA256_SIZE]);
void crypto_hmac_free(struct crypto_hmac **hmac); /* accepts NULL; leaves NULL */
/* Lower-case hex; the result is in the arena. */
char *crypto_hex(struct arena *arena, const void *bytes, size_t len);
/* Reads `len` bytes from the 2 * len hex digits, of any case, that `hex` begins with; what follows is the caller's.
 * False when there are fewer; `out` may then have been written to. */
BO_MUSTCHECK bool crypto_unhex(const char *hex, unsigned char *out, size_t len);
/* hex(SHA-1(text)): the digest Redis calls scripts by. */
char *crypto_sha1_hex(struct arena *arena, const char *text);
/* Standard base64 with padding, and the URL alphabet without. */
char *crypto_base64(struct arena *arena, const void *bytes, size_t len);
char *crypto_base64url(struct arena *arena, const void *bytes, size_t len);
/* Either alphabet, padding optional; strict otherwise. NULL when malformed. */
unsigned char *crypto_base64_decode(struct arena *arena, const char *text, size_t *len_r);
/* Constant time for equal lengths. */
bool crypto_equal(const void *a, const void *b, size_t len);

struct crypto_keys {
    struct {
        uint8_t id;
        int64_t from_s; /* Unix seconds from which it seals */
        unsigned char key[32];
    } keys[CRYPTO_KEYS_MAX];
    int count;
};

/* Parses "2@time:<64 hex>,1:<64 hex>" (ring.h); the first whose time has come seals. False with *why_r when malformed.
 */
BO_MUSTCHECK bool crypto_keys_parse(const char *text, struct crypto_keys *keys_r, const char **why_r);
/* The id of the key that seals now: the first byte of what it seals. */
uint8_t crypto_keys_sealing(const struct crypto_keys *keys);
/* `aad` binds the ciphertext to its place ("users.email:<id>"). The result is in the arena, *sealed_len_r bytes. */
unsigned char *crypto_seal(struct arena *arena, const struct crypto_keys *keys, const char *aad, const void *plain,
                           size_t len, size_t *sealed_len_r);
/* NUL-terminated plain text in the arena; NULL when the key is unknown or the tag is wrong. */
char *crypto_open(struct arena *arena, const struct crypto_keys *keys, const char *aad, const void *sealed, size_t len,
                  size_t *len_r);

#endif
