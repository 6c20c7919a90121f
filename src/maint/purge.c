#include "src/maint/job.h"
#include "src/maint/retention.h"

#define ROWS_A_TIME 1000 /* of each table: a transaction of a few milliseconds */

static const struct err *delete_all(struct ctx *ctx, int64_t *done_r)
{
    int64_t deleted;
    do {
        ctx_begin(ctx, NULL, NULL);
        const struct err *e = retention_purge(ctx, ROWS_A_TIME, &deleted);
        if (e) {
            return e;
        }
        *done_r += deleted;
    } while (deleted > 0);
    return NULL;
}

static const struct err *run_purge(struct ctx *ctx, int64_t *done_r)
{
    int64_t changed = 0;
    const struct err *e = delete_all(ctx, done_r);
    e = e ? e : retention_roll(ctx, &changed);
    *done_r += changed;
    return e;
}

const struct job purge_job = {
    .name = "purge",
    .help =
        "Delete what is past its time: published and processed events, webhooks, idempotency keys, sessions, logins.",
    .schedule = "17 * * * *",
    .role = "maintenance",
    .needs = NEED_DB,
    .run = run_purge,
};
