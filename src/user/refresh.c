#include "src/user/refresh.h"

#include <string.h>

#include "common/auth/token.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/io/limit.h"
#include "sql/user.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_settings.h"

struct refresh_work {
    const char *token;
    const char *user_id;
    const char *family;
    const struct client *client;
    bool limited;              /* a live token is not exchanged */
    bool found;                /* the token was live */
    const struct err *refusal; /* committed together with its consequences, then answered */
    struct tokens tokens;
};

/* The role of an account that may go on, and is seen to be used; otherwise the session ends and work->refusal says why.
 */
static const struct err *check_account(struct ctx *ctx, struct refresh_work *work, const char *user_id,
                                       const char **role_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_role_and_status, &rows, DB_TEXT(user_id));
    if (e) {
        return e;
    }
    const char *status = db_str(rows, 0, "status");
    *role_r = db_str(rows, 0, "role");
    if (strcmp(status, "ACTIVE") == 0) {
        return db_bool(rows, 0, "long_unseen") ? DB_RUN(ctx, &sql_user_seen, NULL, DB_TEXT(user_id)) : NULL;
    }
    work->refusal = strcmp(status, "DORMANT") == 0 ? &err_account_dormant : &err_token_revoked;
    return DB_RUN(ctx, &sql_user_family_revoke, NULL, DB_TEXT(work->family));
}

static const struct err *continue_session(struct ctx *ctx, struct refresh_work *work, const struct db_rows *used)
{
    const char *user_id = db_str(used, 0, "user_id"), *role;
    const struct err *e = check_account(ctx, work, user_id, &role);
    if (e || work->refusal) {
        return e;
    }
    const struct session session = {user_id, role, work->family, db_str(used, 0, "id"), work->client};
    return session_issue(ctx, &session, &work->tokens);
}

static struct db_arg stored_hash(struct ctx *ctx, const struct db_rows *rows)
{
    size_t len;
    const unsigned char *hash = db_bytes(ctx, rows, 0, "token_hash", &len);
    return DB_BYTES(hash, len);
}

/* Replaces the live token with this hash by a new pair; none: nothing is done. */
static const struct err *exchange(struct ctx *ctx, struct refresh_work *work, struct db_arg hash)
{
    const struct db_rows *used;
    const struct err *e = DB_RUN(ctx, &sql_user_token_rotate, &used, hash);
    work->found = !e && db_count(used) == 1;
    return work->found ? continue_session(ctx, work, used) : e;
}

/* The same pair once more: what was signed is signed again, so that two requests at once, or one whose answer was lost,
 * end with one live token and not with the end of the session. Where the key that made it is gone, it
 * can be used nowhere and is exchanged in its turn. */
static const struct err *repeat_answer(struct ctx *ctx, struct refresh_work *work, const struct db_rows *next)
{
    const char *user_id = db_str(next, 0, "user_id");
    int64_t issued_s = db_time(next, 0, "issued_at") / CLOCK_SECOND;
    struct token_claims access = {.subject = user_id,
                                  .jti = db_str(next, 0, "access_jti"),
                                  .issued_s = issued_s,
                                  .expires_s = db_time(next, 0, "access_expires_at") / CLOCK_SECOND};
    const struct token_claims refresh = {.subject = user_id,
                                         .jti = db_str(next, 0, "id"),
                                         .family = work->family,
                                         .issued_s = issued_s,
                                         .expires_s = db_time(next, 0, "expires_at") / CLOCK_SECOND};
    const struct db_arg hash = stored_hash(ctx, next);
    int key = 0;
    const char *token = token_issue_again(ctx, TOKEN_REFRESH, &refresh, key);
    while (token && !crypto_equal(hash.text, db_arg_sha256(ctx, token).text, CRYPTO_SHA256_SIZE)) {
        token = token_issue_again(ctx, TOKEN_REFRESH, &refresh, ++key);
    }
    if (!token) {
        return exchange(ctx, work, hash);
    }
    const struct err *e = check_account(ctx, work, user_id, &access.role);
    if (e || work->refusal) {
        return e;
    }
    work->tokens = (struct tokens){.access_token = token_issue_again(ctx, TOKEN_ACCESS, &access, key),
                                   .refresh_token = token,
                                   .expires_in = access.expires_s - clock_now() / CLOCK_SECOND,
                                   .token_type = "Bearer"};
    return NULL;
}

/* Why no live token was found, and what follows from it. */
static const struct err *refuse_refresh(struct ctx *ctx, struct refresh_work *work)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_token_find, &rows, db_arg_sha256(ctx, work->token));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        work->refusal = &err_token_invalid;
        return NULL;
    }
    bool rotated = db_bool(rows, 0, "rotated"), revoked = db_bool(rows, 0, "revoked");
    work->refusal = revoked ? &err_token_revoked : rotated ? &err_refresh_reused : &err_token_expired;
    return work->refusal == &err_refresh_reused ? DB_RUN(ctx, &sql_user_family_revoke, NULL, DB_TEXT(work->family))
                                                : NULL;
}

/* An access token that is over is given to nobody. */
static int64_t grace_s(void)
{
    return cfg_user.refresh_grace_s < cfg_token.access_s ? cfg_user.refresh_grace_s : cfg_token.access_s;
}

static const struct err *answer_used(struct ctx *ctx, struct refresh_work *work)
{
    const struct db_rows *next;
    const struct err *e = DB_RUN(ctx, &sql_user_token_next, &next, db_arg_sha256(ctx, work->token), DB_INT(grace_s()));
    if (e) {
        return e;
    }
    return db_count(next) == 1 ? repeat_answer(ctx, work, next) : refuse_refresh(ctx, work);
}

static const struct err *rotate(struct ctx *ctx, void *arg)
{
    struct refresh_work *work = arg;
    work->refusal = NULL;
    work->found = false;
    const struct err *e = session_lock(ctx, work->user_id);
    if (!e && !work->limited) {
        e = exchange(ctx, work, db_arg_sha256(ctx, work->token));
    }
    e = e || work->found ? e : answer_used(ctx, work);
    /* Also then a token that two parties have is noticed. */
    if (!e && work->limited && work->refusal == &err_token_expired) {
        work->refusal = &err_too_many_requests;
    }
    return e;
}

const struct err *refresh_exchange(struct ctx *ctx, const char *refresh_token, const struct client *client,
                                   struct tokens *tokens_r)
{
    struct token_claims claims;
    const struct err *e = token_verify(ctx, TOKEN_REFRESH, refresh_token, &claims);
    if (e) {
        return e;
    }
    /* Each leaves a row and an access token, all of which the end of the session has to reach. */
    bool limited = limit_take(ctx, &limit_refresh, claims.family) != NULL;
    struct refresh_work work = {.token = refresh_token,
                                .user_id = claims.subject,
                                .family = claims.family,
                                .client = client,
                                .limited = limited};
    e = db_transact(ctx, rotate, &work);
    if (e) {
        return e;
    }
    if (!work.refusal) {
        *tokens_r = work.tokens;
        return NULL;
    }
    /* Also when it had ended before: whoever ended it may not have come so far. */
    bool ended = work.refusal == &err_refresh_reused || work.refusal == &err_token_revoked ||
                 work.refusal == &err_account_dormant;
    e = ended ? session_blacklist(ctx, work.family, NULL) : NULL;
    return e ? e : work.refusal;
}
