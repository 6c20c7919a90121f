#include "src/user/session.h"
#include "src/user/client.h"

#include <string.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "sql/user.h"
#include "src/user/user_errors.h"
#include "src/user/user_settings.h"

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

/* For one more. */
static const struct err *make_room(struct ctx *ctx, const char *user_id)
{
    const struct err *e = session_lock(ctx, user_id);
    return e ? e : DB_RUN(ctx, &sql_user_surplus_revoke, NULL, DB_TEXT(user_id), DB_INT(SESSIONS_MOST - 1));
}

const struct err *session_issue(struct ctx *ctx, const struct session *session, struct tokens *tokens_r)
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
    const struct err *e = session->replaces ? NULL : make_room(ctx, session->user_id);
    e = e ? e
          : DB_RUN(ctx, &sql_user_token_insert, NULL, DB_TEXT(refresh.jti), DB_TEXT(session->user_id),
                   DB_TEXT(session->family), DB_TEXT(session->replaces), db_arg_sha256(ctx, pair.refresh_token),
                   DB_TEXT(access.jti), DB_TIME(access.expires_s * CLOCK_SECOND),
                   DB_TIME(refresh.issued_s * CLOCK_SECOND), DB_TIME(refresh.expires_s * CLOCK_SECOND),
                   DB_TEXT(client_address(ctx->arena, session->client->ip)), DB_TEXT(session->client->user_agent));
    if (!e) {
        *tokens_r = pair;
    }
    return e;
}

/* ---- ending ---- */

const struct err *session_lock(struct ctx *ctx, const char *user_id)
{
    return DB_RUN(ctx, &sql_user_sessions_lock, NULL, DB_TEXT(user_id));
}

const struct err *session_blacklist_rows(struct ctx *ctx, const struct db_rows *rows)
{
    const struct err *e = NULL;
    for (size_t i = 0; !e && i < db_count(rows); i++) {
        if (!db_null(rows, i, "access_jti")) {
            e = token_revoke(ctx, db_str(rows, i, "access_jti"), db_time(rows, i, "access_expires_at") / CLOCK_SECOND);
        }
    }
    return e;
}

const struct err *session_blacklist(struct ctx *ctx, const char *family, const char *last)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_family_access, &rows, DB_TEXT(family), DB_TEXT(last));
    return err_after_commit(e ? e : session_blacklist_rows(ctx, rows));
}

struct family {
    const char *user_id;
    const char *id;
};

static const struct err *revoke_family(struct ctx *ctx, void *arg)
{
    const struct family *family = arg;
    const struct err *e = session_lock(ctx, family->user_id);
    return e ? e : DB_RUN(ctx, &sql_user_family_revoke, NULL, DB_TEXT(family->id));
}

static const struct err *end_family(struct ctx *ctx, struct family family, const char *last)
{
    const struct err *e = db_transact(ctx, revoke_family, &family);
    return e ? e : session_blacklist(ctx, family.id, last);
}

const struct err *session_logout(struct ctx *ctx, const struct session_owner *owner)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_family_of_access, &rows, DB_TEXT(owner->jti), DB_TEXT(owner->user_id));
    if (!e && db_count(rows) > 0) {
        e = end_family(ctx, (struct family){owner->user_id, db_str(rows, 0, "family")}, owner->jti);
    }
    /* Last: a token that is blacklisted cannot repeat a logout that failed half way. */
    return e ? e : err_after_commit(token_revoke(ctx, owner->jti, owner->expires_s));
}

const struct err *session_end(struct ctx *ctx, const char *user_id, const char *id)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_family_owned, &rows, DB_TEXT(id), DB_TEXT(user_id));
    if (e) {
        return e;
    }
    return db_bool(rows, 0, "owned") ? end_family(ctx, (struct family){user_id, id}, NULL) : &err_not_found;
}

/* ---- ending the others ---- */

const struct err *session_revoke_others(struct ctx *ctx, const struct session_owner *owner)
{
    const struct err *e = session_lock(ctx, owner->user_id);
    return e ? e : DB_RUN(ctx, &sql_user_others_revoke, NULL, DB_TEXT(owner->user_id), DB_TEXT(owner->jti));
}

const struct err *session_blacklist_others(struct ctx *ctx, const struct session_owner *owner)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_other_access, &rows, DB_TEXT(owner->user_id), DB_TEXT(owner->jti));
    return err_after_commit(e ? e : session_blacklist_rows(ctx, rows));
}

static const struct err *revoke_others(struct ctx *ctx, void *arg)
{
    return session_revoke_others(ctx, arg);
}

/* The one that asks is the last to end: it may have to ask again. */
const struct err *session_end_all(struct ctx *ctx, const struct session_owner *owner)
{
    struct session_owner own = *owner;
    const struct err *e = db_transact(ctx, revoke_others, &own);
    e = e ? e : session_blacklist_others(ctx, owner);
    return e ? e : err_after_commit(session_logout(ctx, owner));
}

/* ---- looking ---- */

static const struct err *stale(const struct db_rows *rows)
{
    if (!db_str(rows, 0, "age_s")) {
        return &err_token_revoked;
    }
    return db_int(rows, 0, "age_s") <= cfg_user.fresh_login_s ? NULL : &err_login_too_old;
}

const struct err *session_find(struct ctx *ctx, const struct session_owner *owner, struct session_standing *standing_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_session_standing, &rows, DB_TEXT(owner->user_id), DB_TEXT(owner->jti));
    if (e || db_count(rows) == 0) {
        return e ? e : &err_token_revoked;
    }
    *standing_r = (struct session_standing){db_str(rows, 0, "status"), stale(rows)};
    return NULL;
}

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
