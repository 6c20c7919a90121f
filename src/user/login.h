/* login: how a session begins (AUTH-006, AUTH-014, AUTH-019). */
#ifndef USER_LOGIN_H
#define USER_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "src/user/lockout.h"
#include "src/user/session.h"

struct login {
    const char *email;
    const char *password;
    const char *recaptcha_token;
};
extern const struct shape login_shape;

/* A row of the login history. */
struct login_entry {
    const char *user_id; /* NULL: no account has what was given */
    const char *method;  /* PASSWORD, or the social login's provider */
    const char *result;  /* SUCCESS, or why not (login_history.result) */
};

/* &err_captcha_failed; &err_bad_credentials after the same work whether the e-mail or the password is wrong;
 * &err_account_locked whatever the password (ctx->retry_after_s); &err_account_dormant after the right one;
 * &err_conflict when the account changes at the same moment: log in again. Every attempt past the CAPTCHA leaves a row
 * in the login history, but for that one, and for what is tried again while locked. */
BO_MUSTCHECK const struct err *login_password(struct ctx *ctx, const struct login *input, const struct client *client,
                                              struct tokens *tokens_r);
/* For every way in, inside the transaction that has found and stamped the account as one that may log in: writes the
 * login down, with a mail about a new device (device.h), and begins a session. */
BO_MUSTCHECK const struct err *login_begin(struct ctx *ctx, const struct login_entry *entry, const char *role,
                                           const struct client *client, struct tokens *tokens_r);
/* For a way in that asks for more than a password: the account with this e-mail, and what its password says. */
struct login_account {
    const char *id;            /* NULL: no account has this e-mail */
    const char *password_hash; /* NULL: it has none */
    bool dormant;
    int64_t locked_s; /* by the operator */
    struct login_try login;
};

/* An outcome as the login history has it and as the client gets it. */
struct login_verdict {
    const char *result; /* NULL: nothing that is kept */
    const struct err *e;
};

/* An address that is none is no account's either. */
BO_MUSTCHECK const struct err *login_find(struct ctx *ctx, const char *email, const struct client *client,
                                          struct login_account *account_r);
/* A lock is told before the password is looked at, and alike for addresses that no account has: otherwise it would tell
 * a right one. Else bcrypt runs whatever is known of the account, so that all refusals take the same time. A wrong one
 * counts, a right one is &err_account_dormant for a dormant account and no error for an active one. */
struct login_verdict login_check(struct ctx *ctx, const struct login_account *account, const char *password);
/* Writes down one that is refused. */
BO_MUSTCHECK const struct err *login_record(struct ctx *ctx, const struct login_entry *entry,
                                            const struct client *client);

#endif
