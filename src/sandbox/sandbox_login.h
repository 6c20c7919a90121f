/* sandbox_login: credentials of PortOne's API: the API secret, or an access token got with it. */
#ifndef SANDBOX_SANDBOX_LOGIN_H
#define SANDBOX_SANDBOX_LOGIN_H

#include "common/base/err.h"
#include "common/context/ctx.h"

struct sandbox_login {
    const char *access_token;  /* 30 minutes */
    const char *refresh_token; /* a day; a new login ends the one before */
};

/* &err_sandbox_unauthorized for a wrong secret. */
BO_MUSTCHECK const struct err *sandbox_login(struct ctx *ctx, const char *api_secret, struct sandbox_login *login_r);
BO_MUSTCHECK const struct err *sandbox_login_refresh(struct ctx *ctx, const char *refresh_token,
                                                     struct sandbox_login *login_r);
/* Checks an Authorization header ("PortOne <secret>" or "Bearer <token>"; NULL when missing). */
BO_MUSTCHECK const struct err *sandbox_authorise(struct ctx *ctx, const char *authorization);

#endif
