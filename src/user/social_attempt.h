/*
 * social_attempt: one person's way to a provider of social logins and back, bound to the browser that began it
 * (AUTH-007, RFC 6749 10.12).
 *
 * What has to come back is kept in Redis for SOCIAL_ATTEMPT_S under the digest of the state, and taken from there by
 * the first that asks: key social:attempt:<digest>. A browser has one attempt at a time: a new one ends that before.
 */
#ifndef USER_SOCIAL_ATTEMPT_H
#define USER_SOCIAL_ATTEMPT_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/providers/oauth.h"

#define SOCIAL_ATTEMPT_S 600

/* 256 random bits as base64url. In the arena. */
const char *social_random(struct ctx *ctx);
/* social:<kind>:<digest of secret>, by which nobody who reads Redis learns the secret. In the arena. */
const char *social_key(struct ctx *ctx, const char *kind, const char *secret);

/* Makes up an attempt, and what the browser shall keep. &err_unavailable without Redis. */
BO_MUSTCHECK const struct err *social_attempt_begin(struct ctx *ctx, enum oauth_provider provider,
                                                    struct oauth_attempt *attempt_r, const char **browser_r);
/* What came back with this state, to the browser that keeps `browser` (NULL: nothing). &err_social_state unless it was
 * begun there, with this provider, less than SOCIAL_ATTEMPT_S ago, and has not come back yet. */
BO_MUSTCHECK const struct err *social_attempt_end(struct ctx *ctx, enum oauth_provider provider, const char *state,
                                                  const char *browser, struct oauth_attempt *attempt_r);

#endif
