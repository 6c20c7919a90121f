/* crypto_rsa: RSA keys of 2048 bits and RS256 signatures (RFC 7518), for id_tokens. */
#ifndef COMMON_CRYPTO_RSA_H
#define COMMON_CRYPTO_RSA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"

struct crypto_rsa; /* a key; owned by the caller */

/* A new private key. Takes some 100 ms. */
struct crypto_rsa *crypto_rsa_generate(void);
/* From crypto_rsa_pem()'s text; NULL when malformed. */
struct crypto_rsa *crypto_rsa_from_pem(const char *pem);
/* A public key from a JWK's members (base64url); NULL when malformed, of fewer than 2048 or more than 4096 bits, or
 * with an exponent of more than 32: whoever writes the key must not choose how long checking a signature takes. */
struct crypto_rsa *crypto_rsa_from_jwk(struct arena *arena, const char *n, const char *e);
/* NULL-safe; leaves NULL. */
void crypto_rsa_free(struct crypto_rsa **key);

/* The private key as PEM, unencrypted. */
char *crypto_rsa_pem(struct arena *arena, const struct crypto_rsa *key);
/* The public key alone as PEM (SubjectPublicKeyInfo). */
char *crypto_rsa_public_pem(struct arena *arena, const struct crypto_rsa *key);
/* The public key's modulus and exponent as a JWK has them (base64url). */
void crypto_rsa_jwk(struct arena *arena, const struct crypto_rsa *key, const char **n_r, const char **e_r);
/* RSASSA-PKCS1-v1_5 with SHA-256 as base64url: the third part of a JWT. Needs a private key. */
char *crypto_rsa_sign(struct arena *arena, const struct crypto_rsa *key, const char *text);
bool crypto_rsa_verify(struct arena *arena, const struct crypto_rsa *key, const char *text, const char *signature);

#endif
