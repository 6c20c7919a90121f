#include "src/boxctl/boxctl.h"
#include "src/boxctl/db_url.h"
#include "src/boxctl/file.h"
#include "src/boxctl/settings.h"

static const struct err *open_url(struct boxctl *box, const char *url, const char *password, const char **why_r)
{
    /* db_new() takes its copy of cfg_db. */
    struct ctx *ctx = box->ctx;
    db_free(&ctx->db);
    cfg_db.url = url;
    cfg_db.password = password;
    ctx->db = db_new();
    const struct err *e = db_ping(ctx);
    if (e) {
        db_free(&ctx->db);
        *why_r = arena_printf(ctx->arena, "cannot connect to database '%s': see the line above; is PostgreSQL running?",
                              db_url_database(ctx->arena, url));
    }
    return e;
}

static const struct err *check_url(struct boxctl *box, const char **why_r)
{
    if (db_url_valid(box->owner.url)) {
        return NULL;
    }
    *why_r = "BOX_DB_URL must be like postgresql://role@host:5432/database, without user or password after the '?'";
    return &err_invalid_request;
}

const struct err *boxctl_connect(struct boxctl *box, const char *role, const char **why_r)
{
    const struct err *e = check_url(box, why_r);
    if (e) {
        return e;
    }
    if (role == NULL) {
        return open_url(box, box->owner.url, box->owner.password, why_r);
    }
    struct arena *arena = box->ctx->arena;
    const char *password;
    if (!file_secret(arena, cfg_boxctl.secrets_dir, arena_printf(arena, "db-%s", role), &password, why_r)) {
        return &err_invalid_request;
    }
    return open_url(box, db_url_as(arena, box->owner.url, role), password, why_r);
}

const struct err *boxctl_connect_database(struct boxctl *box, const char *database, const char **why_r)
{
    const struct err *e = check_url(box, why_r);
    if (e) {
        return e;
    }
    return open_url(box, db_url_at(box->ctx->arena, box->owner.url, database), box->owner.password, why_r);
}
