#include "src/user/withdrawal.h"

#include <string.h>

#include "common/io/db.h"
#include "sql/user.h"
#include "src/contract/reservation_api.h"
#include "src/user/owner_notice.h"
#include "src/user/user_errors.h"

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
    const struct db_rows *withdrawn;
    struct session_standing standing;
    const struct err *e = DB_RUN(ctx, &sql_user_withdraw, &withdrawn, DB_TEXT(owner->user_id));
    if (e || db_affected(withdrawn) == 0) {
        return e; /* the same twice at once: the other was first */
    }
    /* Again: whoever logged out meanwhile has changed their mind, or was not the owner. */
    e = session_lock(ctx, owner->user_id);
    e = e ? e : session_find(ctx, owner, &standing);
    e = e ? e : standing.stale;
    e = e ? e : DB_RUN(ctx, &sql_user_links_remove, NULL, DB_TEXT(owner->user_id));
    e = e ? e : session_revoke_others(ctx, &nobody);
    return e ? e : owner_notice(ctx, owner->user_id, MAIL_WITHDRAWN, NULL);
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
    struct session_owner own = *owner;
    struct session_standing standing;
    const struct err *e = session_find(ctx, owner, &standing);
    if (e) {
        return e;
    }
    /* It has been withdrawn before, but may not be finished. */
    bool ended = strcmp(standing.account, "DELETED") == 0;
    if (!ended) {
        e = standing.stale ? standing.stale : check_tickets(ctx, owner->user_id, with_tickets);
        e = e ? e : db_transact(ctx, end_account, &own);
    }
    e = e ? e : err_after_commit(session_end_all(ctx, owner));
    if (!e && !ended) {
        look_back(ctx, owner->user_id, with_tickets);
    }
    return e;
}
