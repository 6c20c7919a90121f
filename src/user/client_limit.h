/* client_limit: how often somebody who has not proved who they are may ask for what costs others something. */
#ifndef USER_CLIENT_LIMIT_H
#define USER_CLIENT_LIMIT_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/limit.h"

/* Counts once more for an address (IPv6: a /64), and for its network (/24, /48), which may ask ten times as often:
 * carriers put many people behind one, and who is refused by address takes nothing from the others.
 * &err_too_many_requests as limit_take(); without Redis nobody is held up. */
BO_MUSTCHECK const struct err *client_limit_take(struct ctx *ctx, const struct limit *limit, const char *client_ip);

#endif
