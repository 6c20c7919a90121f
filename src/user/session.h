/*
 * session: a login that lasts (AUTH-008..011): a family of refresh tokens, one alive at a time, each with an access
 * token. It begins with login.h, goes on with refresh.h, and ends here. An account has SESSIONS_MOST at most.
 *
 * Whatever ends sessions commits that first, then tells Redis of the access tokens that are still alive. An error
 * between the two is &err_uncertain, never one that says that nothing has happened: the same call finishes it.
 *
 * Locks, always in this order, so that nobody waits for each other: the row of the account (logins, a new password, the
 * end of the account), session_lock(), the rows of the tokens. A refresh has no lock on the account's row when it takes
 * session_lock(), and wants no more than the key of that row afterwards (its new token refers to it; FOR UPDATE SKIP
 * LOCKED waits for nobody): whoever takes session_lock() after the row must have that row FOR NO KEY UPDATE at most.
 */
#ifndef USER_SESSION_H
#define USER_SESSION_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"
#include "common/json/json.h"
#include "common/json/page.h"
#include "src/user/client.h"

/* Sessions of one account that may be continued. */
#define SESSIONS_MOST 100

struct tokens {
    const char *access_token;
    const char *refresh_token;
    int64_t expires_in; /* seconds, of the access token */
    const char *token_type;
};
extern const struct shape tokens_shape;

struct session {
    const char *user_id;
    const char *role;
    const char *family;
    const char *replaces; /* the refresh token that is exchanged; NULL at a login */
    const struct client *client;
};

/* Who asks: the claims of the access token presented. */
struct session_owner {
    const char *user_id;
    const char *jti; /* NULL: none of this person's sessions asks */
    int64_t expires_s;
};

struct session_standing {
    const char *account;     /* its status */
    const struct err *stale; /* NULL: it began within BOX_FRESH_LOGIN_S, however it was refreshed since. Otherwise
                              * &err_login_too_old, or &err_token_revoked: it has ended */
};

struct session_view {
    const char *id;
    int64_t created_at;   /* the login */
    int64_t last_used_at; /* the last login or refresh, with whose address and client: */
    int64_t expires_at;   /* without another refresh */
    int64_t expires_in;   /* seconds */
    const char *ip;       /* NULL: not known */
    const char *user_agent;
    int current; /* 1: the one that asks */
};
extern const struct shape session_view_shape;

/* Inside a transaction: signs a pair and records its refresh token as the session's live one. At a login the sessions
 * used longest ago end, so that with this one there are SESSIONS_MOST at most; their access tokens end by
 * revocations.h.
 */
BO_MUSTCHECK const struct err *session_issue(struct ctx *ctx, const struct session *session, struct tokens *tokens_r);
/* Until the end of the transaction, all sessions of the account, one lock however many they are: orders the end of a
 * session against a refresh of it, whose new token would otherwise escape the revocation. */
BO_MUSTCHECK const struct err *session_lock(struct ctx *ctx, const char *user_id);
/* Its access tokens that are still alive, after it has ended. `last`: the one that asks, which may have to ask again;
 * NULL: none. &err_uncertain when Redis or PostgreSQL is away. Safe to repeat. */
BO_MUSTCHECK const struct err *session_blacklist(struct ctx *ctx, const char *family, const char *last);
/* Ends the session that the access token belongs to. &err_uncertain: it may have ended. Safe to repeat after any
 * error. */
BO_MUSTCHECK const struct err *session_logout(struct ctx *ctx, const struct session_owner *owner);
/* Ends one of the person's own sessions, or again; &err_not_found for any other id, &err_uncertain as above. Safe to
 * repeat. */
BO_MUSTCHECK const struct err *session_end(struct ctx *ctx, const char *user_id, const char *id);
/* Ends all of them, the one that asks last: the others in one transaction. &err_uncertain as above. Safe to repeat
 * after any error. A login at the same moment may stay. */
BO_MUSTCHECK const struct err *session_end_all(struct ctx *ctx, const struct session_owner *owner);
/* The access tokens of a statement's rows (`access_jti`, NULL: none; `access_expires_at`), which have ended. Safe to
 * repeat. */
BO_MUSTCHECK const struct err *session_blacklist_rows(struct ctx *ctx, const struct db_rows *rows);
/* Two parts of ending all sessions but the one that asks: of their tokens, inside a transaction, so that no refresh
 * gets past it; and of their access tokens after it, which is safe to repeat and &err_uncertain when it fails. */
BO_MUSTCHECK const struct err *session_revoke_others(struct ctx *ctx, const struct session_owner *owner);
BO_MUSTCHECK const struct err *session_blacklist_others(struct ctx *ctx, const struct session_owner *owner);
/* The session that asks, for what cannot be undone: whether it lives is looked up in PostgreSQL, as without Redis every
 * token passes. &err_token_revoked when there is no such account. */
BO_MUSTCHECK const struct err *session_find(struct ctx *ctx, const struct session_owner *owner,
                                            struct session_standing *standing_r);
/* A page of the sessions that may be continued, the last used first: struct session_view, and how many there are. */
BO_MUSTCHECK const struct err *session_list(struct ctx *ctx, const struct session_owner *owner, const struct page *page,
                                            struct json_list *list_r, int64_t *total_r);

#endif
