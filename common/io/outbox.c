#include "common/io/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/context/retry.h"
#include "common/io/kafka.h"
#include "sql/outbox.h"

#define LOCK_BASE INT64_C(0x6f7574626f780000) /* "outbox", then the share */
#define SHARES_TEXT_MAX 64

struct cfg_outbox cfg_outbox;
static const struct cfg_key cfg_outbox_keys[] = {
    {"BOX_RELAY_POLL_MS", CFG_INT, offsetof(struct cfg_outbox, poll_ms), "ms", "50", 1, 60000, 0,
     "how often the outbox is looked at"},
    {"BOX_RELAY_LEAD_MS", CFG_INT, offsetof(struct cfg_outbox, lead_ms), "ms", "1000", 10, 60000, 0,
     "how often a relay tries to take over what no other one publishes"},
    {"BOX_RELAY_BATCH", CFG_INT, offsetof(struct cfg_outbox, batch), "events", "500", 1, 10000, 0,
     "most events published at a time"},
    {"BOX_RELAY_ACK_MS", CFG_INT, offsetof(struct cfg_outbox, ack_ms), "ms", "10000", 100, 60000, 0,
     "longest wait for Kafka's acknowledgements before sending again"},
};
const struct cfg_section cfg_outbox_section = {"Outbox relay", cfg_outbox_keys, ARRAY_COUNT(cfg_outbox_keys),
                                               &cfg_outbox};

struct outbox_relay {
    struct kafka_producer *producer; /* NULL until there is something to send */
    bool leads[OUTBOX_SHARES];
    struct retry backoff;
    int64_t retry_at;        /* clock_monotonic() before which nothing that was refused is sent again */
    const struct err *error; /* of the last round that failed; NULL when all is well again */
    struct metric *published;
    struct metric *lag;
};

/* A row on its way. */
struct row {
    const char *id;
    const char *key;
    bool failed_before; /* in an earlier round */
    bool sent;
    bool acked;
};

struct batch {
    struct row *rows;
    size_t count;
};

/* ---- leading ---- */

int outbox_relay_shares(const struct outbox_relay *relay)
{
    int count = 0;
    for (int share = 0; share < OUTBOX_SHARES; share++) {
        count += relay->leads[share];
    }
    return count;
}

/* Asks for the locks of all shares, or only of those led so far. */
static const struct err *try_shares(struct outbox_relay *relay, struct ctx *ctx, bool all)
{
    const struct err *first = NULL;
    int before = outbox_relay_shares(relay);
    for (int share = 0; share < OUTBOX_SHARES; share++) {
        bool held = false;
        if (all || relay->leads[share]) {
            const struct err *e = db_try_lock(ctx, LOCK_BASE + share, &held);
            first = first != NULL ? first : e;
        }
        relay->leads[share] = held;
    }
    int after = outbox_relay_shares(relay);
    if (after != before) {
        log_info(&ctx->log, "leads %d of %d shares of the outbox", after, OUTBOX_SHARES);
    }
    return first;
}

const struct err *outbox_relay_lead(struct outbox_relay *relay, struct ctx *ctx)
{
    return try_shares(relay, ctx, /* all= */ true);
}

/* The locks that are thought to be held are gone when the session was lost. */
static const struct err *keep_leading(struct outbox_relay *relay, struct ctx *ctx)
{
    return try_shares(relay, ctx, /* all= */ false);
}

static const char *shares_text(const struct outbox_relay *relay, struct ctx *ctx)
{
    struct buf buf;
    buf_init(&buf, ctx->arena, SHARES_TEXT_MAX);
    for (int share = 0; share < OUTBOX_SHARES; share++) {
        if (relay->leads[share]) {
            buf_printf(&buf, "%c%d", buf.len == 0 ? '{' : ',', share);
        }
    }
    buf_char(&buf, '}');
    return buf.data;
}

/* ---- sending ---- */

static void on_acked(void *owner, void *opaque, const struct err *error)
{
    (void)owner;
    struct row *row = opaque;
    row->acked = error == NULL;
}

/* Is there an earlier row of the same key for which `is`? */
static bool follows(const struct batch *batch, size_t index, bool (*is)(const struct row *row))
{
    for (size_t i = 0; i < index; i++) {
        if (is(&batch->rows[i]) && strcmp(batch->rows[i].key, batch->rows[index].key) == 0) {
            return true;
        }
    }
    return false;
}

/* What has been refused once goes alone, so that nothing of its key overtakes it if it is refused again. */
static bool holds_back(const struct row *row)
{
    return row->failed_before || !row->sent;
}

static bool not_acked(const struct row *row)
{
    return !row->acked;
}

static struct batch read_batch(struct ctx *ctx, const struct db_rows *rows)
{
    struct batch batch = {.count = db_count(rows)};
    batch.rows = arena_calloc(ctx->arena, batch.count + 1, sizeof *batch.rows);
    for (size_t i = 0; i < batch.count; i++) {
        batch.rows[i] = (struct row){.id = db_str(rows, i, "id"),
                                     .key = db_str(rows, i, "partition_key"),
                                     .failed_before = db_int(rows, i, "attempts") > 0};
    }
    return batch;
}

/* Hands the rows to the producer, except those that must wait for an earlier one. */
static void send_rows(struct outbox_relay *relay, struct batch *batch, const struct db_rows *rows)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct row *row = &batch->rows[i];
        if (follows(batch, i, holds_back)) {
            continue;
        }
        const char *envelope = db_str(rows, i, "envelope");
        const struct kafka_record record = {.topic = db_str(rows, i, "topic"),
                                            .key = row->key,
                                            .value = envelope,
                                            .len = strlen(envelope),
                                            .opaque = row};
        row->sent = kafka_produce(relay->producer, &record) == NULL;
        kafka_producer_poll(relay->producer, 0);
    }
}

/* Sends and waits. A producer that does not get everything acknowledged in time is given up, so that nothing it still
 * holds is sent behind our back; the callbacks of its rows come before it is gone. */
static void publish_batch(struct outbox_relay *relay, struct batch *batch, const struct db_rows *rows)
{
    if (relay->producer == NULL) {
        relay->producer = kafka_producer_new(on_acked, relay);
    }
    send_rows(relay, batch, rows);
    if (!kafka_producer_flush(relay->producer, (int)cfg_outbox.ack_ms)) {
        kafka_producer_free(&relay->producer, 0);
    }
}

/* ---- marking ---- */

/* Marks the acknowledged rows, but none behind an unacknowledged one of its key: that one will be sent again, and what
 * follows it must then follow it. */
static const struct err *mark_published(struct outbox_relay *relay, struct ctx *ctx, const struct batch *batch)
{
    const char **ids = arena_calloc(ctx->arena, batch->count + 1, sizeof *ids);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->rows[i].acked && !follows(batch, i, not_acked)) {
            ids[count++] = batch->rows[i].id;
        }
    }
    if (count == 0) {
        return NULL;
    }
    const struct err *e = DB_RUN(ctx, &sql_outbox_published, NULL, DB_UUIDS(ids, count));
    metrics_add(relay->published, !e ? (int64_t)count : 0);
    return e;
}

/* Notes the failure of the rows that were sent, or refused by the producer, in vain. &err_unavailable if there are any.
 */
static const struct err *mark_failed(struct ctx *ctx, const struct batch *batch)
{
    const char **ids = arena_calloc(ctx->arena, batch->count + 1, sizeof *ids);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->rows[i].acked && (batch->rows[i].sent || !follows(batch, i, not_acked))) {
            ids[count++] = batch->rows[i].id;
        }
    }
    if (count == 0) {
        return NULL;
    }
    const struct err *e =
        DB_RUN(ctx, &sql_outbox_failed, NULL, DB_UUIDS(ids, count), DB_TEXT("not acknowledged by Kafka"));
    return e ? e : &err_unavailable;
}

/* ---- a round ---- */

static const struct err *publish_round(struct outbox_relay *relay, struct ctx *ctx, bool refused_too, bool *more_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_outbox_next, &rows, DB_TEXT(shares_text(relay, ctx)), DB_BOOL(refused_too),
                                 DB_INT(cfg_outbox.batch));
    if (e || db_count(rows) == 0) {
        return e;
    }
    struct batch batch = read_batch(ctx, rows);
    publish_batch(relay, &batch, rows);
    e = mark_published(relay, ctx, &batch);
    e = e ? e : mark_failed(ctx, &batch);
    *more_r = !e && (int64_t)batch.count == cfg_outbox.batch;
    return e;
}

/* What has been refused waits ever longer for its next try; the rest goes on meanwhile. */
const struct err *outbox_relay_publish(struct outbox_relay *relay, struct ctx *ctx, bool *more_r)
{
    if (relay->producer != NULL) {
        kafka_producer_poll(relay->producer, 0); /* what librdkafka has to report, even while there is nothing to do */
    }
    const struct err *e = keep_leading(relay, ctx);
    if (e || outbox_relay_shares(relay) == 0) {
        return e;
    }
    bool refused_too = clock_monotonic() >= relay->retry_at;
    e = publish_round(relay, ctx, refused_too, more_r);
    if (e) {
        relay->retry_at = clock_monotonic() + retry_next(&relay->backoff) * 1000;
        relay->error = e;
    } else if (refused_too) {
        retry_reset(&relay->backoff);
        relay->error = NULL;
    }
    return relay->error;
}

const struct err *outbox_relay_measure(struct outbox_relay *relay, struct ctx *ctx)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(ctx, &sql_outbox_oldest, &rows);
    if (!e) {
        int64_t lag = db_null(rows, 0, "oldest") ? 0 : clock_now() - db_time(rows, 0, "oldest");
        metrics_set(relay->lag, lag > 0 ? lag / CLOCK_SECOND : 0);
    }
    return e;
}

/* ---- life ---- */

struct outbox_relay *outbox_relay_new(void)
{
    struct outbox_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        log_panic("out of memory");
    }
    relay->backoff = retry_reconnect();
    relay->published = metrics_get(METRIC_COUNTER, "boxoffice_outbox_published_total", "");
    relay->lag = metrics_get(METRIC_GAUGE, "boxoffice_outbox_lag_seconds", "");
    return relay;
}

void outbox_relay_free(struct outbox_relay **relay)
{
    if (*relay == NULL) {
        return;
    }
    kafka_producer_free(&(*relay)->producer, 0);
    free(*relay);
    *relay = NULL;
}
