#include "common/base/array.h"
#include "src/maint/job.h"
#include "src/user/ending.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"

/* In this order: who is told today sleeps in a month at the earliest. How many in a transaction of some milliseconds.
 */
static const struct {
    const char *what;
    ending_step *step;
    int64_t most;
} steps[] = {
    {"destroyed", ending_destroy, 100},
    {"put off", ending_put_off, 1000},
    {"put to sleep", ending_put_to_sleep, 500},
    {"found untold", ending_tell_anew, 500},
    {"told", ending_notify, 50},
};

static const struct err *run_step(struct ctx *ctx, size_t i, int64_t *done_r)
{
    int64_t all = 0, done = 0;
    const struct err *e;
    do {
        ctx_begin(ctx, NULL, NULL);
        done = 0;
        e = steps[i].step(ctx, steps[i].most, &done);
        all += done;
    } while (!e && done > 0);
    log_info(&ctx->log, "accounts %s: %lld", steps[i].what, (long long)all);
    *done_r += all;
    return e;
}

static const struct err *run_accounts(struct ctx *ctx, int64_t *done_r)
{
    const char *why;
    if (!user_pii_init(NULL, cfg_user.pii_keys, &why)) {
        log_error(&ctx->log, "%s", why);
        return &err_internal;
    }
    /* One that fails keeps no other from being done. */
    const struct err *first = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        const struct err *e = run_step(ctx, i, done_r);
        first = first ? first : e;
    }
    return first;
}

const struct job accounts_job = {
    .name = "accounts",
    .help = "Put accounts to sleep that nobody uses, tell their owners before, and destroy those that were withdrawn.",
    .schedule = "43 4 * * *",
    .role = "maintenance",
    .settings = SECTIONS(&cfg_ending_section, &cfg_pii_section),
    .needs = NEED_DB | NEED_REDIS,
    .run = run_accounts,
};
