/* user_admin: what an operator does to accounts. */
#ifndef USER_USER_ADMIN_H
#define USER_USER_ADMIN_H

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Sets the role ("USER" or "ADMIN") of the account with this e-mail. It is given with the next access token, and taken
 * at once (token_demote). ctx->db is a connection of the role user_admin. Needs user_settings_init(), and Redis to take
 * it. &err_not_found when there is no such account; any other error: to be repeated, which is safe, as tokens may still
 * have a role that the account has lost. */
BO_MUSTCHECK const struct err *user_set_role(struct ctx *ctx, const char *email, const char *role);

#endif
