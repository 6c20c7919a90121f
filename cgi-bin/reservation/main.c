#include "cgi-bin/reservation/reservation.h"
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/base/log.h"
#include "common/json/page.h"
#include "common/serve/responder.h"
#include "src/contract/queue_token.h"
#include "src/contract/reservation_api.h"
#include "src/contract/schedule.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/ticket.h"

static const struct route routes[] = {
    {"POST", "/reservations/hold", reservation_handle_hold, RT_USER | RT_ADMITTED | RT_IDEMPOTENT, &hold_body_shape,
     NULL, 0, NULL},
    {"DELETE", "/reservations/hold/{id}", reservation_handle_release, RT_USER, NULL, NULL, 0, NULL},
    {"GET", "/reservations/seats/{scheduleId}", reservation_handle_seats, RT_USER | RT_ADMITTED, NULL, NULL, 0, NULL},
    {"GET", "/reservations", reservation_handle_list, RT_USER, NULL, &page_shape, 0, NULL},
    {"GET", "/reservations/{id}", reservation_handle_detail, RT_USER, NULL, NULL, 0, NULL},
    {"GET", "/internal/reservations", reservation_handle_standing, 0, NULL, &reservation_standing_query_shape, 0,
     "user"},
    {"GET", "/internal/reservations/live", reservation_handle_live, 0, NULL, &reservation_live_query_shape, 0, "event"},
    {"GET", "/internal/reservations/sold", reservation_handle_sold, 0, NULL, &reservation_sold_query_shape, 0, "event"},
    {"GET", "/internal/reservations/{id}", reservation_handle_info, 0, NULL, NULL, 0, "payment"},
    {"POST", "/internal/reservations/{id}/secure", reservation_handle_secure, 0, &reservation_secure_shape, NULL, 0,
     "payment"},
    {"POST", "/internal/reservations/{id}/unsecure", reservation_handle_unsecure, 0, &reservation_unsecure_shape, NULL,
     0, "payment"},
};

static const struct cfg_section *const settings[] = {&cfg_internal_section,    &cfg_caller_section,
                                                     &cfg_schedule_section,    &reservation_settings_section,
                                                     &ticket_settings_section, NULL};

static const struct err *init(struct ctx *ctx)
{
    (void)ctx;
    const char *why;
    if (!ticket_init(&why)) {
        log_fatal("BOX_TICKET_KEY: %s", why);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct responder responder = {
        .name = "reservation",
        .routes = routes,
        .route_count = ARRAY_COUNT(routes),
        .needs = NEED_DB | NEED_REDIS | NEED_HTTP,
        .settings = settings,
        .init = init,
        .admission_error = &err_queue_token_invalid,
    };
    return responder_main(&responder, argc, argv);
}
