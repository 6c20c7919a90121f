/*
 * session: logging in, staying in, logging out (AUTH-006, AUTH-008..011, AUTH-014).
 *
 * A login begins a session: a family of refresh tokens of which one is alive at a time. Using it replaces it. Using a
 * replaced one again within BOX_REFRESH_GRACE_S, while the next one has not been used, gives the same answer again: two
 * requests at once, or one whose answer was lost. Otherwise two parties have it, and that ends the family.
 */
#ifndef USER_SESSION_H
#define USER_SESSION_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "common/json/page.h"

struct login {
    const char *email;
    const char *password;
    const char *recaptcha_token;
};
extern const struct shape login_shape;

struct client {
    const char *ip;
    const char *user_agent;
};

struct tokens {
    const char *access_token;
    const char *refresh_token;
    int64_t expires_in; /* seconds, of the access token */
    const char *token_type;
};
extern const struct shape tokens_shape;

/* Who asks: the claims of the access token presented. */
struct session_owner {
    const char *user_id;
    const char *jti; /* NULL: none of this person's sessions asks */
    int64_t expires_s;
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

/* &err_captcha_failed; &err_bad_credentials after the same work whether the e-mail or the password is wrong;
 * &err_account_locked whatever the password (ctx->retry_after_s); &err_account_dormant after the right one;
 * &err_conflict when the account changes at the same moment: log in again. Every attempt past the CAPTCHA leaves a row
 * in the login history, but for that one, and for what is tried again while locked. */
BO_MUSTCHECK const struct err *session_login(struct ctx *ctx, const struct login *input, const struct client *client,
                                             struct tokens *tokens_r);
/* &err_token_invalid, &err_token_expired, &err_token_revoked, &err_account_dormant, &err_too_many_requests;
 * &err_refresh_reused: the token had been replaced, the family is revoked and its access tokens are blacklisted;
 * without Redis another error, to be repeated. Safe to repeat at once, see above. */
BO_MUSTCHECK const struct err *session_refresh(struct ctx *ctx, const char *refresh_token, const struct client *client,
                                               struct tokens *tokens_r);
/* Ends the session that the access token belongs to. Safe to repeat after any error. */
BO_MUSTCHECK const struct err *session_logout(struct ctx *ctx, const struct session_owner *owner);
/* Ends one of the person's own sessions, or again; &err_not_found for any other id. Safe to repeat. */
BO_MUSTCHECK const struct err *session_end(struct ctx *ctx, const char *user_id, const char *id);
/* Ends all of them, the one that asks last. Safe to repeat after any error. A login at the same moment may stay. */
BO_MUSTCHECK const struct err *session_end_all(struct ctx *ctx, const struct session_owner *owner);
/* Two parts of ending all sessions but the one that asks: of their tokens, inside a transaction, so that no refresh
 * gets past it; and of their access tokens, which is safe to repeat. */
BO_MUSTCHECK const struct err *session_revoke_others(struct ctx *ctx, const struct session_owner *owner);
BO_MUSTCHECK const struct err *session_blacklist_others(struct ctx *ctx, const struct session_owner *owner);
/* A page of the sessions that may be continued, the last used first: struct session_view, and how many there are. */
BO_MUSTCHECK const struct err *session_list(struct ctx *ctx, const struct session_owner *owner, const struct page *page,
                                            struct json_list *list_r, int64_t *total_r);

#endif
