/*
 * refresh: staying logged in (AUTH-009).
 *
 * Using the one live refresh token of a session replaces it. Using a replaced one again within BOX_REFRESH_GRACE_S,
 * while the next one has not been used, gives the same answer again: two requests at once, or one whose answer was
 * lost, on a train in a tunnel. Otherwise two parties have it, and that ends the session. A thief who has a token of
 * before would have to come within that time after its owner, and again each hour, as neither knows when the other
 * comes.
 */
#ifndef USER_REFRESH_H
#define USER_REFRESH_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/user/session.h"

/* &err_token_invalid, &err_token_expired, &err_token_revoked, &err_account_dormant, &err_too_many_requests;
 * &err_refresh_reused: the token had been replaced, the family is revoked and its access tokens are blacklisted;
 * without Redis another error, to be repeated. Safe to repeat at once, see above. */
BO_MUSTCHECK const struct err *refresh_exchange(struct ctx *ctx, const char *refresh_token, const struct client *client,
                                                struct tokens *tokens_r);

#endif
