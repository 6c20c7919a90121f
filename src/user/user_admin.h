/* user_admin: what an operator does to accounts. */
#ifndef USER_USER_ADMIN_H
#define USER_USER_ADMIN_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Takes over the settings of cfg_blind_section. False: *why_r says what is wrong with them. */
BO_MUSTCHECK bool user_admin_init(const char **why_r);
/* Sets the role ("USER" or "ADMIN") of the account with this e-mail. It is given with the next access token, and taken
 * at once (token_demote). An account whose address nobody has proved by a code becomes no administrator's unless
 * `unproved`: anybody may have signed up with it. ctx->db is a connection of the role user_admin. Needs
 * user_admin_init() (or user_settings_init()), and Redis to take it. &err_not_found when there is no such account,
 * &err_conflict when it is not proved; any other error: to be repeated, which is safe, as tokens may still have a role
 * that the account has lost. */
BO_MUSTCHECK const struct err *user_set_role(struct ctx *ctx, const char *email, const char *role, bool unproved);

#endif
