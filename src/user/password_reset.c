#include "src/user/password_reset.h"

#include <string.h>

#include "common/base/array.h"
#include "common/crypto/password.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/client_limit.h"
#include "src/user/identity.h"
#include "src/user/owner_notice.h"
#include "src/user/password_rule.h"
#include "src/user/session.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "src/user/user_text.h"

static const struct field password_reset_fields[] = {
    {FIELD(struct password_reset, "email", FIELD_TEXT, email), .flags = FIELD_REQUIRED, .min = 1, .max = 300},
    {FIELD(struct password_reset, "identityVerificationId", FIELD_STR, identity_verification_id),
     .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct password_reset, "newPassword", FIELD_PASSWORD, new_password), .flags = FIELD_REQUIRED, .min = 1,
     .max = 200},
};
const struct shape password_reset_shape = {password_reset_fields, ARRAY_COUNT(password_reset_fields),
                                           sizeof(struct password_reset), false};

struct reset {
    const char *verification_id;
    struct db_arg email, ci;
    const char *old_hash;
    char hash[PASSWORD_HASH_SIZE];
    struct session_owner owner; /* nobody's session: all of them end */
};

static const struct err *find_account(struct ctx *ctx, struct reset *reset)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_of_person, &rows, reset->email, reset->ci);
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return identity_refused(ctx, "identityVerificationId", "is not of the person with this account");
    }
    reset->owner.user_id = db_str(rows, 0, "id");
    reset->old_hash = db_str(rows, 0, "password_hash");
    return NULL;
}

/* *done_r: this very reset was made before, and its answer lost. */
static const struct err *find_use(struct ctx *ctx, const struct reset *reset, const char *password, bool *done_r)
{
    const char *user_id;
    const struct err *e = identity_used_by(ctx, reset->verification_id, &user_id);
    *done_r = !e && user_id && strcmp(user_id, reset->owner.user_id) == 0 &&
              password_verify(password, reset->old_hash, (int)cfg_user.bcrypt_cost);
    return e;
}

static const struct err *store(struct ctx *ctx, void *arg)
{
    const struct reset *reset = arg;
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_user_password_reset, &rows, DB_TEXT(reset->owner.user_id), reset->ci, DB_TEXT(reset->hash));
    if (e) {
        return e;
    }
    if (db_affected(rows) == 0) {
        return &err_conflict;
    }
    e = identity_use(ctx, reset->verification_id, reset->owner.user_id);
    e = e ? e : session_revoke_others(ctx, &reset->owner);
    return e ? e : owner_notice(ctx, reset->owner.user_id, MAIL_PASSWORD_CHANGED, NULL);
}

const struct err *password_reset(struct ctx *ctx, const char *client_ip, const struct password_reset *input)
{
    struct reset reset = {.verification_id = input->identity_verification_id};
    struct portone_identity identity;
    bool done = false;
    const char *email = user_email_normalise(ctx->arena, input->email);
    struct password_owner owner = {.email = email};
    const struct err *e = user_password_check(ctx, "newPassword", input->new_password, &owner);
    if (e) {
        return e;
    }
    /* Anybody may ask, and each asking costs a call to PortOne and bcrypt. */
    e = client_limit_take(ctx, &limit_reset, client_ip);
    e = e ? e : identity_fetch(ctx, input->identity_verification_id, &identity);
    if (!e) {
        owner.name = identity.name;
        owner.phone = identity.phone ? user_phone_normalise(ctx->arena, identity.phone) : NULL;
        e = user_password_check(ctx, "newPassword", input->new_password, &owner);
    }
    /* Whether there is such an account or not: the answer takes the same time. */
    if (!e && !password_hash(input->new_password, (int)cfg_user.bcrypt_cost, reset.hash)) {
        e = &err_internal;
    }
    if (e) {
        return e;
    }
    reset.email = user_pii_blind(ctx, "email", email ? email : "");
    reset.ci = user_pii_blind(ctx, "ci", identity.ci);
    e = find_account(ctx, &reset);
    e = e ? e : find_use(ctx, &reset, input->new_password, &done);
    if (!e && !done) {
        e = db_transact(ctx, store, &reset);
    }
    /* The same twice at once: the other was first. */
    if (e == &err_identity_not_verified && reset.owner.user_id && !find_account(ctx, &reset) &&
        !find_use(ctx, &reset, input->new_password, &done) && done) {
        e = NULL;
    }
    return e ? e : session_blacklist_others(ctx, &reset.owner);
}
