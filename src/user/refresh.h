/*
 * refresh: staying logged in (AUTH-009).
 *
 * Using the one live refresh token of a session replaces it. Using a replaced one again within BOX_REFRESH_GRACE_S,
 * while the next one has not been used, gives the same answer again: two requests at once, or one whose answer was
 * lost. Otherwise two parties have it, and that ends the session.
 *
 * The time is as long as a phone may need that asks in a tunnel: until its request is given up, and there is a network
 * again. Nobody gets in by it who would not without: whoever has the replaced token gets the one pair that its owner
 * has or is about to ask for, and as soon as one of the two uses that, the other's next refresh is too late or a second
 * use. A thief stays unnoticed only who refreshes within that time of the owner, again and again; so it is minutes and
 * not the life of the token, and never longer than the access token that would be given again lives.
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
