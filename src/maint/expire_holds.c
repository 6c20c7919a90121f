#include "src/maint/job.h"
#include "src/reservation/expiry.h"
#include "src/reservation/reservation_settings.h"

static const struct err *run_expire_holds(struct ctx *ctx, int64_t *done_r)
{
    for (;;) {
        int64_t released;
        ctx_begin(ctx, NULL, NULL);
        const struct err *e = reservation_expire_holds(ctx, &released);
        if (e || released == 0) {
            return e;
        }
        *done_r += released;
    }
}

const struct job expire_holds_job = {
    .name = "expire-holds",
    .help = "Release the seats of holds that were not paid in time.",
    .schedule = "* * * * *",
    .role = "reservation_service",
    .settings = SECTIONS(&reservation_settings_section),
    .needs = NEED_DB | NEED_REDIS,
    .run = run_expire_holds,
};
