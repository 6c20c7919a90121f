/*
 * session: logging in, staying in, logging out (AUTH-006, AUTH-008..011, AUTH-014).
 *
 * A login begins a family of refresh tokens of which one is alive at a time. Using it replaces it; using a replaced one
 * again means that two parties have it, and ends the family.
 */
#ifndef USER_SESSION_H
#define USER_SESSION_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

struct login {
    const char *email;
    const char *password;
    const char *recaptcha_token;
};
extern const struct shape login_shape;

struct client {
    const char *ip;
    const char *user_agent;
};

struct tokens {
    const char *access_token;
    const char *refresh_token;
    int64_t expires_in; /* seconds, of the access token */
    const char *token_type;
};
extern const struct shape tokens_shape;

/* Who logs out: the claims of the access token presented. */
struct session_owner {
    const char *user_id;
    const char *jti;
    int64_t expires_s;
};

/* &err_captcha_failed; &err_bad_credentials after the same work whether the e-mail or the password is wrong;
 * &err_account_locked whatever the password; &err_account_dormant after the right one. Every attempt past the CAPTCHA
 * leaves a row in the login history. */
BO_MUSTCHECK const struct err *session_login(struct ctx *ctx, const struct login *input, const struct client *client,
                                             struct tokens *tokens_r);
/* &err_token_invalid, &err_token_expired, &err_token_revoked, &err_account_dormant; &err_refresh_reused: the token had
 * been replaced, the family is revoked and its access tokens are blacklisted. Not to be repeated. */
BO_MUSTCHECK const struct err *session_refresh(struct ctx *ctx, const char *refresh_token, struct tokens *tokens_r);
/* Ends the session that the access token belongs to. Safe to repeat after any error. */
BO_MUSTCHECK const struct err *session_logout(struct ctx *ctx, const struct session_owner *owner);

#endif
