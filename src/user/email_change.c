#include "src/user/email_change.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/email_code.h"
#include "src/user/mail.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"

#define MAIL_LIFE_S INT64_C(86400)

static const struct err *check_login(struct ctx *ctx, const struct session_owner *owner)
{
    struct session_standing standing;
    const struct err *e = session_find(ctx, owner, &standing);
    return e ? e : standing.stale;
}

const struct err *email_change_check(struct ctx *ctx, const struct session_owner *owner,
                                     const struct email_change *change)
{
    if (!change->token) {
        return ctx_invalid(ctx, "emailVerificationToken", "is required");
    }
    const struct err *e = check_login(ctx, owner);
    return e ? e : email_token_check(ctx, change->token, change->email);
}

static const struct err *tell(struct ctx *ctx, const char *user_id, const char *old)
{
    int64_t now = clock_now();
    return mail_put(ctx, &(struct mail){.kind = MAIL_EMAIL_CHANGED,
                                        .user_id = user_id,
                                        .email = old,
                                        .at = now,
                                        .expires_at = now + MAIL_LIFE_S * CLOCK_SECOND});
}

const struct err *email_change_store(struct ctx *ctx, const struct session_owner *owner,
                                     const struct email_change *change)
{
    const struct db_rows *locked;
    const struct err *e = DB_RUN(ctx, &sql_user_email_lock, &locked, DB_TEXT(owner->user_id));
    if (e || db_count(locked) == 0) {
        return e ? e : &err_token_revoked;
    }
    const char *old = user_pii_open(ctx, "users.email", owner->user_id, locked, "email");
    if (!old) {
        return &err_internal;
    }
    bool moved = strcmp(old, change->email) != 0;
    if (moved && !change->by_person) {
        return &err_conflict;
    }
    /* Again: whoever logged out meanwhile has changed their mind, or was not the owner. */
    e = check_login(ctx, owner);
    e = e ? e
          : DB_RUN(ctx, &sql_user_email_set, NULL, DB_TEXT(owner->user_id),
                   user_pii_seal(ctx, "users.email", owner->user_id, change->email),
                   user_pii_blind(ctx, "email", change->email));
    if (e) {
        return e == &err_db_unique ? &err_email_taken : e;
    }
    e = email_token_use(ctx, change->token, change->email, owner->user_id);
    /* An address that is only proved by this stays the same. */
    return e || !moved ? e : tell(ctx, owner->user_id, old);
}
