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
#define DUE_PART 25 /* of a batch's size: what was refused, and goes one at a time */

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
    int64_t retry_at; /* clock_monotonic() before which nothing is sent, because Kafka was away */
    struct metric *published;
    struct metric *refused;
    struct metric *lag;
};

/* A row on its way. */
struct row {
    const char *id;
    const char *key;
    bool stuck; /* behind one of its key that was refused in an earlier round */
    bool sent;
    bool acked;
    bool refused; /* by the producer or the broker, for what it is */
};

struct batch {
    struct row *rows;
    size_t count;
};

/* The rows of a batch that are to be marked in one way. */
struct marks {
    const char **ids;
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

/* A record that is refused for what it is would be refused by every broker; one that is merely not acknowledged has
 * done nothing to be treated differently from those before and after it. */
static bool refuses(const struct err *error)
{
    return error == &err_invalid_request;
}

static void on_acked(void *owner, void *opaque, const struct err *error)
{
    (void)owner;
    struct row *row = opaque;
    row->acked = error == NULL;
    row->refused = refuses(error);
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

static bool not_sent(const struct row *row)
{
    return !row->sent;
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
        batch.rows[i] = (struct row){
            .id = db_str(rows, i, "id"), .key = db_str(rows, i, "partition_key"), .stuck = db_bool(rows, i, "stuck")};
    }
    return batch;
}

/* A producer that does not get everything acknowledged in time is given up, so that nothing it still holds is sent
 * behind our back; the callbacks of its rows come before it is gone. */
static void await_acks(struct outbox_relay *relay)
{
    if (!kafka_producer_flush(relay->producer, (int)cfg_outbox.ack_ms)) {
        kafka_producer_free(&relay->producer, 0);
    }
}

static void send_row(struct outbox_relay *relay, struct row *row, const struct db_rows *rows, size_t index)
{
    const char *envelope = db_str(rows, index, "envelope");
    const struct kafka_record record = {.topic = db_str(rows, index, "topic"),
                                        .key = row->key,
                                        .value = envelope,
                                        .len = strlen(envelope),
                                        .opaque = row};
    const struct err *e = kafka_produce(relay->producer, &record);
    row->sent = !e;
    row->refused = refuses(e);
    kafka_producer_poll(relay->producer, 0);
}

/* Sends, except what must wait for an earlier row, and waits. `alone`: one at a time, because Kafka refuses all that it
 * got together. Once it is away the rest is not even tried. */
static void publish_batch(struct outbox_relay *relay, struct batch *batch, const struct db_rows *rows, bool alone)
{
    if (relay->producer == NULL) {
        relay->producer = kafka_producer_new(on_acked, relay);
    }
    for (size_t i = 0; i < batch->count && relay->producer != NULL; i++) {
        struct row *row = &batch->rows[i];
        if (row->stuck || follows(batch, i, not_sent)) {
            continue;
        }
        send_row(relay, row, rows, i);
        if (alone) {
            await_acks(relay);
        }
    }
    if (relay->producer != NULL && !alone) {
        await_acks(relay);
    }
}

/* ---- marking ---- */

static struct marks marks_of(struct ctx *ctx, const struct batch *batch, bool (*is)(const struct batch *, size_t))
{
    struct marks marks = {.ids = arena_calloc(ctx->arena, batch->count + 1, sizeof *marks.ids)};
    for (size_t i = 0; i < batch->count; i++) {
        if (is(batch, i)) {
            marks.ids[marks.count++] = batch->rows[i].id;
        }
    }
    return marks;
}

/* None behind an unacknowledged one of its key: that one will be sent again, and what follows it must then follow it.
 */
static bool is_through(const struct batch *batch, size_t index)
{
    return batch->rows[index].acked && !follows(batch, index, not_acked);
}

/* The first of its key: those behind it are found stuck in the next round. */
static bool is_refused(const struct batch *batch, size_t index)
{
    return batch->rows[index].refused && !follows(batch, index, not_acked);
}

static bool is_stuck(const struct batch *batch, size_t index)
{
    return batch->rows[index].stuck;
}

static const struct err *mark_published(struct outbox_relay *relay, struct ctx *ctx, const struct batch *batch)
{
    struct marks through = marks_of(ctx, batch, is_through);
    if (through.count == 0) {
        return NULL;
    }
    const struct err *e = DB_RUN(ctx, &sql_outbox_published, NULL, DB_UUIDS(through.ids, through.count));
    metrics_add(relay->published, !e ? (int64_t)through.count : 0);
    return e;
}

static const struct err *mark_refused(struct outbox_relay *relay, struct ctx *ctx, const struct batch *batch)
{
    struct marks refused = marks_of(ctx, batch, is_refused);
    if (refused.count == 0) {
        return NULL;
    }
    log_error(&ctx->log, "%zu events are refused by Kafka and tried again, the first is '%s'", refused.count,
              refused.ids[0]);
    metrics_add(relay->refused, (int64_t)refused.count);
    return DB_RUN(ctx, &sql_outbox_refused, NULL, DB_UUIDS(refused.ids, refused.count), DB_TEXT("refused by Kafka"));
}

/* Takes the rows that wait behind a refused one out of the way of the others. */
static const struct err *mark_stuck(struct ctx *ctx, const struct batch *batch)
{
    struct marks stuck = marks_of(ctx, batch, is_stuck);
    return stuck.count > 0 ? DB_RUN(ctx, &sql_outbox_stuck, NULL, DB_UUIDS(stuck.ids, stuck.count)) : NULL;
}

/* Was something sent and neither stored nor refused? */
static bool kafka_is_away(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct row *row = &batch->rows[i];
        if (!row->stuck && !row->acked && !row->refused && !follows(batch, i, not_acked)) {
            return true;
        }
    }
    return false;
}

/* ---- a round ---- */

/* At most `limit` of the rows that the statement finds. */
static const struct err *publish_some(struct outbox_relay *relay, struct ctx *ctx, const struct db_stmt *which,
                                      int64_t limit, bool alone, bool *more_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, which, &rows, DB_TEXT(shares_text(relay, ctx)), DB_INT(limit));
    if (e || db_count(rows) == 0) {
        return e;
    }
    struct batch batch = read_batch(ctx, rows);
    e = mark_stuck(ctx, &batch); /* first, because what goes through brings those behind it back */
    if (e) {
        return e;
    }
    publish_batch(relay, &batch, rows, alone);
    e = mark_published(relay, ctx, &batch);
    e = e ? e : mark_refused(relay, ctx, &batch);
    *more_r = *more_r || (!e && (int64_t)batch.count == limit);
    return !e && kafka_is_away(&batch) ? &err_unavailable : e;
}

/* What was refused has a part of each round of its own, so that neither keeps the other waiting. */
static const struct err *publish_round(struct outbox_relay *relay, struct ctx *ctx, bool *more_r)
{
    int64_t part = (cfg_outbox.batch + DUE_PART - 1) / DUE_PART;
    const struct err *e = publish_some(relay, ctx, &sql_outbox_next, cfg_outbox.batch, /* alone= */ false, more_r);
    return e ? e : publish_some(relay, ctx, &sql_outbox_due, part, /* alone= */ true, more_r);
}

const struct err *outbox_relay_publish(struct outbox_relay *relay, struct ctx *ctx, bool *more_r)
{
    bool more = false;
    if (relay->producer != NULL) {
        kafka_producer_poll(relay->producer, 0); /* what librdkafka has to report, even while there is nothing to do */
    }
    const struct err *e = keep_leading(relay, ctx);
    if (e || outbox_relay_shares(relay) == 0) {
        return e;
    }
    if (clock_monotonic() < relay->retry_at) {
        return &err_unavailable;
    }
    e = publish_round(relay, ctx, &more);
    if (e) {
        relay->retry_at = clock_monotonic() + retry_next(&relay->backoff) * 1000;
    } else {
        retry_reset(&relay->backoff);
    }
    *more_r = !e && more;
    return e;
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
    relay->refused = metrics_get(METRIC_COUNTER, "boxoffice_outbox_refused_total", "");
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
