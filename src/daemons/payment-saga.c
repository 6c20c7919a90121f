/* payment-saga: settles payments whose outcome is unknown and gives money back. Any number may run; see
 * src/payment/settle.h. */
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/run/daemon.h"
#include "src/contract/events.h"
#include "src/payment/payment_settings.h"
#include "src/payment/refund.h"
#include "src/payment/settle.h"
#include "src/providers/portone.h"

static const struct err *on_rejected(struct ctx *ctx, const struct event *event, const void *payload)
{
    return refund_on_rejected(ctx, event, payload);
}

static const struct err *on_cancelled(struct ctx *ctx, const struct event *event, const void *payload)
{
    return refund_on_cancelled(ctx, event, payload);
}

static const struct subscriber subscribers[] = {
    {&event_reservation_rejected, on_rejected, NULL},
    {&event_reservation_cancelled, on_cancelled, NULL},
};

static const char *const topics[] = {TOPIC_RESERVATION};

static const struct subscription subscription = {
    .group = "payment-reservation-consumer",
    .topics = topics,
    .topic_count = 1,
    .subscribers = subscribers,
    .subscriber_count = ARRAY_COUNT(subscribers),
    .dead_letters = TOPIC_DEAD_RESERVATION,
};

static const struct tick ticks[] = {{"settle", &payment_settings.tick_ms, settle_next}};

static const struct cfg_section *const settings[] = {&cfg_internal_section, &cfg_caller_section, &cfg_portone_section,
                                                     &payment_settings_section, NULL};

static const struct err *check_settings(struct ctx *ctx)
{
    const char *why;
    if (!portone_check_settings(&why)) {
        log_fatal("%s", why);
    }
    (void)ctx;
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct daemon daemon = {
        .name = "payment-saga",
        .needs = NEED_DB | NEED_HTTP,
        .settings = settings,
        .init = check_settings,
        .ticks = ticks,
        .tick_count = 1,
        .subscription = &subscription,
    };
    return daemon_main(&daemon, argc, argv);
}
