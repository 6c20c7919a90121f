/* outbox-relay: publishes the events that the services have written into the outbox (see common/io/outbox.h). */
#include "common/base/array.h"
#include "common/io/kafka.h"
#include "common/io/outbox.h"
#include "common/run/daemon.h"

static struct outbox_relay *relay;

static const struct err *start(struct ctx *ctx)
{
    (void)ctx;
    relay = outbox_relay_new();
    return NULL;
}

static const struct err *lead(struct ctx *ctx, bool *more_r)
{
    (void)more_r;
    return outbox_relay_lead(relay, ctx);
}

static const struct err *publish(struct ctx *ctx, bool *more_r)
{
    return outbox_relay_publish(relay, ctx, more_r);
}

static const struct err *measure(struct ctx *ctx, bool *more_r)
{
    (void)more_r;
    return outbox_relay_measure(relay, ctx);
}

static void drain(struct ctx *ctx)
{
    (void)ctx;
    outbox_relay_free(&relay);
}

int main(int argc, char **argv)
{
    static const struct cfg_section *const settings[] = {&cfg_kafka_section, &cfg_outbox_section, NULL};
    static const struct tick ticks[] = {
        {.name = "lead", .period_ms = &cfg_outbox.lead_ms, .run = lead},
        {.name = "publish", .period_ms = &cfg_outbox.poll_ms, .run = publish},
        {.name = "measure", .period_ms = &cfg_outbox.lead_ms, .run = measure},
    };
    static const struct daemon daemon = {
        .name = "outbox-relay",
        .needs = NEED_DB,
        .settings = settings,
        .init = start,
        .drain = drain,
        .ticks = ticks,
        .tick_count = ARRAY_COUNT(ticks),
    };
    return daemon_main(&daemon, argc, argv);
}
