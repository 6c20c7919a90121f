/*
 * user_limits: how often may be done what costs others something: bcrypt, a call to PortOne, a row that stays. All in
 * one place; what is taken where, and of whom, says common/io/limit.h, and client_limit.h where it is of a client.
 */
#ifndef USER_USER_LIMITS_H
#define USER_USER_LIMITS_H

#include "common/io/limit.h"

/* Of a client and, ten times as often, of its network: client_limit_take(). */
extern const struct limit limit_email_check, limit_email_code, limit_reset, limit_reactivation, limit_social,
    limit_link;
/* Of an account. A login counts when the password was right: wrong ones have lockout.h. */
extern const struct limit limit_login, limit_password, limit_profile;
/* Of a link token. */
extern const struct limit limit_link_token;
/* Of a session. */
extern const struct limit limit_refresh;

#endif
