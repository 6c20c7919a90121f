#include "src/user/session.h"

#include <string.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/password.h"
#include "common/crypto/uuid.h"
#include "common/io/limit.h"
#include "sql/user.h"
#include "src/providers/recaptcha.h"
#include "src/user/lockout.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "src/user/user_text.h"

#define QUARTER_S 900 /* of an hour */
#define REFRESHES_A_QUARTER 30

static const struct field login_fields[] = {
    {FIELD(struct login, "email", FIELD_TEXT, email), .flags = FIELD_REQUIRED, .min = 1, .max = 300},
    {FIELD(struct login, "password", FIELD_PASSWORD, password), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct login, "recaptchaToken", FIELD_STR, recaptcha_token), .flags = FIELD_REQUIRED, .min = 1, .max = 4096},
};
const struct shape login_shape = {login_fields, ARRAY_COUNT(login_fields), sizeof(struct login), false};

static const struct field tokens_fields[] = {
    {FIELD(struct tokens, "accessToken", FIELD_STR, access_token), .flags = FIELD_REQUIRED},
    {FIELD(struct tokens, "refreshToken", FIELD_STR, refresh_token), .flags = FIELD_REQUIRED},
    {FIELD(struct tokens, "expiresIn", FIELD_INT, expires_in), .flags = FIELD_REQUIRED},
    {FIELD(struct tokens, "tokenType", FIELD_STR, token_type), .flags = FIELD_REQUIRED},
};
const struct shape tokens_shape = {tokens_fields, ARRAY_COUNT(tokens_fields), sizeof(struct tokens), false};

static const struct field session_view_fields[] = {
    {FIELD(struct session_view, "id", FIELD_UUID, id), .flags = FIELD_REQUIRED},
    {FIELD(struct session_view, "createdAt", FIELD_TIME, created_at), .flags = FIELD_REQUIRED},
    {FIELD(struct session_view, "lastUsedAt", FIELD_TIME, last_used_at), .flags = FIELD_REQUIRED},
    {FIELD(struct session_view, "expiresAt", FIELD_TIME, expires_at), .flags = FIELD_REQUIRED},
    {FIELD(struct session_view, "expiresIn", FIELD_INT, expires_in), .flags = FIELD_REQUIRED},
    {FIELD(struct session_view, "ip", FIELD_STR, ip)},
    {FIELD(struct session_view, "userAgent", FIELD_STR, user_agent), .flags = FIELD_REQUIRED},
    {FIELD(struct session_view, "current", FIELD_BOOL, current), .flags = FIELD_REQUIRED},
};
const struct shape session_view_shape = {session_view_fields, ARRAY_COUNT(session_view_fields),
                                         sizeof(struct session_view), false};

/* ---- issuing ---- */

struct session {
    const char *user_id;
    const char *role;
    const char *family;
    const char *replaces; /* the refresh token that is exchanged; NULL at a login */
    const struct client *client;
};

static struct db_arg token_hash(struct ctx *ctx, const char *token)
{
    unsigned char *digest = arena_alloc(ctx->arena, CRYPTO_SHA256_SIZE);
    crypto_sha256(token, strlen(token), digest);
    return DB_BYTES(digest, CRYPTO_SHA256_SIZE);
}

/* Signs a pair and records its refresh token as the family's live one. */
static const struct err *issue_pair(struct ctx *ctx, const struct session *session, struct tokens *tokens_r)
{
    struct token_claims refresh = {.subject = session->user_id, .family = session->family};
    const char *refresh_token = token_issue(ctx, TOKEN_REFRESH, &refresh);
    /* Both of one second, from which a repeated answer is made again. */
    const struct token_claims access = {.subject = session->user_id,
                                        .jti = uuid_v4(arena_alloc(ctx->arena, UUID_SIZE)),
                                        .role = session->role,
                                        .issued_s = refresh.issued_s,
                                        .expires_s = refresh.issued_s + cfg_token.access_s};
    struct tokens pair = {.access_token = token_issue_again(ctx, TOKEN_ACCESS, &access, 0),
                          .refresh_token = refresh_token,
                          .expires_in = access.expires_s - access.issued_s,
                          .token_type = "Bearer"};
    const struct err *e =
        DB_RUN(ctx, &sql_user_token_insert, NULL, DB_TEXT(refresh.jti), DB_TEXT(session->user_id),
               DB_TEXT(session->family), DB_TEXT(session->replaces), token_hash(ctx, pair.refresh_token),
               DB_TEXT(access.jti), DB_TIME(access.expires_s * CLOCK_SECOND), DB_TIME(refresh.issued_s * CLOCK_SECOND),
               DB_TIME(refresh.expires_s * CLOCK_SECOND), DB_TEXT(lockout_address(session->client->ip)),
               DB_TEXT(session->client->user_agent));
    if (!e) {
        *tokens_r = pair;
    }
    return e;
}

/* ---- login ---- */

struct login_account {
    const char *id; /* NULL: no account has this e-mail */
    const char *password_hash;
    bool dormant;
    int64_t locked_s; /* by the operator */
    struct login_try login;
};

/* An address that is none is no account's either. */
static const struct err *find_account(struct ctx *ctx, const char *email, const struct client *client,
                                      struct login_account *account_r)
{
    const char *normal = user_email_normalise(ctx->arena, email);
    const struct db_arg blind = user_pii_blind(ctx, "email", normal ? normal : "");
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_login_find, &rows, blind, DB_TEXT(lockout_address(client->ip)));
    if (e) {
        return e;
    }
    bool there = db_count(rows) == 1;
    const char *hash = there ? db_str(rows, 0, "password_hash") : NULL;
    bool known = there && db_bool(rows, 0, "known");
    *account_r = (struct login_account){.login = lockout_try(ctx, blind.text, blind.len, hash, client->ip, known)};
    if (there) {
        account_r->id = db_str(rows, 0, "id");
        account_r->password_hash = hash;
        account_r->dormant = strcmp(db_str(rows, 0, "status"), "DORMANT") == 0;
        account_r->locked_s = db_int(rows, 0, "locked_s");
    }
    return NULL;
}

/* An outcome as the login history has it and as the client gets it. */
struct verdict {
    const char *result; /* NULL: nothing that is kept */
    const struct err *e;
};

static const struct err *check_locked(struct ctx *ctx, const struct login_account *account)
{
    if (account->locked_s > 0) {
        ctx->retry_after_s = (int)account->locked_s;
        return &err_account_locked;
    }
    return lockout_check(ctx, &account->login);
}

/* A lock is told before the password is looked at, and alike for addresses that no account has: otherwise it would tell
 * a right one. Else bcrypt runs whatever is known of the account, so that all refusals take the same time. */
static struct verdict login_verdict(struct ctx *ctx, const struct login_account *account, const char *password)
{
    const struct err *locked = check_locked(ctx, account);
    if (locked) {
        return (struct verdict){account->id ? "LOCKED" : NULL, locked};
    }
    bool right = password_verify(password, account->password_hash, (int)cfg_user.bcrypt_cost);
    if (!right) {
        lockout_count(ctx, &account->login);
        return (struct verdict){account->id ? "BAD_PASSWORD" : "UNKNOWN_EMAIL", &err_bad_credentials};
    }
    lockout_forget(ctx, &account->login);
    if (account->dormant) {
        return (struct verdict){"DORMANT", &err_account_dormant};
    }
    return (struct verdict){"SUCCESS", NULL};
}

struct login_work {
    const struct login_account *account;
    const struct client *client;
    struct verdict verdict;
    char family[UUID_SIZE];
    struct tokens tokens;
};

static const struct err *record_login(struct ctx *ctx, const struct login_work *work)
{
    return DB_RUN(ctx, &sql_user_login_record, NULL, DB_TEXT(work->account->id), DB_TEXT("PASSWORD"),
                  DB_TEXT(work->verdict.result), DB_TEXT(lockout_address(work->client->ip)),
                  DB_TEXT(work->client->user_agent));
}

static const struct err *finish_login(struct ctx *ctx, void *arg)
{
    struct login_work *work = arg;
    const struct err *e = work->verdict.result ? record_login(ctx, work) : NULL;
    if (e || work->verdict.e) {
        return e;
    }
    const struct db_rows *rows;
    e = DB_RUN(ctx, &sql_user_login_stamp, &rows, DB_TEXT(work->account->id), DB_TEXT(work->account->password_hash));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_conflict; /* what was found has changed while bcrypt was at work */
    }
    const struct session session = {work->account->id, db_str(rows, 0, "role"), work->family, NULL, work->client};
    return issue_pair(ctx, &session, &work->tokens);
}

const struct err *session_login(struct ctx *ctx, const struct login *input, const struct client *client,
                                struct tokens *tokens_r)
{
    struct login_account account;
    const struct err *e = recaptcha_verify(ctx, input->recaptcha_token, client->ip);
    e = e ? e : find_account(ctx, input->email, client, &account);
    if (e) {
        return e;
    }
    struct login_work work = {
        .account = &account, .client = client, .verdict = login_verdict(ctx, &account, input->password)};
    uuid_v7(work.family);
    e = db_transact(ctx, finish_login, &work);
    e = e ? e : work.verdict.e;
    if (!e) {
        *tokens_r = work.tokens;
    }
    return e;
}

/* ---- ending a family ---- */

/* Inside a transaction. The lock orders this against a refresh of the same family, whose new token would otherwise
 * escape the revocation. */
static const struct err *lock_family(struct ctx *ctx, const char *family)
{
    return DB_RUN(ctx, &sql_user_family_lock, NULL, DB_TEXT(family));
}

static const struct err *revoke_family(struct ctx *ctx, void *arg)
{
    const char *const *family = arg;
    const struct err *e = lock_family(ctx, *family);
    return e ? e : DB_RUN(ctx, &sql_user_family_revoke, NULL, DB_TEXT(*family));
}

/* Access tokens that are still alive. */
static const struct err *blacklist(struct ctx *ctx, const struct db_rows *rows)
{
    const struct err *e = NULL;
    for (size_t i = 0; !e && i < db_count(rows); i++) {
        e = token_revoke(ctx, db_str(rows, i, "access_jti"), db_time(rows, i, "access_expires_at") / CLOCK_SECOND);
    }
    return e;
}

/* `last`: the access token that asks, which may have to ask again; NULL: none. */
static const struct err *blacklist_family(struct ctx *ctx, const char *family, const char *last)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_family_access, &rows, DB_TEXT(family), DB_TEXT(last));
    return e ? e : blacklist(ctx, rows);
}

/* ---- refresh ---- */

struct refresh_work {
    const char *token;
    const char *family;
    const struct client *client;
    bool limited;              /* a live token is not exchanged */
    bool found;                /* the token was live */
    const struct err *refusal; /* committed together with its consequences, then answered */
    struct tokens tokens;
};

/* The role of an account that may go on; otherwise the session ends and work->refusal says why. */
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
        return NULL;
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
    return issue_pair(ctx, &session, &work->tokens);
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
    while (token && !crypto_equal(hash.text, token_hash(ctx, token).text, CRYPTO_SHA256_SIZE)) {
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
    const struct err *e = DB_RUN(ctx, &sql_user_token_find, &rows, token_hash(ctx, work->token));
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

static const struct err *answer_used(struct ctx *ctx, struct refresh_work *work)
{
    const struct db_rows *next;
    const struct err *e =
        DB_RUN(ctx, &sql_user_token_next, &next, token_hash(ctx, work->token), DB_INT(cfg_user.refresh_grace_s));
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
    const struct err *e = lock_family(ctx, work->family);
    if (!e && !work->limited) {
        e = exchange(ctx, work, token_hash(ctx, work->token));
    }
    e = e || work->found ? e : answer_used(ctx, work);
    /* Also then a token that two parties have is noticed. */
    if (!e && work->limited && work->refusal == &err_token_expired) {
        work->refusal = &err_too_many_requests;
    }
    return e;
}

const struct err *session_refresh(struct ctx *ctx, const char *refresh_token, const struct client *client,
                                  struct tokens *tokens_r)
{
    struct token_claims claims;
    const struct err *e = token_verify(ctx, TOKEN_REFRESH, refresh_token, &claims);
    if (e) {
        return e;
    }
    /* Each leaves a row and an access token, all of which the end of the session has to reach. */
    bool limited = limit_take(ctx, &(struct limit){"refresh", REFRESHES_A_QUARTER, QUARTER_S}, claims.family) != NULL;
    struct refresh_work work = {.token = refresh_token, .family = claims.family, .client = client, .limited = limited};
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
    e = ended ? blacklist_family(ctx, work.family, NULL) : NULL;
    return e ? e : work.refusal;
}

/* ---- ending ---- */

static const struct err *end_family(struct ctx *ctx, const char *family, const char *last)
{
    const struct err *e = db_transact(ctx, revoke_family, &family);
    return e ? e : blacklist_family(ctx, family, last);
}

const struct err *session_logout(struct ctx *ctx, const struct session_owner *owner)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_family_of_access, &rows, DB_TEXT(owner->jti), DB_TEXT(owner->user_id));
    if (!e && db_count(rows) > 0) {
        e = end_family(ctx, db_str(rows, 0, "family"), owner->jti);
    }
    /* Last: a token that is blacklisted cannot repeat a logout that failed half way. */
    return e ? e : token_revoke(ctx, owner->jti, owner->expires_s);
}

const struct err *session_end(struct ctx *ctx, const char *user_id, const char *id)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_family_owned, &rows, DB_TEXT(id), DB_TEXT(user_id));
    if (e) {
        return e;
    }
    return db_bool(rows, 0, "owned") ? end_family(ctx, id, NULL) : &err_not_found;
}

/* The one that asks is the last to end: it may have to ask again. */
const struct err *session_end_all(struct ctx *ctx, const struct session_owner *owner)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_families, &rows, DB_TEXT(owner->user_id), DB_TEXT(owner->jti));
    for (size_t i = 0; !e && i < db_count(rows); i++) {
        e = end_family(ctx, db_str(rows, i, "family"), owner->jti);
    }
    return e ? e : token_revoke(ctx, owner->jti, owner->expires_s);
}

const struct err *session_revoke_others(struct ctx *ctx, const struct session_owner *owner)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_families, &rows, DB_TEXT(owner->user_id), DB_TEXT(owner->jti));
    for (size_t i = 0; !e && i < db_count(rows); i++) {
        const char *family = db_str(rows, i, "family");
        e = db_bool(rows, i, "own") ? NULL : revoke_family(ctx, &family);
    }
    return e;
}

const struct err *session_blacklist_others(struct ctx *ctx, const struct session_owner *owner)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_other_access, &rows, DB_TEXT(owner->user_id), DB_TEXT(owner->jti));
    return e ? e : blacklist(ctx, rows);
}

/* ---- looking ---- */

const struct err *session_list(struct ctx *ctx, const struct session_owner *owner, const struct page *page,
                               struct json_list *list_r, int64_t *total_r)
{
    const struct db_rows *counted, *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_sessions_count, &counted, DB_TEXT(owner->user_id));
    e = e ? e
          : DB_RUN(ctx, &sql_user_sessions, &rows, DB_TEXT(owner->user_id), DB_TEXT(owner->jti), DB_INT(page->size),
                   DB_INT(page->page * page->size));
    if (e) {
        return e;
    }
    struct session_view *views = arena_calloc(ctx->arena, db_count(rows), sizeof *views);
    for (size_t i = 0; i < db_count(rows); i++) {
        views[i] = (struct session_view){.id = db_str(rows, i, "family"),
                                         .created_at = db_time(rows, i, "started_at"),
                                         .last_used_at = db_time(rows, i, "issued_at"),
                                         .expires_at = db_time(rows, i, "expires_at"),
                                         .expires_in = clock_seconds_left(db_time(rows, i, "expires_at")),
                                         .ip = db_str(rows, i, "ip"),
                                         .user_agent = db_str(rows, i, "user_agent"),
                                         .current = db_bool(rows, i, "current")};
    }
    *list_r = (struct json_list){views, db_count(rows)};
    *total_r = db_int(counted, 0, "total");
    return NULL;
}
