#include "src/user/logins.h"

#include "common/base/array.h"
#include "common/io/db.h"
#include "sql/user.h"

static const struct field login_view_fields[] = {
    {FIELD(struct login_view, "createdAt", FIELD_TIME, created_at), .flags = FIELD_REQUIRED},
    {FIELD(struct login_view, "method", FIELD_STR, method), .flags = FIELD_REQUIRED},
    {FIELD(struct login_view, "result", FIELD_STR, result), .flags = FIELD_REQUIRED},
    {FIELD(struct login_view, "ip", FIELD_STR, ip)},
    {FIELD(struct login_view, "userAgent", FIELD_STR, user_agent), .flags = FIELD_REQUIRED},
};
const struct shape login_view_shape = {login_view_fields, ARRAY_COUNT(login_view_fields), sizeof(struct login_view),
                                       false};

const struct err *logins_list(struct ctx *ctx, const char *user_id, const struct page *page, struct json_list *list_r,
                              int64_t *total_r)
{
    const struct db_rows *counted, *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_logins_count, &counted, DB_TEXT(user_id));
    e = e ? e
          : DB_RUN(ctx, &sql_user_logins, &rows, DB_TEXT(user_id), DB_INT(page->size), DB_INT(page->page * page->size));
    if (e) {
        return e;
    }
    struct login_view *views = arena_calloc(ctx->arena, db_count(rows), sizeof *views);
    for (size_t i = 0; i < db_count(rows); i++) {
        views[i] = (struct login_view){.created_at = db_time(rows, i, "created_at"),
                                       .method = db_str(rows, i, "method"),
                                       .result = db_str(rows, i, "result"),
                                       .ip = db_str(rows, i, "ip"),
                                       .user_agent = db_str(rows, i, "user_agent")};
    }
    *list_r = (struct json_list){views, db_count(rows)};
    *total_r = db_int(counted, 0, "total");
    return NULL;
}
