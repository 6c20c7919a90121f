/*
 * token_cache: access tokens that this process has verified, so that who polls with one does not pay libjwt each time.
 *
 * It is asked by a keyed digest of the whole token (HMAC-SHA256 under a key of this process, 16 bytes of it), so that
 * nobody can make a token that finds another's entry. What time and revocation say of a token is never remembered: that
 * is asked every time. One process, one thread; it dies with the process, as the keys do.
 */
#ifndef COMMON_TOKEN_CACHE_H
#define COMMON_TOKEN_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/auth/token.h"
#include "common/base/arena.h"

#define TOKEN_DIGEST_SIZE 16

struct token_payload {
    struct token_claims claims;
    int64_t not_before_s;
};

/* Room for `entries` tokens, 64 bytes each, taken as they come; 0: none are kept. Forgets all that were. */
void token_cache_init(size_t entries);
/* What the two below are asked by. False when none are kept. */
BO_MUSTCHECK bool token_cache_digest(const char *token, unsigned char digest_r[TOKEN_DIGEST_SIZE]);
/* The payload of the token with this digest, texts in the arena; false when it is not remembered. */
BO_MUSTCHECK bool token_cache_find(struct arena *arena, const unsigned char digest[TOKEN_DIGEST_SIZE],
                                   struct token_payload *payload_r);
/* Remembers an access token whose signature and claims were found good, perhaps in another's place. One whose ids are
 * not in lower case, or whose times lie beyond 2106, is not kept. */
void token_cache_keep(const unsigned char digest[TOKEN_DIGEST_SIZE], const struct token_payload *payload);

#endif
