#include "src/user/profile_change.h"

#include <string.h>

#include "common/base/array.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/account.h"
#include "src/user/email_change.h"
#include "src/user/identity.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_pii.h"
#include "src/user/user_text.h"

#define ID_FIELD "identityVerificationId"

static const struct field profile_change_fields[] = {
    {FIELD(struct profile_change, "name", FIELD_TEXT, name), .min = 1, .max = 50},
    {FIELD(struct profile_change, "phone", FIELD_TEXT, phone), .min = 9, .max = 30},
    {FIELD(struct profile_change, "email", FIELD_TEXT, email), .min = 3, .max = 300},
    {FIELD(struct profile_change, "emailVerificationToken", FIELD_STR, email_verification_token), .min = 1,
     .max = 1000},
    {FIELD(struct profile_change, ID_FIELD, FIELD_STR, identity_verification_id), .min = 1, .max = 200},
};
const struct shape profile_change_shape = {profile_change_fields, ARRAY_COUNT(profile_change_fields),
                                           sizeof(struct profile_change), false};

struct change {
    const struct session_owner *owner;
    const char *name;          /* NULL: it stays */
    const char *phone;         /* NULL: it stays */
    struct email_change email; /* .email NULL: it stays */
    const char *verification_id;
    struct portone_identity identity;
};

static const struct err *check_input(struct ctx *ctx, const struct profile_change *input, struct change *change)
{
    if (!input->name && !input->phone && !input->email) {
        return ctx_invalid(ctx, "name", "or phone or email must be given");
    }
    change->name = input->name;
    change->phone = input->phone ? user_phone_normalise(ctx->arena, input->phone) : NULL;
    change->email = (struct email_change){input->email ? user_email_normalise(ctx->arena, input->email) : NULL,
                                          input->email_verification_token, false};
    if (input->email && !change->email.email) {
        return ctx_invalid(ctx, "email", "must be an e-mail address");
    }
    return input->phone && !change->phone ? ctx_invalid(ctx, "phone", "must be a phone number") : NULL;
}

/* Only what is another one than the stored one is left. */
static const struct err *compare(struct ctx *ctx, struct change *change)
{
    struct profile profile;
    const struct err *e = account_profile(ctx, change->owner->user_id, &profile);
    if (e) {
        return e;
    }
    if (change->name && strcmp(change->name, profile.name) == 0) {
        change->name = NULL;
    }
    if (change->phone && strcmp(change->phone, profile.phone) == 0) {
        change->phone = NULL;
    }
    bool same = change->email.email && strcmp(change->email.email, profile.email) == 0;
    if (same && (profile.email_proved || !change->email.token)) {
        change->email.email = NULL;
    }
    change->email.by_person = change->email.email && !same; /* or check_person() refuses */
    return NULL;
}

static bool changes(const struct change *change)
{
    return change->name || change->phone || change->email.email;
}

static bool wants_person(const struct change *change)
{
    return change->name || change->phone || change->email.by_person;
}

static const struct err *check_person(struct ctx *ctx, struct change *change)
{
    if (!change->verification_id) {
        return ctx_invalid(ctx, ID_FIELD, "is required");
    }
    const struct err *e = identity_fetch(ctx, change->verification_id, &change->identity);
    return e ? e : identity_says(ctx, &change->identity, change->name, change->phone);
}

static const struct err *check_proofs(struct ctx *ctx, struct change *change)
{
    const struct err *e = limit_take(ctx, &limit_profile, change->owner->user_id);
    if (!e && change->email.email) {
        e = email_change_check(ctx, change->owner, &change->email);
    }
    return e || !wants_person(change) ? e : check_person(ctx, change);
}

static const struct err *store_person(struct ctx *ctx, const struct change *change)
{
    const char *user_id = change->owner->user_id, *name = change->name, *phone = change->phone;
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_user_profile_set, &rows, DB_TEXT(user_id), user_pii_blind(ctx, "ci", change->identity.ci),
               user_pii_seal(ctx, "users.name", user_id, name), user_pii_seal(ctx, "users.phone", user_id, phone),
               phone ? user_pii_blind(ctx, "phone", phone) : DB_NULL);
    if (e) {
        return e;
    }
    if (db_affected(rows) == 0) {
        return identity_refused(ctx, ID_FIELD, "is not of the person with this account");
    }
    return identity_use(ctx, change->verification_id, user_id);
}

static const struct err *store(struct ctx *ctx, void *arg)
{
    const struct change *change = arg;
    const struct err *e = change->email.email ? email_change_store(ctx, change->owner, &change->email) : NULL;
    return e || !wants_person(change) ? e : store_person(ctx, change);
}

const struct err *profile_change(struct ctx *ctx, const struct session_owner *owner, const struct profile_change *input)
{
    struct change change = {.owner = owner, .verification_id = input->identity_verification_id};
    const struct err *e = check_input(ctx, input, &change);
    e = e ? e : compare(ctx, &change);
    if (e || !changes(&change)) {
        return e;
    }
    e = check_proofs(ctx, &change);
    e = e ? e : db_transact(ctx, store, &change);
    /* The same twice at once: the other was first, and has used up the proof. */
    if ((e == &err_identity_not_verified || e == &err_invalid_request) && !compare(ctx, &change) && !changes(&change)) {
        return NULL;
    }
    return e;
}
