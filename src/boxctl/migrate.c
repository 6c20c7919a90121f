#include "src/boxctl/migrate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/context/retry.h"
#include "common/crypto/crypto.h"
#include "sql/migrate.h"
#include "src/boxctl/db_url.h"
#include "src/boxctl/file.h"
#include "src/boxctl/registry.h"
#include "src/boxctl/scram.h"
#include "src/boxctl/settings.h"

/* Any number no other advisory lock of this database has: "migrate" in ASCII. */
#define MIGRATE_LOCK INT64_C(0x6d696772617465)
#define LOCK_WAIT_US (600 * CLOCK_SECOND)

/* ---- the record ---- */

static const struct err *make_record(struct ctx *ctx, const char **why_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(ctx, &sql_migrate_has_record, &rows);
    if (e || db_bool(rows, 0, "present")) {
        return e;
    }
    return db_script(ctx, sql_migrate_create_record.sql, why_r);
}

const struct err *migrate_read_record(struct ctx *ctx, struct migration_list *applied_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(ctx, &sql_migrate_has_record, &rows);
    if (e) {
        return e;
    }
    if (!db_bool(rows, 0, "present")) {
        *applied_r = (struct migration_list){0};
        return NULL;
    }
    e = DB_RUN0(ctx, &sql_migrate_record, &rows);
    if (e) {
        return e;
    }
    struct migration_list applied = {arena_calloc(ctx->arena, db_count(rows) + 1, sizeof(struct migration)),
                                     db_count(rows)};
    for (size_t i = 0; i < applied.count; i++) {
        applied.items[i] = (struct migration){
            .version = (int)db_int(rows, i, "version"),
            .name = db_str(rows, i, "name"),
            .sha256 = db_str(rows, i, "sha256"),
            .applied_at = db_time(rows, i, "applied_at"),
        };
    }
    *applied_r = applied;
    return NULL;
}

/* ---- applying ---- */

struct application {
    const struct migration *file;
    const char *why; /* what the server says against it */
};

static const struct err *apply_in_transaction(struct ctx *ctx, void *arg)
{
    struct application *application = arg;
    const struct migration *file = application->file;
    const struct err *e = db_script(ctx, file->sql, &application->why);
    if (e) {
        return e;
    }
    return DB_RUN(ctx, &sql_migrate_add, NULL, DB_INT(file->version), DB_TEXT(file->name), DB_TEXT(file->sha256));
}

static const struct err *apply_file(struct ctx *ctx, const struct migration *file, const char **why_r)
{
    int64_t started = clock_monotonic();
    struct application application = {.file = file};
    const struct err *e = db_transact(ctx, apply_in_transaction, &application);
    if (e) {
        *why_r =
            arena_printf(ctx->arena, "%s was not applied: %s", file->name, application.why ? application.why : e->en);
        return e;
    }
    printf("applied %s (%lld ms)\n", file->name, (long long)(clock_monotonic() - started) / 1000);
    return NULL;
}

/* Under the lock. */
static const struct err *apply_pending(struct ctx *ctx, const char *dir, const char **why_r)
{
    struct migration_list files, applied;
    size_t pending;
    if (!migration_list_read(ctx->arena, dir, &files, why_r)) {
        return &err_invalid_request;
    }
    const struct err *e = make_record(ctx, why_r);
    e = e ? e : migrate_read_record(ctx, &applied);
    if (e) {
        return e;
    }
    if (!migration_list_compare(ctx->arena, &files, &applied, &pending, why_r)) {
        return &err_conflict;
    }
    for (size_t i = pending; i < files.count && !e; i++) {
        e = apply_file(ctx, &files.items[i], why_r);
    }
    if (!e) {
        printf("%s: %zu migrations, %zu of them new\n", dir, files.count, files.count - pending);
    }
    return e;
}

static const struct err *wait_for_lock(struct ctx *ctx, const char **why_r)
{
    int64_t deadline = clock_monotonic() + LOCK_WAIT_US;
    struct retry retry = {.policy = {.base_ms = 50, .cap_ms = 1000, .jitter = true}};
    for (;;) {
        bool held;
        const struct err *e = db_try_lock(ctx, MIGRATE_LOCK, &held);
        if (e || held) {
            return e;
        }
        if (retry.tries == 0) {
            printf("waiting for another boxctl migrate\n");
        }
        if (clock_monotonic() > deadline) {
            *why_r = "another boxctl migrate holds its lock for ten minutes: look for it";
            return &err_unavailable;
        }
        int64_t wait_ms = retry_next(&retry);
        clock_sleep(wait_ms);
    }
}

const struct err *migrate_apply(struct ctx *ctx, const char *dir, const char **why_r)
{
    const struct err *e = wait_for_lock(ctx, why_r);
    return e ? e : apply_pending(ctx, dir, why_r);
}

/* ---- around it ---- */

const struct err *migrate_set_password(struct ctx *ctx, const char *role, const char *password, const char **why_r)
{
    unsigned char salt[SCRAM_SALT_SIZE];
    crypto_random(salt, sizeof salt);
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_migrate_format_password, &rows, DB_TEXT(role),
                                 DB_TEXT(scram_verifier(ctx->arena, password, salt)));
    return e ? e : db_script(ctx, db_str(rows, 0, "command"), why_r);
}

static const struct err *set_passwords(struct ctx *ctx, const char **why_r)
{
    for (const char *const *role = registry_roles; *role != NULL; role++) {
        const char *password;
        if (!file_secret(ctx->arena, cfg_boxctl.secrets_dir, arena_printf(ctx->arena, "db-%s", *role), &password,
                         why_r)) {
            return &err_invalid_request;
        }
        if (password == NULL) {
            continue;
        }
        const struct err *e = migrate_set_password(ctx, *role, password, why_r);
        if (e) {
            return e;
        }
    }
    return NULL;
}

/* Makes the database of BOX_DB_URL when the server has none of that name. An owner that may not look at the server's
 * "postgres" database finds its own made already. */
static const struct err *make_database(struct boxctl *box, const char **why_r)
{
    struct ctx *ctx = box->ctx;
    const struct db_rows *rows;
    const char *ignored;
    if (boxctl_connect_database(box, "postgres", &ignored) != NULL) {
        return NULL;
    }
    const char *name = db_url_database(ctx->arena, box->owner.url);
    const struct err *e = wait_for_lock(ctx, why_r);
    e = e ? e : DB_RUN(ctx, &sql_migrate_database_exists, &rows, DB_TEXT(name));
    if (e || db_count(rows) > 0) {
        return e;
    }
    e = DB_RUN(ctx, &sql_migrate_format_database, &rows, DB_TEXT(name));
    e = e ? e : db_script(ctx, db_str(rows, 0, "command"), why_r);
    if (!e) {
        printf("created database %s\n", name);
    }
    return e;
}

static const struct err *migrate(struct boxctl *box, const char *dir, const char **why_r)
{
    const struct err *e = make_database(box, why_r);
    e = e ? e : boxctl_connect(box, NULL, why_r);
    e = e ? e : migrate_apply(box->ctx, dir, why_r);
    e = e ? e : set_passwords(box->ctx, why_r);
    db_free(&box->ctx->db); /* and with it the lock */
    return e;
}

static const struct err *show_status(struct boxctl *box, const char *dir, const char **why_r)
{
    struct ctx *ctx = box->ctx;
    struct migration_list files, applied;
    size_t pending;
    const struct err *e = boxctl_connect(box, NULL, why_r);
    e = e ? e : migrate_read_record(ctx, &applied);
    if (e) {
        return e;
    }
    if (!migration_list_read(ctx->arena, dir, &files, why_r) ||
        !migration_list_compare(ctx->arena, &files, &applied, &pending, why_r)) {
        return &err_conflict;
    }
    for (size_t i = 0; i < files.count; i++) {
        char at[CLOCK_TEXT_SIZE];
        printf("%-32s %s\n", files.items[i].name, i < pending ? clock_format(applied.items[i].applied_at, at) : "new");
    }
    return NULL;
}

static enum boxctl_status run_migrate(struct boxctl *box, int count, char **args)
{
    const char *dir = cfg_boxctl.sql_dir;
    bool status = false;
    for (int i = 0; i < count; i++) {
        if (strcmp(args[i], "--status") == 0) {
            status = true;
        } else if (strcmp(args[i], "--dir") == 0 && i + 1 < count) {
            dir = args[++i];
        } else {
            return BOXCTL_USAGE;
        }
    }
    const char *why = NULL;
    const struct err *e = status ? show_status(box, dir, &why) : migrate(box, dir, &why);
    if (e) {
        return boxctl_fail("%s", why ? why : e->en);
    }
    return BOXCTL_OK;
}

const struct command migrate_command = {
    .name = "migrate",
    .args = "[--dir DIR] [--status]",
    .help = "Apply the new migrations of a folder and set the roles' passwords; --status only lists them.",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section),
    .run = run_migrate,
};
