/*
 * token: access and refresh JWTs (RFC 7519, AUTH-010, AUTH-011).
 *
 * HS256 and ES256, and nothing else. Keys are a ring (BOX_JWT_KEYS, token_ring.h): the first whose time has come signs,
 * all verify, so keys rotate without logging anyone out. Which algorithm a token has follows from its key and kind;
 * refresh tokens are HS256. libjwt, which has no EdDSA, writes and reads claims and checks HS256. Claims: iss, aud,
 * sub, jti, iat, nbf, exp, typ (access or refresh), role (access), fam (refresh), in any order and with others among
 * them; of one that stands twice the last counts. Verification checks length, header (exactly alg, kid and typ of a key
 * of the ring, in this order or as alg, typ and kid), that the payload is strict base64url, signature, then every
 * claim; 30 s of skew.
 */
#ifndef COMMON_TOKEN_H
#define COMMON_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

#define TOKEN_LENGTH_MAX 4096
#define TOKEN_SKEW_S 30 /* clocks may differ by so much: a token opens doors as long after its end */

struct cfg_token {
    const char *keys;     /* BOX_JWT_KEYS (token_ring.h) */
    const char *issuer;   /* BOX_JWT_ISSUER */
    const char *audience; /* BOX_JWT_AUDIENCE */
    int64_t access_s;     /* BOX_JWT_ACCESS_S, 3600 */
    int64_t refresh_s;    /* BOX_JWT_REFRESH_S, 604800 */
    int64_t cache;        /* BOX_TOKEN_CACHE, 0: access tokens that are remembered (common/auth/token_cache.h) */
};
extern struct cfg_token cfg_token;
/* Who asks how long tokens live needs the second alone. */
extern const struct cfg_section cfg_token_section, cfg_token_life_section;

enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH };

struct token_claims {
    const char *subject; /* user id */
    const char *jti;     /* UUID */
    const char *role;    /* access only */
    const char *family;  /* refresh only */
    int64_t issued_s;    /* Unix seconds */
    int64_t expires_s;
};

/* After settings, and whenever they have changed: takes over the key ring, and forgets what tokens were remembered.
 * False with *why_r when it is unusable; the ring of before then stays. */
BO_MUSTCHECK bool token_init(const char **why_r);
/* The same in a program that issues tokens: from now on a ring without a key that can sign is unusable. */
BO_MUSTCHECK bool token_init_signer(const char **why_r);
/* Signs. claims->issued_s and expires_s are set from the clock and the kind; jti is made when NULL. In the arena. */
char *token_issue(struct ctx *ctx, enum token_kind kind, struct token_claims *claims);
/* Signs these claims as they are, with the nth of the keys that can (0: the one that signs now). Of a refresh token the
 * same text as when that key issued it; of an access token under ES256 another one that says the same. In the arena;
 * NULL when there are no more keys. */
char *token_issue_again(struct ctx *ctx, enum token_kind kind, const struct token_claims *claims, int nth);
/* &err_token_invalid (forged, malformed, other kind, algorithm, issuer or audience) or &err_token_expired. */
BO_MUSTCHECK const struct err *token_verify(struct ctx *ctx, enum token_kind kind, const char *token,
                                            struct token_claims *claims_r);
/* Blacklists an access token's jti in Redis for its remaining life. */
BO_MUSTCHECK const struct err *token_revoke(struct ctx *ctx, const char *jti, int64_t expires_s);
struct redis_pipe;
struct redis_value;
/* The same question as token_check_revoked() as one command of a pipeline, and its answer. */
void token_pipe_revoked(struct redis_pipe *pipe, struct ctx *ctx, const char *jti);
BO_MUSTCHECK const struct err *token_piped_revoked(const struct redis_value *answer);
/* What it means that this could not be asked. Redis away: NULL (a logged-out token may live on for that outage, so that
 * payments in progress can finish). */
BO_MUSTCHECK const struct err *token_revoked_unknown(struct ctx *ctx, const struct err *e);
/* &err_token_revoked when blacklisted; NULL also when Redis is away. */
BO_MUSTCHECK const struct err *token_check_revoked(struct ctx *ctx, const char *jti);
/* What the user's access tokens of role ADMIN open ends: of all that are issued up to half a minute from now, as clocks
 * differ and a login may be under way. Safe to repeat. */
BO_MUSTCHECK const struct err *token_demote(struct ctx *ctx, const char *user_id);
/* The user is an administrator again: tokens that are issued from now on open what they say; those of before stay shut.
 * Safe to repeat. */
BO_MUSTCHECK const struct err *token_promote(struct ctx *ctx, const char *user_id);
/* The same question as token_check_revoked() for a token that shall open an administrator's route, in one exchange:
 * &err_token_revoked also when its user was demoted since. Redis away: &err_unavailable, as nothing that people are in
 * the middle of needs an administrator. */
BO_MUSTCHECK const struct err *token_check_admin(struct ctx *ctx, const struct token_claims *claims);

#endif
