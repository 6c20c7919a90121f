/* account: creating an account and reading one's own (AUTH-001, AUTH-004, AUTH-005, AUTH-012). */
#ifndef USER_ACCOUNT_H
#define USER_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/crypto/password.h"
#include "common/crypto/uuid.h"
#include "common/json/json.h"
#include "src/providers/portone.h"

struct sign_up {
    const char *email;
    const char *password; /* NULL: the person comes in by a social login */
    const char *name;
    const char *phone;
    struct json_list agreements; /* of struct agreement */
    const char *recaptcha_token;
    const char *identity_verification_id;
    const char *email_verification_token; /* may be NULL */
};
extern const struct shape sign_up_shape;

struct account {
    const char *id;
    const char *email; /* as stored: lower case */
    const char *name;
};
extern const struct shape account_shape;

struct profile {
    const char *id;
    const char *email;
    bool email_proved; /* by a code that was sent to it */
    const char *name;
    const char *phone;
    const char *role;
    int64_t created_at;
    const char *linked_providers; /* a JSON array of text */
};

/* &err_invalid_request when `email` is no address; &err_too_many_requests: it tells who has an account, and nobody
 * shall ask for lists of people. */
BO_MUSTCHECK const struct err *account_email_available(struct ctx *ctx, const char *email, const char *client_ip,
                                                       bool *available_r);

/* Terms, CAPTCHA, identity verification, then the account in one transaction; nothing is kept of a sign-up that fails.
 * The token of a verified address (email_code.h) may be missing unless BOX_SIGNUP_EMAIL_PROOF; one that is there must
 * be right, and is used up by it. Without that setting a person may hold an address that is another's, who is then told
 * &err_email_taken until the holder moves (email_change.h) or is gone: no proof takes the name that an account logs in
 * with from under it, as its person would be shut out of paid tickets by whoever reads a mailbox.
 * A sign-up tells who has an account only to somebody who has proved who they are; name and phone must be the verified
 * ones. &err_invalid_request, &err_terms_required, &err_captcha_failed, &err_identity_not_verified (with details),
 * &err_email_taken, &err_person_already_registered, &err_unavailable (a provider is away: repeat with a new CAPTCHA
 * token). Two at once for one e-mail or person: the unique indexes let one win. The same again, as its answer was lost
 * or both were on their way at once, has the same answer. */
BO_MUSTCHECK const struct err *account_sign_up(struct ctx *ctx, const struct sign_up *input, const char *client_ip,
                                               struct account *account_r);

/* An account that is to be, gathered step by step. */
struct candidate {
    char id[UUID_SIZE];
    const char *email;
    const char *name;
    const char *phone;
    char password_hash[PASSWORD_HASH_SIZE]; /* "": there is no password */
    struct portone_identity identity;
    const char *verification_id;
    const char *email_token; /* may be NULL */
    const struct json_list *agreements;
};

/* Two steps of a sign-up, for every way in. What of it the person says, and the terms: fills all of *candidate but
 * identity, password_hash and id. &err_invalid_request, &err_terms_required, with details. */
BO_MUSTCHECK const struct err *account_check(struct ctx *ctx, const struct sign_up *input, struct candidate *candidate);
/* Inside a transaction: the account, what was agreed to, and that the identity verification has been used.
 * &err_email_taken, &err_person_already_registered, &err_identity_not_verified. */
BO_MUSTCHECK const struct err *account_create(struct ctx *ctx, const struct candidate *candidate);

/* &err_token_revoked when the account is no longer active. */
BO_MUSTCHECK const struct err *account_profile(struct ctx *ctx, const char *user_id, struct profile *profile_r);
/* The same in two, for many side by side; in between the session belongs to this question (db_send()). */
BO_MUSTCHECK const struct err *account_profile_ask(struct ctx *ctx, const char *user_id);
BO_MUSTCHECK const struct err *account_profile_answer(struct ctx *ctx, const char *user_id, struct profile *profile_r);

#endif
