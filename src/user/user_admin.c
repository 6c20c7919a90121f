#include "src/user/user_admin.h"

#include <string.h>

#include "common/auth/token.h"
#include "sql/user_admin.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "src/user/user_text.h"

bool user_admin_init(const char **why_r)
{
    return user_pii_init(cfg_user.blind_key, NULL, why_r);
}

const struct err *user_set_role(struct ctx *ctx, const char *email, const char *role, bool unproved)
{
    const char *normal = user_email_normalise(ctx->arena, email);
    if (!normal) {
        return &err_not_found;
    }
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_admin_find, &rows, user_pii_blind(ctx, "email", normal));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    bool promoted = strcmp(role, "ADMIN") == 0;
    if (promoted && !unproved && !db_bool(rows, 0, "proved")) {
        return &err_conflict;
    }
    const char *id = db_str(rows, 0, "id");
    e = DB_RUN(ctx, &sql_user_admin_role_set, &rows, DB_TEXT(id), DB_TEXT(role));
    if (e || db_count(rows) == 0) {
        return e ? e : &err_not_found;
    }
    return promoted ? token_promote(ctx, id) : token_demote(ctx, id);
}
