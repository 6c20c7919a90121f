#include "common/run/consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/context/retry.h"
#include "common/io/kafka.h"
#include "common/run/watchdog.h"

#define HELD_MAX 64 /* partitions of one process */
#define TOPIC_SIZE 250
#define DEAD_HEADERS 7
#define DEAD_LETTER_MS 10000 /* longest wait for the acknowledgement of a dead letter */

/* A partition whose next record has failed. */
struct held {
    char topic[TOPIC_SIZE]; /* "" = free */
    int32_t partition;
    int64_t offset;
    int attempts;
    const struct err *error; /* the last one */
    struct retry retry;      /* of that error's kind */
    int64_t resume_at;       /* clock_monotonic(); 0 = has been resumed */
};

enum outcome { HANDLED, REPEATED, SKIPPED, RETRIED, DEAD, OUTCOME__MAX };

struct consumer {
    const struct subscription *subscription;
    struct kafka_consumer *kafka;
    struct kafka_producer *dead_letters; /* NULL until the first one */
    bool dead_letter_acked;
    struct held held[HELD_MAX];
    struct metric *outcomes[OUTCOME__MAX];
};

static void count(struct consumer *consumer, enum outcome outcome)
{
    metrics_add(consumer->outcomes[outcome], 1);
}

/* ---- partitions that wait ---- */

static struct held *held_find(struct consumer *consumer, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < HELD_MAX; i++) {
        struct held *held = &consumer->held[i];
        if (strcmp(held->topic, topic) == 0 && (topic[0] == '\0' || held->partition == partition)) {
            return held;
        }
    }
    return NULL;
}

/* The record's entry, made when there is none. An entry of another offset is out of date: the partition has been away
 * in another process. */
static struct held *held_enter(struct consumer *consumer, const struct kafka_record *record)
{
    struct held *held = held_find(consumer, record->topic, record->partition);
    if (held != NULL && held->offset == record->offset) {
        return held;
    }
    held = held != NULL ? held : held_find(consumer, "", 0);
    if (held == NULL) {
        log_panic("more than %d partitions in one process", HELD_MAX);
    }
    *held = (struct held){.partition = record->partition, .offset = record->offset};
    snprintf(held->topic, sizeof held->topic, "%s", record->topic);
    return held;
}

static void held_leave(struct consumer *consumer, const struct kafka_record *record)
{
    struct held *held = held_find(consumer, record->topic, record->partition);
    if (held != NULL) {
        held->topic[0] = '\0';
    }
}

/* Resumes the partitions whose time has come; the wait until the next one, at most timeout_ms. */
static int resume_due(struct consumer *consumer, int timeout_ms)
{
    int64_t now = clock_monotonic();
    int64_t wait_us = (int64_t)timeout_ms * 1000;
    for (size_t i = 0; i < HELD_MAX; i++) {
        struct held *held = &consumer->held[i];
        if (held->topic[0] == '\0' || held->resume_at == 0) {
            continue;
        }
        if (held->resume_at <= now) {
            kafka_consumer_resume(consumer->kafka, held->topic, held->partition);
            held->resume_at = 0;
        } else if (held->resume_at - now < wait_us) {
            wait_us = held->resume_at - now;
        }
    }
    return (int)((wait_us + 999) / 1000);
}

/* ---- dead letters ---- */

static void on_dead_letter_acked(void *owner, void *opaque, const struct err *error)
{
    (void)opaque;
    struct consumer *consumer = owner;
    consumer->dead_letter_acked = error == NULL;
}

/* What is told of a record that is given up. Of one that was sent again out of the dead letters it stays what was told
 * first, and the attempts are all that were made; only last-error is its own. */
static void describe(struct ctx *ctx, const struct kafka_record *record, const char *group, const char *error,
                     int attempts, struct kafka_header headers_r[DEAD_HEADERS])
{
    bool again = kafka_record_header(record, "source-topic") != NULL;
    const char *before = again ? kafka_record_header(record, "attempts") : NULL;
    int64_t earlier = before != NULL ? strtoll(before, NULL, 10) : 0;
    bool counted = earlier > 0 && earlier < INT32_MAX;
    const struct kafka_header first[DEAD_HEADERS] = {
        {"source-topic", record->topic},
        {"source-partition", arena_int(ctx->arena, record->partition)},
        {"source-offset", arena_int(ctx->arena, record->offset)},
        {"error", error},
        {"group", group},
    };
    for (size_t i = 0; i < DEAD_HEADERS - 2; i++) {
        const char *told = again ? kafka_record_header(record, first[i].name) : NULL;
        headers_r[i] = (struct kafka_header){first[i].name, told != NULL ? told : first[i].value};
    }
    headers_r[DEAD_HEADERS - 2] =
        (struct kafka_header){"attempts", arena_int(ctx->arena, attempts + (counted ? earlier : 0))};
    headers_r[DEAD_HEADERS - 1] = (struct kafka_header){"last-error", error};
}

/* True when the dead letter is safely stored. If that is in doubt its producer is dropped, so that nothing is sent
 * behind our back, and the record is tried again: twice in the dead-letter topic is better than lost. */
static bool send_dead_letter(struct consumer *consumer, struct ctx *ctx, const struct kafka_record *record,
                             const char *error, int attempts)
{
    struct kafka_header headers[DEAD_HEADERS];
    describe(ctx, record, consumer->subscription->group, error, attempts, headers);
    struct kafka_record dead = *record;
    dead.topic = consumer->subscription->dead_letters;
    dead.headers = headers;
    dead.header_count = DEAD_HEADERS;
    if (consumer->dead_letters == NULL) {
        consumer->dead_letters = kafka_producer_new(on_dead_letter_acked, consumer);
    }
    consumer->dead_letter_acked = false;
    bool stored = kafka_produce(consumer->dead_letters, &dead) == NULL &&
                  kafka_producer_flush(consumer->dead_letters, DEAD_LETTER_MS) && consumer->dead_letter_acked;
    if (!stored) {
        kafka_producer_free(&consumer->dead_letters, 0);
    }
    return stored;
}

/* ---- one record ---- */

static void done(struct consumer *consumer, struct ctx *ctx, const struct kafka_record *record, enum outcome outcome)
{
    held_leave(consumer, record);
    count(consumer, outcome);
    if (kafka_consumer_commit(consumer->kafka, record) != NULL) {
        log_warn(&ctx->log, "offset not committed: the record may come again and will be recognised");
    }
}

/* Whatever this process knows of its partitions is forgotten; it begins again behind what has been committed. */
static void rejoin(struct consumer *consumer)
{
    const struct subscription *subscription = consumer->subscription;
    kafka_consumer_free(&consumer->kafka);
    memset(consumer->held, 0, sizeof consumer->held);
    consumer->kafka = kafka_consumer_new(subscription->group, subscription->topics, subscription->topic_count);
}

static void try_later(struct consumer *consumer, struct ctx *ctx, const struct kafka_record *record, int64_t wait_ms)
{
    count(consumer, RETRIED);
    held_enter(consumer, record)->resume_at = clock_monotonic() + wait_ms * 1000;
    if (kafka_consumer_hold(consumer->kafka, record) != NULL) {
        /* Without this the next record would come, and its offset would be committed past this one. */
        log_warn(&ctx->log, "partition not held: joining the group anew");
        rejoin(consumer);
    }
}

static void bury(struct consumer *consumer, struct ctx *ctx, const struct kafka_record *record, const char *error,
                 int attempts)
{
    if (!send_dead_letter(consumer, ctx, record, error, attempts)) {
        struct held *held = held_enter(consumer, record);
        held->retry = held->error == &err_unavailable ? held->retry : retry_reconnect();
        held->error = &err_unavailable;
        try_later(consumer, ctx, record, retry_next(&held->retry));
        return;
    }
    log_error(&ctx->log, "given up after %d attempts: '%s', now in '%s'", attempts, error,
              consumer->subscription->dead_letters);
    done(consumer, ctx, record, DEAD);
}

/* Is it only a matter of time? An uncertain commit is: the inbox tells at the next try whether it has happened. */
static bool passes(const struct err *e)
{
    return (e->flags & (ERR_RETRY | ERR_UNCERTAIN)) != 0;
}

static void failed(struct consumer *consumer, struct ctx *ctx, const struct kafka_record *record, const struct err *e)
{
    struct held *held = held_enter(consumer, record);
    bool same_kind = held->error != NULL && passes(held->error) == passes(e);
    if (!same_kind) {
        held->retry = passes(e) ? retry_reconnect() : retry_message();
    }
    if (held->error != e) {
        log_warn(&ctx->log, "a record failed and is tried again: '%s'", e->code);
    }
    held->error = e;
    held->attempts++;
    int64_t wait_ms = retry_next(&held->retry);
    if (wait_ms < 0) {
        bury(consumer, ctx, record, e->code, held->attempts);
    } else {
        try_later(consumer, ctx, record, wait_ms);
    }
}

struct effect {
    const char *group;
    const struct subscriber *subscriber;
    const struct event *event;
    const void *payload;
    bool first;
};

static const struct err *claim_and_handle(struct ctx *ctx, void *arg)
{
    struct effect *effect = arg;
    const struct err *e = inbox_claim(ctx, effect->event->id, effect->group, &effect->first);
    return !e && effect->first ? effect->subscriber->handle(ctx, effect->event, effect->payload) : e;
}

static void run_after(struct ctx *ctx, const struct effect *effect)
{
    const struct subscriber *subscriber = effect->subscriber;
    const struct err *e = subscriber->after != NULL ? subscriber->after(ctx, effect->event, effect->payload) : NULL;
    if (e) {
        log_warn(&ctx->log, "what follows '%s' failed: '%s'", effect->event->type, e->code);
    }
}

static const struct subscriber *find_subscriber(const struct subscription *subscription, const char *type)
{
    for (size_t i = 0; i < subscription->subscriber_count; i++) {
        if (strcmp(subscription->subscribers[i].type->name, type) == 0) {
            return &subscription->subscribers[i];
        }
    }
    return NULL;
}

static void handle_event(struct consumer *consumer, struct ctx *ctx, const struct kafka_record *record,
                         const struct event *event)
{
    const struct subscriber *subscriber = find_subscriber(consumer->subscription, event->type);
    if (subscriber == NULL) {
        done(consumer, ctx, record, SKIPPED);
        return;
    }
    const struct shape *shape = subscriber->type->payload;
    void *payload = arena_alloc(ctx->arena, shape->size);
    if (json_bind(ctx, event->payload, shape, payload) != NULL) {
        bury(consumer, ctx, record, "INVALID_PAYLOAD", 1);
        return;
    }
    struct effect effect = {
        .group = consumer->subscription->group, .subscriber = subscriber, .event = event, .payload = payload};
    const struct err *e = db_transact(ctx, claim_and_handle, &effect);
    if (e) {
        failed(consumer, ctx, record, e);
        return;
    }
    /* Of a repetition, too: the process that made the effect may have died before it came to this. */
    run_after(ctx, &effect);
    done(consumer, ctx, record, effect.first ? HANDLED : REPEATED);
}

/* What one group has given up and an operator sends again is not for the others that read the topic. */
static bool is_for(const char *group, const struct kafka_record *record)
{
    const char *meant = kafka_record_header(record, "group");
    return meant == NULL || strcmp(meant, group) == 0;
}

static void handle_record(struct consumer *consumer, struct ctx *ctx, const struct kafka_record *record)
{
    struct event event;
    ctx_begin(ctx, NULL, NULL);
    log_field(&ctx->log, "topic", record->topic);
    log_field(&ctx->log, "offset",
              arena_printf(ctx->arena, "%d:%lld", (int)record->partition, (long long)record->offset));
    if (!is_for(consumer->subscription->group, record)) {
        done(consumer, ctx, record, SKIPPED);
        return;
    }
    if (event_parse(ctx, record->value, record->len, &event) != NULL) {
        bury(consumer, ctx, record, "INVALID_EVENT", 1);
        return;
    }
    trace_start(&ctx->trace, NULL, event.correlation_id); /* the log's trace_id follows */
    log_field(&ctx->log, "event_id", event.id);
    handle_event(consumer, ctx, record, &event);
}

void consumer_step(struct consumer *consumer, struct ctx *ctx, int timeout_ms)
{
    if (consumer->dead_letters != NULL) {
        kafka_producer_poll(consumer->dead_letters, 0); /* what librdkafka has to report */
    }
    int wait_ms = resume_due(consumer, timeout_ms);
    const struct kafka_record *record = kafka_consumer_poll(consumer->kafka, wait_ms);
    if (record != NULL) {
        watchdog_arm(cfg_process.watchdog_ms);
        handle_record(consumer, ctx, record);
        watchdog_disarm();
    }
}

/* ---- life ---- */

struct consumer *consumer_new(const struct subscription *subscription)
{
    static const char *const outcomes[OUTCOME__MAX] = {
        [HANDLED] = "handled", [REPEATED] = "repeated", [SKIPPED] = "skipped", [RETRIED] = "retried", [DEAD] = "dead"};
    struct consumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL) {
        log_panic("out of memory");
    }
    consumer->subscription = subscription;
    consumer->kafka = kafka_consumer_new(subscription->group, subscription->topics, subscription->topic_count);
    for (size_t i = 0; i < OUTCOME__MAX; i++) {
        char labels[200];
        snprintf(labels, sizeof labels, "group=\"%s\",outcome=\"%s\"", subscription->group, outcomes[i]);
        consumer->outcomes[i] = metrics_get(METRIC_COUNTER, "boxoffice_events_total", labels);
    }
    return consumer;
}

void consumer_free(struct consumer **consumer)
{
    if (*consumer == NULL) {
        return;
    }
    kafka_consumer_free(&(*consumer)->kafka);
    kafka_producer_free(&(*consumer)->dead_letters, 0);
    free(*consumer);
    *consumer = NULL;
}
