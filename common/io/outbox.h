/*
 * outbox: the way of events from common.outbox_events to Kafka.
 *
 * The table is divided into OUTBOX_SHARES shares by a hash of the partition key. A relay leads a share while its
 * session holds the share's advisory lock, so several relays may run: one works, the others stand by.
 *
 * At least once: a row is marked after its acknowledgement, so a relay that dies in between publishes it again, and so
 * does its successor while the old one's last records are still on their way. Readers recognise the repetition by the
 * event id. In order per key, taking the first occurrence of each event: every relay sends the rows of a key in the
 * order of their ids, beginning with the oldest that it does not know to be stored, so wherever an event stands in the
 * log, those before it stand before it. One exception: when Kafka refuses a row and accepts a later one of the same key
 * and batch, the later one comes first; consumers tell by state, not by order alone.
 *
 * A row that Kafka refuses for what it is holds back the later ones of its key until it goes through; it is tried again
 * ever later, up to a minute apart, and nothing is ever given up. While Kafka is away no row counts as refused: all
 * wait, and the oldest go first.
 */
#ifndef COMMON_OUTBOX_H
#define COMMON_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"

#define OUTBOX_SHARES 16 /* values of outbox_events.partition_no */

struct cfg_outbox {
    int64_t poll_ms; /* BOX_RELAY_POLL_MS */
    int64_t lead_ms; /* BOX_RELAY_LEAD_MS */
    int64_t batch;   /* BOX_RELAY_BATCH: rows */
    int64_t ack_ms;  /* BOX_RELAY_ACK_MS */
};
extern struct cfg_outbox cfg_outbox;
extern const struct cfg_section cfg_outbox_section;

struct outbox_relay;

struct outbox_relay *outbox_relay_new(void);
/* Gives up what is on its way; it will be published again. NULL-safe; leaves NULL. */
void outbox_relay_free(struct outbox_relay **relay);
/* Tries to lead the shares that it does not lead yet. */
BO_MUSTCHECK const struct err *outbox_relay_lead(struct outbox_relay *relay, struct ctx *ctx);
/* Publishes the oldest rows of its shares, at most cfg_outbox.batch, and a part as many of those that were refused and
 * are due, one at a time, and marks them. *more_r: there are more. &err_unavailable while Kafka is away: tried again,
 * ever later. */
BO_MUSTCHECK const struct err *outbox_relay_publish(struct outbox_relay *relay, struct ctx *ctx, bool *more_r);
/* Sets the metric of the oldest unpublished event's age. */
BO_MUSTCHECK const struct err *outbox_relay_measure(struct outbox_relay *relay, struct ctx *ctx);
/* Shares led at the moment. */
int outbox_relay_shares(const struct outbox_relay *relay);

#endif
