#include "cgi-bin/event/handlers.h"
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/json/page.h"
#include "common/serve/responder.h"
#include "src/contract/schedule.h"
#include "src/event/audit.h"
#include "src/event/event_admin.h"
#include "src/event/event_change.h"
#include "src/event/event_end.h"
#include "src/event/event_query.h"
#include "src/event/event_settings.h"
#include "src/event/poster.h"
#include "src/event/venue_change.h"
#include "src/providers/s3.h"

#define HALL_BODY_MAX (128 << 10) /* bytes: a page of 100 halls with their templates fits into one reply */

static const struct route routes[] = {
    {"GET", "/venues", venues_list, 0, NULL, &page_shape, 0, NULL},
    {"POST", "/venues", venues_create, RT_ADMIN, &venue_new_shape, NULL, 0, NULL},
    {"GET", "/venues/{id}", venues_get, 0, NULL, NULL, 0, NULL},
    {"PUT", "/venues/{id}", venues_change, RT_ADMIN, &venue_change_shape, NULL, 0, NULL},
    {"DELETE", "/venues/{id}", venues_delete, RT_ADMIN, NULL, NULL, 0, NULL},
    {"GET", "/venues/{id}/halls", halls_list, 0, NULL, &page_shape, 0, NULL},
    {"POST", "/venues/{id}/halls", halls_create, RT_ADMIN, &hall_new_shape, NULL, HALL_BODY_MAX, NULL},
    {"PUT", "/venues/{id}/halls/{hallId}", halls_change, RT_ADMIN, &hall_change_shape, NULL, HALL_BODY_MAX, NULL},
    {"DELETE", "/venues/{id}/halls/{hallId}", halls_delete, RT_ADMIN, NULL, NULL, 0, NULL},
    {"GET", "/events", events_list, 0, NULL, &event_filter_shape, 0, NULL},
    {"POST", "/events", events_create, RT_ADMIN, &event_draft_shape, NULL, 0, NULL},
    {"GET", "/events/audit", audit_get, RT_ADMIN, NULL, &audit_filter_shape, 0, NULL},
    {"POST", "/events/posters", posters_begin, RT_ADMIN, &poster_new_shape, NULL, 0, NULL},
    {"POST", "/events/posters/{posterId}/complete", posters_complete, RT_ADMIN, NULL, NULL, 0, NULL},
    {"GET", "/events/{id}", events_get, 0, NULL, NULL, 0, NULL},
    {"PUT", "/events/{id}", events_change, RT_ADMIN, &event_change_shape, NULL, 0, NULL},
    {"DELETE", "/events/{id}", events_delete, RT_ADMIN, NULL, NULL, 0, NULL},
    {"POST", "/events/{id}/publish", events_publish, RT_ADMIN, NULL, NULL, 0, NULL},
    {"POST", "/events/{id}/cancel", events_cancel, RT_ADMIN, &event_cancel_shape, NULL, 0, NULL},
    {"POST", "/events/schedules/{scheduleId}/cancel", schedules_cancel, RT_ADMIN, &event_cancel_shape, NULL, 0, NULL},
    {"GET", "/events/schedules/{scheduleId}/seats", seats_get, 0, NULL, NULL, 0, NULL},
    {"GET", "/events/schedules/{scheduleId}/layout", seats_layout, 0, NULL, &layout_asked_shape, 0, NULL},
    {"GET", "/events/schedules/{scheduleId}/live", seats_live, 0, NULL, NULL, 0, NULL},
    {"GET", "/internal/schedules/{scheduleId}", internal_schedule, 0, NULL, NULL, 0, "queue|reservation"},
    {"GET", "/internal/schedules/{scheduleId}/seats", internal_seats, 0, NULL, NULL, 0, "reservation"},
    {"GET", "/internal/seats/status/{scheduleId}", internal_seats_status, 0, NULL, NULL, 0, "reservation"},
};

static const struct cfg_section *const settings[] = {&cfg_schedule_section, &cfg_event_section,  &cfg_s3_section,
                                                     &cfg_internal_section, &cfg_caller_section, NULL};

static const struct err *check_settings(struct ctx *ctx)
{
    (void)ctx;
    const char *why;
    if (!s3_check_settings(&why)) {
        log_fatal("%s", why);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    return responder_main(&(struct responder){.name = "event",
                                              .routes = routes,
                                              .route_count = ARRAY_COUNT(routes),
                                              .needs = NEED_DB | NEED_REDIS | NEED_HTTP,
                                              .settings = settings,
                                              .init = check_settings},
                          argc, argv);
}
