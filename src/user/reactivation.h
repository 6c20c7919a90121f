/* reactivation: the way back into an account that sleeps (AUTH-018). */
#ifndef USER_REACTIVATION_H
#define USER_REACTIVATION_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "src/user/session.h"

struct reactivation {
    const char *email;
    const char *password;
    const char *identity_verification_id;
};
extern const struct shape reactivation_shape;

/*
 * Wakes the account and begins a session, for whoever knows its password and is verified as its person; the
 * verification serves once. An account that is awake is logged in to: an answer that was lost is asked for again with
 * the same verification, which then need not be unused. First it is asked who it is: &err_identity_not_verified when
 * the verification is not completed, too old, used or another person's, or no account has this address, alike; so
 * nobody else tries passwords here, where no CAPTCHA is asked for, or locks the account. Then as at a login:
 * &err_bad_credentials, counted as there; &err_account_locked. &err_too_many_requests by address and network;
 * &err_conflict when the account changes at the same moment; &err_unavailable. Safe to repeat after any error.
 */
BO_MUSTCHECK const struct err *reactivation(struct ctx *ctx, const struct reactivation *input,
                                            const struct client *client, struct tokens *tokens_r);

#endif
