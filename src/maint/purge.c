#include "common/io/retention.h"
#include "src/maint/job.h"

#define ROWS_A_TIME 1000 /* of each table: a transaction of a few milliseconds */

static const struct err *run_purge(struct ctx *ctx, int64_t *done_r)
{
    for (;;) {
        int64_t deleted;
        ctx_begin(ctx, NULL, NULL);
        const struct err *e = retention_purge(ctx, ROWS_A_TIME, &deleted);
        if (e || deleted == 0) {
            return e;
        }
        *done_r += deleted;
    }
}

const struct job purge_job = {
    .name = "purge",
    .help = "Delete what is past its time: published and processed events, webhooks, idempotency keys.",
    .schedule = "17 * * * *",
    .needs = NEED_DB,
    .run = run_purge,
};
