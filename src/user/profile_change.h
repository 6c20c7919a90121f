/* profile_change: another name, phone number or address, for who proves that it is theirs (AUTH-013). */
#ifndef USER_PROFILE_CHANGE_H
#define USER_PROFILE_CHANGE_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "src/user/session.h"

/* What is not given stays as it is. */
struct profile_change {
    const char *name;                     /* may be NULL */
    const char *phone;                    /* may be NULL */
    const char *email;                    /* may be NULL; one of the three is given */
    const char *identity_verification_id; /* may be NULL where name and phone stay */
    const char *email_verification_token; /* may be NULL where the address stays */
};
extern const struct shape profile_change_shape;

/*
 * Changes what is given, all of it or nothing: after an identity verification of the account's own person, which says
 * the same name and phone number, the address also as email_change.h says; each proof serves once. The address that is
 * there already is proved by its token alone where it was not. Of two changes at once the last one counts. Safe to
 * repeat after any error: what is there already needs no proof. Calls PortOne where something changes, which it does
 * twenty times in a quarter of an hour at most. &err_invalid_request; &err_identity_not_verified; &err_login_too_old,
 * &err_email_taken for an address; &err_too_many_requests; &err_token_revoked when the account is none any more;
 * &err_unavailable.
 */
BO_MUSTCHECK const struct err *profile_change(struct ctx *ctx, const struct session_owner *owner,
                                              const struct profile_change *input);

#endif
