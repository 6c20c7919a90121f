/*
 * sandbox_captcha: the tokens that "Google" has handed out.
 *
 * "sandbox-pass" and "sandbox-fail" are fixed and may be used again and again. Every other good token comes from
 * sandbox_captcha_solve(), works once, and for two minutes.
 */
#ifndef SANDBOX_SANDBOX_CAPTCHA_H
#define SANDBOX_SANDBOX_CAPTCHA_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

struct sandbox_captcha {
    const char *error;    /* siteverify's error code; NULL: a person */
    int64_t solved_at;    /* microseconds; only when error is NULL */
    const char *hostname; /* only when error is NULL */
};

/* A new token, in the arena. */
BO_MUSTCHECK const struct err *sandbox_captcha_solve(struct ctx *ctx, const char **token_r);
/* siteverify's verdict. Either string may be NULL (a missing field). */
BO_MUSTCHECK const struct err *sandbox_captcha_verify(struct ctx *ctx, const char *secret, const char *token,
                                                      struct sandbox_captcha *captcha_r);

#endif
