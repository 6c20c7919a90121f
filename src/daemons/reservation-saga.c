/* reservation-saga: turns the outcomes of payments into tickets or free seats, and lets go of seats that were secured
 * for no payment. Any number may run; see src/reservation/outcome.h and secure.h. */
#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/run/daemon.h"
#include "src/contract/events.h"
#include "src/reservation/outcome.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/secure.h"

static const struct err *on_success(struct ctx *ctx, const struct event *event, const void *payload)
{
    return reservation_on_payment_success(ctx, event, payload);
}

static const struct err *on_failed(struct ctx *ctx, const struct event *event, const void *payload)
{
    return reservation_on_payment_failed(ctx, event, payload);
}

static const struct err *after_success(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)event;
    const struct payment_success *payment = payload;
    return reservation_mirror_outcome(ctx, payment->reservation_id);
}

static const struct err *after_failed(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)event;
    const struct payment_failed *payment = payload;
    return reservation_mirror_outcome(ctx, payment->reservation_id);
}

static const struct err *on_refunded(struct ctx *ctx, const struct event *event, const void *payload)
{
    return reservation_on_payment_refunded(ctx, event, payload);
}

static const struct err *after_refunded(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)event;
    const struct payment_refunded *payment = payload;
    return reservation_mirror_outcome(ctx, payment->reservation_id);
}

static const struct subscriber subscribers[] = {
    {&event_payment_success, on_success, after_success},
    {&event_payment_failed, on_failed, after_failed},
    {&event_payment_refunded, on_refunded, after_refunded},
};

static const char *const topics[] = {TOPIC_PAYMENT};

static const struct subscription subscription = {
    .group = "reservation-payment-consumer",
    .topics = topics,
    .topic_count = 1,
    .subscribers = subscribers,
    .subscriber_count = ARRAY_COUNT(subscribers),
    .dead_letters = TOPIC_DEAD_PAYMENT,
};

static const struct tick ticks[] = {
    {"secured", &reservation_settings.secured_tick_ms, reservation_ask_about_secured},
};

static const struct cfg_section *const settings[] = {&cfg_internal_section, &cfg_caller_section,
                                                     &reservation_settings_section, NULL};

int main(int argc, char **argv)
{
    static const struct daemon daemon = {
        .name = "reservation-saga",
        .needs = NEED_DB | NEED_REDIS | NEED_HTTP,
        .settings = settings,
        .ticks = ticks,
        .tick_count = ARRAY_COUNT(ticks),
        .subscription = &subscription,
    };
    return daemon_main(&daemon, argc, argv);
}
