/* recaptcha: client of Google reCAPTCHA v2 siteverify (AUTH-003). Needs ctx->http. */
#ifndef PROVIDERS_RECAPTCHA_H
#define PROVIDERS_RECAPTCHA_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/providers/provider_errors.h"

struct cfg_recaptcha {
    const char *url;      /* BOX_RECAPTCHA_URL: the whole siteverify address */
    const char *secret;   /* BOX_RECAPTCHA_SECRET */
    const char *hostname; /* BOX_RECAPTCHA_HOSTNAME: site the token must have been solved on; "" = not checked */
    int64_t timeout_ms;   /* BOX_RECAPTCHA_TIMEOUT_MS */
};
extern struct cfg_recaptcha cfg_recaptcha;
extern const struct cfg_section cfg_recaptcha_section;

/* NULL when a person solved the challenge. &err_captcha_failed: wrong, used, older than two minutes, or solved on
 * another site. &err_unavailable: Google is away, or refuses our own secret (error line). A token can be verified once,
 * so after any answer the client needs a new one. `client_ip` may be NULL. */
BO_MUSTCHECK const struct err *recaptcha_verify(struct ctx *ctx, const char *token, const char *client_ip);
/* Once at start, after settings: false with *why_r for the sandbox's address outside the sandbox. (Google's public test
 * secret is refused by cfg.) */
BO_MUSTCHECK bool recaptcha_check_settings(const char **why_r);

#endif
