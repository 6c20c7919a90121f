/*
 * event: the envelope of every message between services, and its way out (outbox) and in (inbox).
 *
 * Out: event_publish() writes the event into common.outbox_events in the transaction that changes the state; the relay
 * hands it to Kafka in order (at least once). In: the consumer skeleton (daemon.h) claims the event id in
 * common.processed_events and runs the effect in one transaction, so an effect happens exactly once per consumer.
 * Envelope fields: data.md "Kafka".
 */
#ifndef COMMON_EVENT_H
#define COMMON_EVENT_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/json/json.h"

/* An event type and its payload; declared once in src/contract/events.h. */
struct event_type {
    const char *name;           /* "PaymentSuccess" */
    const char *topic;          /* "payment.events" */
    const char *aggregate_type; /* "Payment" */
    const struct shape *payload;
};

/* A received event. */
struct event {
    const char *id;
    const char *type;
    const char *aggregate_id;
    const char *correlation_id; /* trace id of the request that began it all */
    const char *causation_id;   /* event that caused this one, or NULL */
    const char *user_id;        /* or NULL */
    int64_t at;
    const struct json *payload;
};

struct event_new {
    const struct event_type *type;
    const char *aggregate_id;
    const char *key;          /* partition key: userId or eventId */
    const char *user_id;      /* or NULL */
    const char *causation_id; /* or NULL */
    const void *payload;      /* struct of type->payload */
};

/* Inserts into the outbox; call inside db_transact(). The trace id of `ctx` becomes the correlation id. */
BO_MUSTCHECK const struct err *event_publish(struct ctx *ctx, const struct event_new *event);

/* Parses an envelope from hostile bytes. &err_invalid_request when it is not one. */
BO_MUSTCHECK const struct err *event_parse(struct ctx *ctx, const char *bytes, size_t len, struct event *event_r);

/* Claims (event, consumer) in processed_events; call first inside the transaction. *first_r false: done before, skip
 * the effect. */
BO_MUSTCHECK const struct err *inbox_claim(struct ctx *ctx, const char *event_id, const char *consumer, bool *first_r);

#endif
