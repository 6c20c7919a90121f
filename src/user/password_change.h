/* password_change: a new password for who knows the old one (AUTH-016). */
#ifndef USER_PASSWORD_CHANGE_H
#define USER_PASSWORD_CHANGE_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "src/user/session.h"

struct password_change {
    const char *current_password;
    const char *new_password;
};
extern const struct shape password_change_shape;

/*
 * Changes the password and ends every session but the one that asks: none that began with the old password goes on, not
 * even one that begins at the same moment. Safe to repeat after any error: when the new password is the stored one
 * already, it is done. &err_bad_credentials for a wrong current password, which counts as at a login
 * (&err_account_locked, lockout.h); &err_too_many_requests after ten in a quarter of an hour; &err_invalid_request for
 * a new one that is not acceptable or is the old one; &err_password_not_set for an account that has none, which a reset
 * gives it; &err_conflict when another change came first; &err_token_revoked when the account is none any more.
 */
BO_MUSTCHECK const struct err *password_change(struct ctx *ctx, const struct session_owner *owner,
                                               const char *client_ip, const struct password_change *input);

#endif
