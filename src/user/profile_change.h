/* profile_change: another name or phone number, for who proves to be the account's person (AUTH-013). */
#ifndef USER_PROFILE_CHANGE_H
#define USER_PROFILE_CHANGE_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

/* What is not given stays as it is. */
struct profile_change {
    const char *name;                     /* may be NULL */
    const char *phone;                    /* may be NULL; one of the two is given */
    const char *identity_verification_id; /* may be NULL where nothing changes */
};
extern const struct shape profile_change_shape;

/*
 * Changes what is given, all of it or nothing, after an identity verification of the account's own person that says the
 * same name and phone number; it serves once. Of two changes at once the last one counts. Safe to repeat after any
 * error: what is there already needs no verification. Calls PortOne where something changes, twenty times in a quarter
 * of an hour at most. &err_invalid_request; &err_identity_not_verified; &err_too_many_requests; &err_token_revoked when
 * the account is none any more; &err_unavailable.
 */
BO_MUSTCHECK const struct err *profile_change(struct ctx *ctx, const char *user_id, const struct profile_change *input);

#endif
