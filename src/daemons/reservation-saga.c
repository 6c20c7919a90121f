/* reservation-saga: turns the outcomes of payments into tickets or free seats. Any number may run; see
 * src/reservation/outcome.h. */
#include "common/base/array.h"
#include "common/run/daemon.h"
#include "src/contract/events.h"
#include "src/reservation/outcome.h"

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

int main(int argc, char **argv)
{
    static const struct daemon daemon = {
        .name = "reservation-saga",
        .needs = NEED_DB | NEED_REDIS,
        .subscription = &subscription,
    };
    return daemon_main(&daemon, argc, argv);
}
