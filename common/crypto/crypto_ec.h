/*
 * crypto_ec: keys of the curve P-256 and ES256 signatures (RFC 7518, 3.4), for access tokens.
 *
 * A key is parsed once and then used: libjwt reads it anew from PEM for every token, which takes five times as long as
 * the check itself. A signature is r and s of 32 bytes each, s the smaller of the two that would do: a text that is
 * signed has one signature, and nobody can make a second one of it.
 */
#ifndef COMMON_CRYPTO_EC_H
#define COMMON_CRYPTO_EC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/crypto/crypto.h"

#define CRYPTO_EC_SIGNATURE_SIZE 64

struct crypto_ec; /* a key; owned by the caller, not for two threads at a time */

/* A new private key. */
struct crypto_ec *crypto_ec_generate(void);
/* From DER in base64 of either alphabet: a private key as PKCS #8 or SEC 1, a public one as SubjectPublicKeyInfo, and
 * nothing behind it. NULL when malformed, of another curve, or no point of it. */
struct crypto_ec *crypto_ec_private(struct arena *arena, const char *der);
struct crypto_ec *crypto_ec_public(struct arena *arena, const char *der);
/* NULL-safe; leaves NULL. */
void crypto_ec_free(struct crypto_ec **key);

/* Base64url without padding: PKCS #8 of a private key; SubjectPublicKeyInfo of either. */
char *crypto_ec_private_der(struct arena *arena, const struct crypto_ec *key);
char *crypto_ec_public_der(struct arena *arena, const struct crypto_ec *key);
/* The public point as a JWK has it: x and y in base64url, 32 bytes each. */
void crypto_ec_jwk(struct arena *arena, const struct crypto_ec *key, const char **x_r, const char **y_r);

/* A secret that only who has the private key can make, always the same for one label. */
void crypto_ec_derive(const struct crypto_ec *key, const char *label, unsigned char secret_r[CRYPTO_SHA256_SIZE]);

/* ECDSA with SHA-256. Another signature of the same text is another one: its nonce is random. Needs a private key. */
void crypto_ec_sign(const struct crypto_ec *key, const void *bytes, size_t len,
                    unsigned char signature_r[CRYPTO_EC_SIGNATURE_SIZE]);
BO_MUSTCHECK bool crypto_ec_verify(const struct crypto_ec *key, const void *bytes, size_t len,
                                   const unsigned char signature[CRYPTO_EC_SIGNATURE_SIZE]);

#endif
