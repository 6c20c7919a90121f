/*
 * email_change: another address for an account (AUTH-013, AUTH-020), as a part of profile_change.h.
 *
 * Whoever asks proves the new address by its code, to be the account's person by an identity verification, and has
 * logged in lately: the address is the name that one logs in with, and by which an owner finds the way back, so that
 * who has got hold of the password cannot take it. Sessions stay. The old address is told by a mail, written in the
 * same transaction, and is free from then on.
 *
 *   Two accounts at once for one address: the unique index lets one win.
 *   Killed: before the commit nothing has happened; after it the same again finds the address there.
 */
#ifndef USER_EMAIL_CHANGE_H
#define USER_EMAIL_CHANGE_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/user/session.h"

struct email_change {
    const char *email; /* normalised */
    const char *token; /* of email_code_verify(); NULL: missing */
    bool by_person;    /* who asks has proved to be the account's: else only the address that is there is proved */
};

/* Before the transaction, so that what is missing is told and nothing is used up: &err_invalid_request with details,
 * &err_login_too_old, &err_token_revoked. */
BO_MUSTCHECK const struct err *email_change_check(struct ctx *ctx, const struct session_owner *owner,
                                                  const struct email_change *change);
/* First in the transaction, as it locks the account. Also &err_email_taken, and
 * &err_conflict when the address has become another one meanwhile. It takes no session_lock(): a new key of
 * the account's row wants the row FOR UPDATE (session.h). Not to be repeated by itself: the token is used up by it. */
BO_MUSTCHECK const struct err *email_change_store(struct ctx *ctx, const struct session_owner *owner,
                                                  const struct email_change *change);

#endif
