/* password_reset: a new password for who has forgotten the old one and proves who they are (AUTH-015). */
#ifndef USER_PASSWORD_RESET_H
#define USER_PASSWORD_RESET_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

struct password_reset {
    const char *email;
    const char *identity_verification_id;
    const char *new_password;
};
extern const struct shape password_reset_shape;

/*
 * Sets the password of the account of this address and this person and ends all its sessions; wrong passwords that were
 * tried before count no more. A verification serves once, but for the same reset again, which is safe to repeat after
 * any error. &err_invalid_request; &err_identity_not_verified, also when the address is nobody's or another's, in the
 * same words and time; &err_too_many_requests from one address; &err_conflict when the account changed meanwhile;
 * &err_unavailable.
 */
BO_MUSTCHECK const struct err *password_reset(struct ctx *ctx, const char *client_ip,
                                              const struct password_reset *input);

#endif
