/* queue-approver: calls the next people of every line, and closes lines. Any number may run; see src/queue/admission.h
 * and closing.h. */
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/base/log.h"
#include "common/base/metrics.h"
#include "common/io/redis.h"
#include "common/run/daemon.h"
#include "src/contract/schedule.h"
#include "src/queue/admission.h"
#include "src/queue/closing.h"
#include "src/queue/queue_settings.h"

static const struct err *admit(struct ctx *ctx, bool *more_r)
{
    struct queue_admission total;
    const struct err *e = queue_admit_all(ctx, &total);
    if (e) {
        return e;
    }
    metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_queue_called_total", ""), total.called);
    metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_queue_passed_over_total", ""), total.passed_over);
    metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_queue_no_shows_total", ""), total.no_shows);
    metrics_set(metrics_get(METRIC_GAUGE, "boxoffice_queue_waiting", ""), total.waiting);
    metrics_set(metrics_get(METRIC_GAUGE, "boxoffice_queue_oldest_wait_seconds", ""), total.oldest_wait_s);
    metrics_set(metrics_get(METRIC_GAUGE, "boxoffice_queue_ghost_percent", ""), total.ghost_percent);
    *more_r = false;
    return NULL;
}

static const struct err *close_lines(struct ctx *ctx, bool *more_r)
{
    int64_t active;
    const struct err *e = closing_run_all(ctx, &active);
    if (!e) {
        metrics_set(metrics_get(METRIC_GAUGE, "boxoffice_queue_active", ""), active);
    }
    *more_r = false;
    return e;
}

static const struct tick ticks[] = {
    {"admit", &queue_settings.tick_ms, admit},
    {"close", &queue_settings.closing_tick_ms, close_lines},
};

static const struct cfg_section *const settings[] = {&cfg_internal_section, &cfg_caller_section, &cfg_schedule_section,
                                                     &queue_settings_section, NULL};

static const struct err *init(struct ctx *ctx)
{
    (void)ctx;
    const char *why;
    if (!queue_settings_init(&why)) {
        log_fatal("BOX_QUEUE_KEY: %s", why);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct daemon daemon = {
        .name = "queue-approver",
        .needs = NEED_REDIS | NEED_HTTP,
        .settings = settings,
        .init = init,
        .ticks = ticks,
        .tick_count = ARRAY_COUNT(ticks),
    };
    return daemon_main(&daemon, argc, argv);
}
