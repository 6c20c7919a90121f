/*
 * account_support: what an operator sees of an account, and does for its owner who has asked for help (AUTH-019).
 *
 * A lock refuses logins of any kind until it ends; sessions that there are go on until they are ended. Of an account
 * that is unlocked wrong passwords are counted anew. Personal data is not opened.
 */
#ifndef USER_ACCOUNT_SUPPORT_H
#define USER_ACCOUNT_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/user/lockout.h"

#define ACCOUNT_SUPPORT_COUNTS_MAX 50

struct account_support {
    const char *id, *status, *role;
    bool proved; /* the address, by a code */
    bool has_password;
    int64_t created_at;
    int64_t last_login_at; /* CLOCK_NONE: never */
    int64_t locked_until;  /* CLOCK_NONE: by nobody; wrong passwords lock by `counts` */
    int64_t links;         /* social logins */
    int64_t sessions;      /* that may be continued */
    struct lockout_count counts[ACCOUNT_SUPPORT_COUNTS_MAX]; /* those that lock before the rest */
    size_t count;
    size_t count_of_all; /* also of those that are not among them */
};

/* All of it as the role user_service, with Redis, after user_settings_init() or user_admin_init(); safe to repeat. */

/* &err_not_found: no account has this address. Goes through all keys of Redis, a thousand at a time. */
BO_MUSTCHECK const struct err *account_support_find(struct ctx *ctx, const char *email,
                                                    struct account_support *account_r);
/* `seconds` from now, 1 at least. */
BO_MUSTCHECK const struct err *account_support_lock(struct ctx *ctx, const char *email, int64_t seconds,
                                                    int64_t *locked_until_r);
BO_MUSTCHECK const struct err *account_support_unlock(struct ctx *ctx, const char *email);
/* &err_uncertain: they have ended, but access tokens may go on opening doors; repeat it. */
BO_MUSTCHECK const struct err *account_support_end_sessions(struct ctx *ctx, const char *email);

#endif
