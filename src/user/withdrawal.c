#include "src/user/withdrawal.h"

#include <string.h>

#include "common/io/db.h"
#include "sql/user.h"
#include "src/contract/reservation_api.h"
#include "src/user/user_errors.h"
#include "src/user/user_settings.h"

/* *ended_r: it has been withdrawn before, but may not be finished. */
static const struct err *check_account(struct ctx *ctx, const char *user_id, bool *ended_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_role_and_status, &rows, DB_TEXT(user_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_token_revoked;
    }
    *ended_r = strcmp(db_str(rows, 0, "status"), "DELETED") == 0;
    return NULL;
}

static const struct err *check_login(struct ctx *ctx, const struct session_owner *owner)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_session_age, &rows, DB_TEXT(owner->jti), DB_TEXT(owner->user_id));
    if (e) {
        return e;
    }
    return db_count(rows) == 1 && db_int(rows, 0, "age_s") <= cfg_user.fresh_login_s ? NULL : &err_login_too_old;
}

static const struct err *check_tickets(struct ctx *ctx, const char *user_id, bool with_tickets)
{
    struct reservation_standing standing;
    const struct err *e = reservation_api_standing(ctx, user_id, &standing);
    if (e) {
        return e;
    }
    if (standing.pending > 0) {
        return &err_purchase_pending;
    }
    return standing.tickets > 0 && !with_tickets ? &err_tickets_remain : NULL;
}

static const struct err *end_account(struct ctx *ctx, void *arg)
{
    const struct session_owner *owner = arg;
    const struct session_owner nobody = {.user_id = owner->user_id}; /* the one that asks ends too */
    const struct err *e = DB_RUN(ctx, &sql_user_withdraw, NULL, DB_TEXT(owner->user_id));
    e = e ? e : DB_RUN(ctx, &sql_user_links_remove, NULL, DB_TEXT(owner->user_id));
    return e ? e : session_revoke_others(ctx, &nobody);
}

/* What was let in before the account ended, and finished after it was asked about. */
static void look_back(struct ctx *ctx, const char *user_id, bool with_tickets)
{
    const struct err *e = check_tickets(ctx, user_id, with_tickets);
    if (e == &err_purchase_pending || e == &err_tickets_remain) {
        log_warn(&ctx->log, "user '%s' has bought something while withdrawing: '%s'", user_id, e->code);
    }
}

const struct err *withdrawal(struct ctx *ctx, const struct session_owner *owner, bool with_tickets)
{
    bool ended = false;
    struct session_owner own = *owner;
    const struct err *e = check_account(ctx, owner->user_id, &ended);
    if (!e && !ended) {
        e = check_login(ctx, owner);
        e = e ? e : check_tickets(ctx, owner->user_id, with_tickets);
        e = e ? e : db_transact(ctx, end_account, &own);
    }
    e = e ? e : err_after_commit(session_end_all(ctx, owner));
    if (!e && !ended) {
        look_back(ctx, owner->user_id, with_tickets);
    }
    return e;
}
