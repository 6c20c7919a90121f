#include "src/user/identity.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "src/user/user_text.h"

#define ID_FIELD "identityVerificationId"

const struct err *identity_refused(struct ctx *ctx, const char *field, const char *reason)
{
    (void)ctx_invalid(ctx, field, "%s", reason);
    return &err_identity_not_verified;
}

const struct err *identity_fetch(struct ctx *ctx, const char *verification_id, struct portone_identity *identity_r)
{
    struct portone_identity identity;
    const struct err *e = portone_identity(ctx, verification_id, &identity);
    if (e == &err_not_found) {
        return identity_refused(ctx, ID_FIELD, "is not known");
    }
    if (e) {
        return e;
    }
    if (!identity.verified) {
        return identity_refused(ctx, ID_FIELD, "has not been completed");
    }
    if (clock_now() - identity.verified_at > cfg_user.identity_s * CLOCK_SECOND) {
        return identity_refused(ctx, ID_FIELD, "is too old");
    }
    if (!identity.ci || !identity.name) {
        return identity_refused(ctx, ID_FIELD, "does not identify the person");
    }
    *identity_r = identity;
    return NULL;
}

/* Both as they are stored: an agency spells as it likes. */
const struct err *identity_says(struct ctx *ctx, const struct portone_identity *identity, const char *name,
                                const char *phone)
{
    const char *why;
    const char *told_name = name ? text_line(ctx->arena, identity->name, &why) : NULL;
    if (name && (!told_name || strcmp(told_name, name) != 0)) {
        return identity_refused(ctx, "name", "is not the verified name");
    }
    if (!phone || !identity->phone) {
        return NULL;
    }
    const char *told_phone = user_phone_normalise(ctx->arena, identity->phone);
    return told_phone && strcmp(told_phone, phone) == 0
               ? NULL
               : identity_refused(ctx, "phone", "is not the verified phone number");
}

const struct err *identity_use(struct ctx *ctx, const char *verification_id, const char *user_id)
{
    const struct err *e =
        DB_RUN(ctx, &sql_user_identity_use, NULL, db_arg_sha256(ctx, verification_id), DB_TEXT(user_id));
    return e == &err_db_unique ? identity_refused(ctx, ID_FIELD, "has been used") : e;
}

const struct err *identity_signed_up(struct ctx *ctx, const char *verification_id, const char *email,
                                     const struct db_rows **rows_r)
{
    return DB_RUN(ctx, &sql_user_signed_up, rows_r, db_arg_sha256(ctx, verification_id),
                  user_pii_blind(ctx, "email", email));
}

const struct err *identity_used_by(struct ctx *ctx, const char *verification_id, const char **user_id_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_identity_used_by, &rows, db_arg_sha256(ctx, verification_id));
    if (!e) {
        *user_id_r = db_count(rows) == 1 ? db_str(rows, 0, "user_id") : NULL;
    }
    return e;
}
