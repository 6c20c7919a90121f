#include "cgi-bin/payment/payment.h"
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/json/page.h"
#include "common/serve/responder.h"
#include "src/contract/payment_api.h"
#include "src/contract/queue_token.h"
#include "src/payment/payment_settings.h"
#include "src/providers/portone.h"

static const struct route routes[] = {
    {"POST", "/payments", payment_handle_order, RT_USER | RT_TOKEN | RT_IDEMPOTENT, &order_body_shape, NULL, 0, NULL},
    {"POST", "/payments/confirm", payment_handle_confirm, RT_USER | RT_TOKEN, &confirm_body_shape, NULL, 0, NULL},
    {"POST", "/payments/webhook", payment_handle_webhook, RT_RAW, NULL, NULL, 0, NULL},
    {"GET", "/payments", payment_handle_list, RT_USER, NULL, &page_shape, 0, NULL},
    {"GET", "/payments/{id}", payment_handle_detail, RT_USER, NULL, NULL, 0, NULL},
    {"GET", "/internal/payments", payment_handle_of_reservation, 0, NULL, &payment_query_shape, 0, "reservation"},
};

static const struct cfg_section *const settings[] = {&cfg_internal_section,     &cfg_caller_section,
                                                     &cfg_portone_section,      &cfg_portone_webhook_section,
                                                     &payment_settings_section, NULL};

static const struct err *check_settings(struct ctx *ctx)
{
    const char *why;
    if (!portone_check_settings(&why) || !portone_check_webhook_settings(&why)) {
        log_fatal("%s", why);
    }
    (void)ctx;
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct responder responder = {
        .name = "payment",
        .routes = routes,
        .route_count = ARRAY_COUNT(routes),
        .needs = NEED_DB | NEED_REDIS | NEED_HTTP,
        .settings = settings,
        .admission_error = &err_queue_token_invalid,
        .init = check_settings,
    };
    return responder_main(&responder, argc, argv);
}
