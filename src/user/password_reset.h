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
 * Sets the password of the account of this address and this person, ends all its sessions, and forgets the wrong
 * passwords that were tried. A verification serves once. &err_invalid_request, &err_identity_not_verified: also when
 * the address is nobody's or another's, in the same words and time. &err_unavailable without PortOne or Redis;
 * &err_uncertain: log in with the new password, or verify again.
 */
BO_MUSTCHECK const struct err *password_reset(struct ctx *ctx, const char *client_ip,
                                              const struct password_reset *input);

#endif
