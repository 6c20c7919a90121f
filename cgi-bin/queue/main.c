#include "cgi-bin/queue/queue.h"
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/base/log.h"
#include "common/serve/responder.h"
#include "src/contract/schedule.h"
#include "src/queue/queue_settings.h"

static const struct route routes[] = {
    {"POST", "/queue/enter", queue_handle_enter, RT_USER | RT_LATE, &entry_shape, NULL, 0, NULL},
    {"GET", "/queue/status", queue_handle_status, RT_USER | RT_LATE, NULL, &schedule_ref_shape, 0, NULL},
    {"DELETE", "/queue/leave", queue_handle_leave, RT_USER, NULL, &schedule_ref_shape, 0, NULL},
    {"GET", "/queue/serving", queue_handle_serving, 0, NULL, &schedule_ref_shape, 0, NULL},
    {"GET", "/queue/draw", queue_handle_draw, 0, NULL, &schedule_ref_shape, 0, NULL},
    {"GET", "/queue/admin/stats", queue_handle_stats, RT_ADMIN, NULL, NULL, 0, NULL},
    {"PUT", "/queue/admin/schedules/{id}", queue_handle_tune, RT_ADMIN, &tuning_shape, NULL, 0, NULL},
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
    static const struct responder responder = {
        .name = "queue",
        .routes = routes,
        .route_count = ARRAY_COUNT(routes),
        .needs = NEED_REDIS | NEED_HTTP,
        .settings = settings,
        .init = init,
    };
    return responder_main(&responder, argc, argv);
}
