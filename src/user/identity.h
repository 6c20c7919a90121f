/* identity: who somebody is, by an identity verification of PortOne's (AUTH-004). */
#ifndef USER_IDENTITY_H
#define USER_IDENTITY_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"
#include "src/providers/portone.h"

/* &err_identity_not_verified, with a detail about `field` of the body. */
const struct err *identity_refused(struct ctx *ctx, const char *field, const char *reason);
/* What a verification says of the person: complete, not older than BOX_USER_IDENTITY_S, with CI and name.
 * &err_identity_not_verified with details; &err_unavailable when PortOne is away. */
BO_MUSTCHECK const struct err *identity_fetch(struct ctx *ctx, const char *verification_id,
                                              struct portone_identity *identity_r);
/* Whether it says this name and phone number, as they are stored; NULL: it is not asked about that one. Not every
 * contract with an agency includes the phone: one that is not told is believed. &err_identity_not_verified with a
 * detail. */
BO_MUSTCHECK const struct err *identity_says(struct ctx *ctx, const struct portone_identity *identity, const char *name,
                                             const char *phone);
/* Uses a verification up for the account of `user_id`, inside the transaction that makes or changes it: whoever learns
 * its id later can do nothing with it, and what fails leaves it unused. &err_identity_not_verified when it has been
 * used. */
BO_MUSTCHECK const struct err *identity_use(struct ctx *ctx, const char *verification_id, const char *user_id);
/* The account with this (normalised) e-mail that was made with it: `id` and `password_hash`, or no row. */
BO_MUSTCHECK const struct err *identity_signed_up(struct ctx *ctx, const char *verification_id, const char *email,
                                                  const struct db_rows **rows_r);
/* Whose account it was used for within ten minutes, by a request that may be repeated as its answer was lost; NULL:
 * it has not been. */
BO_MUSTCHECK const struct err *identity_used_by(struct ctx *ctx, const char *verification_id, const char **user_id_r);

#endif
