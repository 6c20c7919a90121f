/*
 * daemon: the skeleton of a long-running process. A daemon is a table: its ticks and its subscription.
 *
 * daemon_main() owns settings, connections, signals (SIGTERM and SIGINT drain and exit 0), the watchdog, health and
 * metrics. Ticks run one after another in one thread, each at its period measured from its last start; a failed tick is
 * logged once per change of error and tried again at the next period.
 *
 * Subscription: each record is parsed, its handler found by event type (unknown types are skipped, as are types of
 * other consumers), then inbox claim and handler run in one transaction, and after the commit the offset is committed.
 * A failure is tried again after 1, 2 and 4 seconds with the partition paused; errors that mean "the store is away"
 * (ERR_RETRY) are tried for ever; after that, and for bytes that are no event, the message goes to the dead-letter
 * topic with headers source-topic, source-partition, source-offset, group, error, attempts, last-error, acknowledged
 * before the offset moves. A message that was sent again from there keeps what they said first, its attempts add up,
 * and groups other than its own skip it.
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/event.h"

struct tick {
    const char *name;
    const int64_t *period_ms; /* a setting */
    /* Does a bounded amount of work. *more_r true: there is more, call again without waiting. */
    const struct err *(*run)(struct ctx *ctx, bool *more_r);
};

/* handle() runs inside the transaction of the inbox claim, once; `payload` is the struct of type->payload. after() runs
 * after the commit for effects outside PostgreSQL (caches), and again whenever the message comes again, since a process
 * may have died before it got there: however late that is, it must be safe. It may be NULL, and its failure is only
 * logged. */
struct subscriber {
    const struct event_type *type;
    const struct err *(*handle)(struct ctx *ctx, const struct event *event, const void *payload);
    const struct err *(*after)(struct ctx *ctx, const struct event *event, const void *payload);
};

struct subscription {
    const char *group;
    const char *const *topics;
    size_t topic_count;
    const struct subscriber *subscribers;
    size_t subscriber_count;
    const char *dead_letters; /* topic */
};

struct daemon {
    const char *name;
    unsigned needs; /* enum ctx_need */
    const struct cfg_section *const *settings;
    const struct err *(*init)(struct ctx *ctx); /* may be NULL */
    void (*drain)(struct ctx *ctx);             /* after the last tick; may be NULL */
    const struct tick *ticks;
    size_t tick_count;
    const struct subscription *subscription; /* or NULL */
};

int daemon_main(const struct daemon *daemon, int argc, char **argv);

#endif
