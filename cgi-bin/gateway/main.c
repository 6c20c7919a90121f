#include "cgi-bin/gateway/gateway.h"
#include "common/auth/jwks.h"
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/base/log.h"
#include "common/io/kafka.h"
#include "common/serve/responder.h"

static const struct route routes[] = {
    {"GET", "/health", gateway_handle_health, 0, NULL, NULL, 0, NULL},
    {"GET", "/health/live", gateway_handle_live, 0, NULL, NULL, 0, NULL},
    {"GET", "/metrics", gateway_handle_metrics, 0, NULL, NULL, 0, NULL},
    {"GET", "/.well-known/jwks.json", gateway_handle_jwks, 0, NULL, NULL, 0, NULL},
};

static const struct cfg_section *const settings[] = {&cfg_internal_section, &cfg_kafka_section, &cfg_jwks_section,
                                                     NULL};

static const struct err *init(struct ctx *ctx)
{
    (void)ctx;
    const char *why;
    if (!jwks_init(&why)) {
        log_fatal("%s", why);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct responder responder = {
        .name = "gateway",
        .routes = routes,
        .route_count = ARRAY_COUNT(routes),
        .needs = NEED_DB | NEED_REDIS | NEED_HTTP,
        .settings = settings,
        .init = init,
    };
    return responder_main(&responder, argc, argv);
}
