#include "src/event/reconcile.h"
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/base/metrics.h"
#include "src/maint/job.h"

#define LOOKS_MAX 100 /* of a run; the rest waits a minute, those that have waited longest come first */

static void count_found(const struct reconcile_found *found)
{
    const struct {
        const char *labels;
        int64_t seats;
    } results[] = {
        {"result=\"sold\"", found->sold},
        {"result=\"freed\"", found->freed},
        {"result=\"moved\"", found->moved},
        {"result=\"unknown\"", found->unknown},
    };
    for (size_t i = 0; i < ARRAY_COUNT(results); i++) {
        metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_reconciled_seats_total", results[i].labels),
                    results[i].seats);
    }
}

static const struct err *run_reconcile(struct ctx *ctx, int64_t *done_r)
{
    struct reconcile_found found = {0};
    bool none = false;
    const struct err *e = NULL;
    for (int i = 0; !e && !none && i < LOOKS_MAX; i++) {
        e = reconcile_next(ctx, &found, &none);
    }
    int64_t doubtful;
    *done_r = found.sold + found.freed + found.moved;
    count_found(&found);
    ctx_begin(ctx, NULL, NULL);
    e = e ? e : reconcile_count(ctx, &doubtful);
    if (!e) {
        metrics_set(metrics_get(METRIC_GAUGE, "boxoffice_doubtful_seats", ""), doubtful);
    }
    return e;
}

const struct job reconcile_job = {
    .name = "reconcile",
    .help = "Compare the seats of performances with their claims, and repair at a second look what differs.",
    .schedule = "* * * * *",
    .role = "event_service",
    .settings = SECTIONS(&cfg_internal_section, &cfg_caller_section, &cfg_reconcile_section),
    .needs = NEED_DB | NEED_REDIS | NEED_HTTP,
    .run = run_reconcile,
};
