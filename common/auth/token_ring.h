/*
 * token_ring: the keys of access and refresh tokens (BOX_JWT_KEYS) and which of them a token's header names.
 *
 *     kid:secret               HS256 for both kinds of token: who verifies could sign
 *     kid:ES256:der            ES256 for access tokens; a private key (crypto_ec.h), for who signs
 *     kid:ES256-public:der     its public half, for who verifies access tokens and can do nothing else with it
 *     kid@time:...             the same, a key that signs from this Unix second on (ring.h)
 *
 * Refresh tokens are HS256 also under an ES256 key, with a secret that is derived from its private half: only who signs
 * reads them, and what is signed twice is the same text, which ECDSA would not give. The algorithm of a token follows
 * from its key and kind alone, never from what its header says.
 */
#ifndef COMMON_TOKEN_RING_H
#define COMMON_TOKEN_RING_H

#include "common/auth/token.h"
#include "common/crypto/crypto_ec.h"
#include "common/crypto/ring.h"

#define TOKEN_KID_MAX 32
#define TOKEN_SECRET_MAX 256
#define TOKEN_HEADER_MAX 384
/* As libjwt writes it, and in the order that most others do. */
enum { TOKEN_HEADER_OURS, TOKEN_HEADER_USUAL, TOKEN_HEADERS };

struct token_key {
    char kid[TOKEN_KID_MAX + 1];
    int64_t from_s;
    bool signs;           /* false: a public key */
    struct crypto_ec *ec; /* NULL: HS256 */
    unsigned char secret[TOKEN_SECRET_MAX];
    int secret_len; /* of an ES256 key that of its refresh tokens; 0: it has none */
    /* By kind: the first part of every such token of this key, with the dot. */
    char headers[TOKEN_REFRESH + 1][TOKEN_HEADERS][TOKEN_HEADER_MAX + 1];
};

struct token_ring {
    struct token_key keys[RING_MAX];
    int count;
};

/* False with *why_r (static storage), *ring_r untouched. Release with token_ring_clear(). */
BO_MUSTCHECK bool token_ring_parse(const char *text, struct token_ring *ring_r, const char **why_r);
/* Leaves it without keys. */
void token_ring_clear(struct token_ring *ring);
/* Of the keys that can sign the nth: 0 is the one that signs now, the others follow as they stand. NULL: no more. */
const struct token_key *token_ring_signer(const struct token_ring *ring, int nth);
/* The key one of whose headers for this kind the token begins with, byte for byte; NULL: none. */
const struct token_key *token_ring_find(const struct token_ring *ring, enum token_kind kind, const char *token,
                                        const char **payload_r);
/* Whether tokens of this kind and key are ES256. */
bool token_key_is_ec(const struct token_key *key, enum token_kind kind);

#endif
