/*
 * token_id: who somebody is, as a provider of OpenID Connect has signed it (OpenID Connect Core 3.1.3.7, AUTH-007).
 *
 * RS256 and nothing else, under a key that the provider publishes (RFC 7517) and the header names. Everything that is
 * read here was written by others: sizes are bounded, JSON and base64url strict.
 */
#ifndef COMMON_TOKEN_ID_H
#define COMMON_TOKEN_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/err.h"

#define TOKEN_ID_MAX 8192
#define TOKEN_ID_SKEW_S 60   /* clocks may differ by so much */
#define TOKEN_ID_KEYS_MAX 16 /* what a provider lists beyond is passed over */

struct token_id_keys; /* public keys of one provider; owned by the caller */

/* From a JWK set; keys of other kinds, for other uses or of unsafe sizes are passed over. NULL when it is no JWK set.
 */
struct token_id_keys *token_id_keys_read(const char *text, size_t len);
void token_id_keys_free(struct token_id_keys **keys); /* NULL-safe; leaves NULL */
/* False also for NULL keys. */
bool token_id_keys_have(const struct token_id_keys *keys, const char *kid);

/* The key that the header names; NULL when this is no token under RS256 with one. Nothing of it is proven yet. */
const char *token_id_kid(struct arena *arena, const char *token);

/* What it must say. */
struct token_id_expected {
    const char *issuers[2]; /* either; the second may be NULL */
    const char *audience;   /* our client id, alone or, where azp says so, among others */
    const char *nonce;
};

struct token_id_claims {
    const char *subject; /* 1 to 255 printable ASCII characters */
    const char *email;   /* NULL unless the provider says that it has verified it */
    const char *name;    /* may be NULL */
};

/* False with *why_r, for the log, unless one of `keys` signed it and all that it says is as expected: issuer, audience,
 * nonce, not expired, issued before now, for a day at most. Pure but for the clock. */
BO_MUSTCHECK bool token_id_verify(struct arena *arena, const char *token, const struct token_id_keys *keys,
                                  const struct token_id_expected *expected, struct token_id_claims *claims_r,
                                  const char **why_r);

#endif
