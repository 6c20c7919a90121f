/* user_admin: what an operator does to accounts. */
#ifndef USER_USER_ADMIN_H
#define USER_USER_ADMIN_H

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Sets the role ("USER" or "ADMIN") of the account with this e-mail; takes effect with its next access token. Needs
 * user_settings_init(). &err_not_found when there is no such account; safe to repeat. */
BO_MUSTCHECK const struct err *user_set_role(struct ctx *ctx, const char *email, const char *role);

#endif
