#include "src/user/user_reseal.h"

#include <string.h>

#include "common/base/array.h"
#include "common/io/db.h"
#include "sql/user_reseal.h"
#include "src/user/user_pii.h"

#define COUNT_MS 600000 /* all accounts are read */

static const char *const columns[] = {"email", "name", "phone", "ci", "di"};
#define COLUMNS ARRAY_COUNT(columns)

bool user_reseal_init(const char *pii_keys, const char **why_r)
{
    return user_pii_init(NULL, pii_keys, why_r);
}

static struct db_arg key_arg(struct ctx *ctx, uint8_t id)
{
    uint8_t *byte = arena_alloc(ctx->arena, 1);
    *byte = id;
    return DB_BYTES(byte, 1);
}

/* ---- one account ---- */

/* The account's id, its values as they are to be, then as they were. */
struct sealed_account {
    struct db_arg args[1 + 2 * COLUMNS];
    bool closed;
};

static void seal_column(struct ctx *ctx, const struct db_rows *rows, size_t row, size_t column,
                        struct sealed_account *account)
{
    size_t len;
    const unsigned char *sealed = db_bytes(ctx, rows, row, columns[column], &len);
    struct db_arg *after = &account->args[1 + column], *before = &account->args[1 + COLUMNS + column];
    *before = sealed ? DB_BYTES(sealed, len) : DB_NULL;
    *after = *before;
    const char *place = arena_printf(ctx->arena, "users.%s", columns[column]);
    if (sealed && !user_pii_reseal(ctx, place, db_str(rows, row, "id"), before, after)) {
        account->closed = true;
    }
}

static const struct err *seal_account(struct ctx *ctx, const struct db_rows *rows, size_t row, struct user_reseal *step)
{
    struct sealed_account account = {.args = {DB_TEXT(db_str(rows, row, "id"))}};
    for (size_t column = 0; column < COLUMNS; column++) {
        seal_column(ctx, rows, row, column, &account);
    }
    if (account.closed) {
        step->closed++;
        return NULL;
    }
    const struct db_rows *set;
    const struct err *e = db_run(ctx, &sql_user_reseal_set, account.args, ARRAY_COUNT(account.args), &set);
    if (!e) {
        step->done += db_count(set) == 1;
        step->changed += db_count(set) == 0;
    }
    return e;
}

/* ---- some accounts ---- */

struct walk {
    const char *after;
    int64_t most;
    struct user_reseal step;
};

static const struct err *seal_some(struct ctx *ctx, void *arg)
{
    struct walk *walk = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_reseal_next, &rows, DB_TEXT(walk->after),
                                 key_arg(ctx, user_pii_sealing_key()), DB_INT(walk->most));
    if (e) {
        return e;
    }
    struct user_reseal step = {.seen = (int64_t)db_count(rows)};
    for (size_t i = 0; !e && i < db_count(rows); i++) {
        memcpy(step.last, db_str(rows, i, "id"), sizeof step.last);
        e = seal_account(ctx, rows, i, &step);
    }
    walk->step = step;
    return e;
}

const struct err *user_reseal_step(struct ctx *ctx, const char *after, int64_t most, struct user_reseal *step_r)
{
    struct walk walk = {.after = after, .most = most};
    const struct err *e = db_transact(ctx, seal_some, &walk);
    if (!e) {
        *step_r = walk.step;
    }
    return e;
}

/* ---- looking ---- */

static const struct err *count_left(struct ctx *ctx, void *arg)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_reseal_left, &rows, key_arg(ctx, user_pii_sealing_key()));
    if (!e) {
        *(int64_t *)arg = db_int(rows, 0, "remaining");
    }
    return e;
}

const struct err *user_reseal_left(struct ctx *ctx, int64_t *left_r)
{
    int64_t left;
    const struct err *e = db_transact_long(ctx, COUNT_MS, count_left, &left);
    if (!e) {
        *left_r = left;
    }
    return e;
}

struct question {
    uint8_t id;
    bool used;
};

static const struct err *ask_use(struct ctx *ctx, void *arg)
{
    struct question *question = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_reseal_uses, &rows, key_arg(ctx, question->id));
    if (!e) {
        question->used = db_bool(rows, 0, "used");
    }
    return e;
}

const struct err *user_reseal_uses(struct ctx *ctx, uint8_t id, bool *used_r)
{
    struct question question = {.id = id};
    const struct err *e = db_transact_long(ctx, COUNT_MS, ask_use, &question);
    if (!e) {
        *used_r = question.used;
    }
    return e;
}
