#include "src/user/account_support.h"

#include "common/base/array.h"
#include "common/io/db.h"
#include "sql/account_support.h"
#include "src/user/session.h"
#include "src/user/user_pii.h"
#include "src/user/user_text.h"

struct found {
    const struct db_rows *row;
    struct db_arg blind;
};

static const struct err *find(struct ctx *ctx, const char *email, struct found *found_r)
{
    const char *normal = user_email_normalise(ctx->arena, email);
    if (!normal) {
        return &err_not_found;
    }
    found_r->blind = user_pii_blind(ctx, "email", normal);
    const struct err *e = DB_RUN(ctx, &sql_account_support_find, &found_r->row, found_r->blind);
    return e ? e : db_count(found_r->row) == 0 ? &err_not_found : NULL;
}

const struct err *account_support_find(struct ctx *ctx, const char *email, struct account_support *account_r)
{
    struct found found;
    const struct err *e = find(ctx, email, &found);
    if (e) {
        return e;
    }
    const struct db_rows *row = found.row;
    *account_r = (struct account_support){
        .id = db_str(row, 0, "id"),
        .status = db_str(row, 0, "status"),
        .role = db_str(row, 0, "role"),
        .proved = db_bool(row, 0, "proved"),
        .has_password = !db_null(row, 0, "password_hash"),
        .created_at = db_time(row, 0, "created_at"),
        .last_login_at = db_time(row, 0, "last_login_at"),
        .locked_until = db_time(row, 0, "locked_until"),
        .links = db_int(row, 0, "links"),
        .sessions = db_int(row, 0, "sessions"),
    };
    size_t all;
    struct login_try tries =
        lockout_try(ctx, found.blind.text, found.blind.len, db_str(row, 0, "password_hash"), "none", LOCKOUT_NEW);
    e = lockout_look(ctx, &tries, account_r->counts, ACCOUNT_SUPPORT_COUNTS_MAX, &all);
    account_r->count_of_all = all;
    account_r->count = all < ACCOUNT_SUPPORT_COUNTS_MAX ? all : ACCOUNT_SUPPORT_COUNTS_MAX;
    return e;
}

static const struct err *set_lock(struct ctx *ctx, const struct found *found, int64_t seconds,
                                  const struct db_rows **row_r)
{
    const struct err *e =
        DB_RUN(ctx, &sql_account_support_lock, row_r, DB_TEXT(db_str(found->row, 0, "id")), DB_INT(seconds));
    return e ? e : db_count(*row_r) == 0 ? &err_not_found : NULL;
}

const struct err *account_support_lock(struct ctx *ctx, const char *email, int64_t seconds, int64_t *locked_until_r)
{
    struct found found;
    const struct db_rows *row;
    const struct err *e = find(ctx, email, &found);
    e = e ? e : set_lock(ctx, &found, seconds > 1 ? seconds : 1, &row);
    if (!e) {
        *locked_until_r = db_time(row, 0, "locked_until");
    }
    return e;
}

const struct err *account_support_unlock(struct ctx *ctx, const char *email)
{
    struct found found;
    const struct db_rows *row;
    const struct err *e = find(ctx, email, &found);
    e = e ? e : set_lock(ctx, &found, 0, &row);
    return e ? e : lockout_clear(ctx, found.blind.text, found.blind.len);
}

const struct err *account_support_end_sessions(struct ctx *ctx, const char *email)
{
    struct found found;
    const struct err *e = find(ctx, email, &found);
    return e ? e : session_end_all(ctx, &(struct session_owner){.user_id = db_str(found.row, 0, "id")});
}
