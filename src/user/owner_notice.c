#include "src/user/owner_notice.h"

#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/user_pii.h"

#define LIFE_S INT64_C(259200) /* three days: it is still news */

const struct err *owner_notice(struct ctx *ctx, const char *user_id, enum mail_kind kind, const char *provider)
{
    const struct db_rows *row;
    const struct err *e = DB_RUN(ctx, &sql_user_email, &row, DB_TEXT(user_id));
    const char *email = e || db_count(row) == 0 ? NULL : user_pii_open(ctx, "users.email", user_id, row, "email");
    if (!email) {
        return e;
    }
    int64_t now = clock_now();
    return mail_put(ctx, &(struct mail){.kind = kind,
                                        .user_id = user_id,
                                        .email = email,
                                        .at = now,
                                        .provider = provider,
                                        .expires_at = now + LIFE_S * CLOCK_SECOND});
}
