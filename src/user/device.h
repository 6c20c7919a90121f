/*
 * device: a login from where an account never had one is told to its owner by mail (AUTH-019).
 *
 * A device is what a client calls itself, without the numbers of its version, in a network (/24, /48). It is known for
 * 90 days from each login (and for 500 logins), so that there is one mail about it, however many logins follow. The
 * first login of an account is no news. Nobody is told more often than mail.h lets anybody be told within a day.
 */
#ifndef USER_DEVICE_H
#define USER_DEVICE_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/user/session.h"

/* Inside the transaction of a login that has locked the account (by its stamp), before it is written into the history:
 * so two logins at once from one device are one mail. */
BO_MUSTCHECK const struct err *device_notice(struct ctx *ctx, const char *user_id, const struct client *client);

#endif
