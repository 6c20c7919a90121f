/* The outbox relay: order, marks, refusals, taking over, and a repetition that has no second effect (RSV-012). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/array.h"
#include "common/base/cfg.h"
#include "common/base/clock.h"
#include "common/io/event.h"
#include "common/io/kafka.h"
#include "common/io/outbox.h"
#include "common/run/consumer.h"
#include "tests/support/fixture.h"

#define PATIENCE_US (60 * CLOCK_SECOND)
#define POLL_NS 5000000
#define SERVICE "reservation_service"

/* The key whose next acknowledgement never arrives; NULL: none. */
static const char *unheard;
static void (*report)(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);

static void report_what_is_heard(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    rd_kafka_message_t heard = *message;
    if (unheard != NULL && message->key_len == strlen(unheard) &&
        memcmp(message->key, unheard, message->key_len) == 0) {
        unheard = NULL;
        heard.err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    report(rk, &heard, opaque);
}

/* librdkafka's own, but for what is not heard. */
void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *conf,
                                 void (*callback)(rd_kafka_t *, const rd_kafka_message_t *, void *))
{
    void (*real)(rd_kafka_conf_t *, void (*)(rd_kafka_t *, const rd_kafka_message_t *, void *));
    *(void **)&real = dlsym(RTLD_NEXT, "rd_kafka_conf_set_dr_msg_cb");
    report = callback;
    real(conf, report_what_is_heard);
}

static const struct db_stmt backend_pid = {.name = "test_backend_pid", .sql = "SELECT pg_backend_pid()"};
static const struct db_stmt terminate = {.name = "test_terminate", .sql = "SELECT pg_terminate_backend($1::int, 5000)"};
static const struct db_stmt state_of = {
    .name = "test_state_of",
    .sql = "SELECT published_at IS NOT NULL AS published, attempts, retry_at IS NULL AS in_turn"
           " FROM common.outbox_events WHERE aggregate_id = $1 ORDER BY id"};
static const struct db_stmt make_due = {
    .name = "test_make_due", .sql = "UPDATE common.outbox_events SET retry_at = now() WHERE aggregate_id = $1"};
static const struct db_stmt mark = {
    .name = "test_mark", .sql = "UPDATE common.outbox_events SET published_at = now() WHERE aggregate_id = $1"};
static const struct db_stmt write_too_large = {
    .name = "test_write_too_large",
    .sql =
        "INSERT INTO common.outbox_events (id, aggregate_type, aggregate_id, topic, partition_key, event_type, "
        "envelope)"
        " SELECT id, 'Note', $1::uuid, $2, $3, 'NoteTaken', jsonb_build_object('eventId', id, 'eventType', 'NoteTaken',"
        " 'aggregateType', 'Note', 'aggregateId', $1::uuid, 'payload', repeat('x', 2000000))"
        " FROM (SELECT uuidv7() AS id) AS new"};
static const struct db_stmt unmark = {
    .name = "test_unmark", .sql = "UPDATE common.outbox_events SET published_at = NULL WHERE aggregate_id = $1"};

struct note {
    int64_t number;
};
SHAPE_OPEN(note_shape, struct note,
           {.name = "number", .type = FIELD_INT, .offset = offsetof(struct note, number), .max = 1000});

struct bench {
    struct ctx *service;
    struct ctx *ctx; /* the relay's */
    struct outbox_relay *relay;
    char topic[64]; /* of this test alone */
    struct event_type type;
};

static void create_topic(const char *name)
{
    const struct kafka_topic topic = {.name = name, .partitions = 3, .retention_ms = 600000};
    const char *why = "";
    assert_null(kafka_create_topics(&topic, 1, 10000, &why));
}

static int setup(void **state)
{
    static struct bench bench;
    const struct cfg_section *sections[] = {&cfg_outbox_section, NULL};
    const char *why;
    bench = (struct bench){.service = fixture_ctx(SERVICE, 0), .ctx = fixture_ctx("outbox_relay", 0)};
    assert_true(cfg_load(sections, &why));
    bench.relay = outbox_relay_new();
    snprintf(bench.topic, sizeof bench.topic, "test.%s", fixture_uuid());
    bench.type = (struct event_type){
        .name = "NoteTaken", .topic = bench.topic, .aggregate_type = "Note", .payload = &note_shape};
    fixture_event_type(&bench.type, SERVICE);
    create_topic(bench.type.topic);
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    outbox_relay_free(&bench->relay);
    fixture_free(&bench->service);
    fixture_free(&bench->ctx);
    return 0;
}

/* ---- steps ---- */

struct work {
    const struct event_type *type;
    const char *aggregate_id;
    const char *key;
    int64_t first, count;
};

static const struct err *publish_notes(struct ctx *ctx, void *arg)
{
    const struct work *work = arg;
    const struct err *e = NULL;
    for (int64_t i = 0; e == NULL && i < work->count; i++) {
        const struct note note = {.number = work->first + i};
        e = event_publish(
            ctx, &(struct event_new){
                     .type = work->type, .aggregate_id = work->aggregate_id, .key = work->key, .payload = &note});
    }
    return e;
}

/* Writes notes first, first + 1, ... into the outbox. */
static void write_notes(struct bench *bench, const char *aggregate_id, int64_t first, int64_t count)
{
    struct work work = {
        .type = &bench->type, .aggregate_id = aggregate_id, .key = aggregate_id, .first = first, .count = count};
    assert_null(db_transact(bench->service, publish_notes, &work));
}

/* All shares are led, so this test's relay is the only one that works on this database. */
static void lead_all(struct bench *bench)
{
    assert_null(outbox_relay_lead(bench->relay, bench->ctx));
    assert_int_equal(outbox_relay_shares(bench->relay), OUTBOX_SHARES);
}

static int64_t published_of(struct bench *bench, const char *aggregate_id)
{
    const struct db_rows *rows;
    int64_t count = 0;
    assert_null(DB_RUN(bench->ctx, &state_of, &rows, DB_TEXT(aggregate_id)));
    for (size_t i = 0; i < db_count(rows); i++) {
        count += db_bool(rows, i, "published");
    }
    return count;
}

/* Runs the relay, whatever it answers, until `count` notes of the aggregate are marked. */
static void relay_until(struct bench *bench, const char *aggregate_id, int64_t count)
{
    int64_t end = clock_monotonic() + PATIENCE_US;
    bool more = false;
    while (published_of(bench, aggregate_id) < count) {
        assert_true(clock_monotonic() < end);
        const struct err *e = outbox_relay_publish(bench->relay, bench->ctx, &more);
        assert_true(e == NULL || e == &err_unavailable);
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
    assert_int_equal(published_of(bench, aggregate_id), count);
}

struct reader {
    struct ctx *ctx;
    struct kafka_consumer *kafka;
};

static struct reader reader_new(struct bench *bench)
{
    return (struct reader){bench->ctx, kafka_consumer_new(fixture_uuid(), &bench->type.topic, 1)};
}

/* The number of the topic's next note of that aggregate. */
static int64_t read_note(struct reader *reader, const char *aggregate_id)
{
    int64_t end = clock_monotonic() + PATIENCE_US;
    while (clock_monotonic() < end) {
        const struct kafka_record *record = kafka_consumer_poll(reader->kafka, 100);
        struct event event;
        if (record == NULL) {
            continue;
        }
        assert_null(event_parse(reader->ctx, record->value, record->len, &event));
        if (strcmp(event.aggregate_id, aggregate_id) == 0) {
            assert_string_equal(record->key, aggregate_id);
            return json_int(json_get(event.payload, "number"), -1);
        }
    }
    fail_msg("no note of %s arrived", aggregate_id);
    return -1;
}

/* ---- tests ---- */

static void test_rows_arrive_in_order_per_key_and_are_marked(void **state)
{
    struct bench *bench = *state;
    const char *keys[] = {fixture_uuid(), fixture_uuid(), fixture_uuid()};
    for (int64_t i = 0; i < 20; i++) {
        for (size_t key = 0; key < 3; key++) {
            write_notes(bench, keys[key], i, 1);
        }
    }
    lead_all(bench);
    for (size_t key = 0; key < 3; key++) {
        relay_until(bench, keys[key], 20);
        struct reader reader = reader_new(bench);
        for (int64_t i = 0; i < 20; i++) {
            assert_int_equal(read_note(&reader, keys[key]), i);
        }
        kafka_consumer_free(&reader.kafka);
    }
}

static void test_more_rows_than_a_batch_ask_for_another_round(void **state)
{
    struct bench *bench = *state;
    const char *key = fixture_uuid();
    bool more = false;
    lead_all(bench);
    cfg_outbox.batch = 2;
    write_notes(bench, key, 0, 5);
    while (!more) { /* a round may also be one of older rows */
        assert_null(outbox_relay_publish(bench->relay, bench->ctx, &more));
    }
    assert_true(published_of(bench, key) < 5);
    relay_until(bench, key, 5);
}

static void test_row_refused_holds_back_its_key_only(void **state)
{
    struct bench *bench = *state;
    const char *stuck = fixture_uuid();
    const char *free_key = fixture_uuid();
    struct event_type missing = bench->type;
    missing.topic = arena_printf(bench->service->arena, "test.%s", fixture_uuid());
    struct work work = {.type = &missing, .aggregate_id = fixture_uuid(), .key = stuck, .count = 1};
    fixture_event_type(&missing, SERVICE);
    assert_null(db_transact(bench->service, publish_notes, &work));
    lead_all(bench);
    cfg_outbox.batch = 1; /* the refused row alone would fill it */
    bool more = false;
    assert_null(outbox_relay_publish(bench->relay, bench->ctx, &more));

    write_notes(bench, stuck, 1, 2); /* of the same key, to a topic that exists */
    write_notes(bench, free_key, 0, 2);
    relay_until(bench, free_key, 2);
    assert_int_equal(published_of(bench, stuck), 0);
    const struct db_rows *rows;
    assert_null(DB_RUN(bench->ctx, &state_of, &rows, DB_TEXT(work.aggregate_id)));
    assert_true(db_int(rows, 0, "attempts") >= 1);
    assert_null(DB_RUN(bench->ctx, &state_of, &rows, DB_TEXT(stuck)));
    for (size_t i = 0; i < 2; i++) { /* out of the way of the others, and not refused themselves */
        assert_false(db_bool(rows, i, "in_turn"));
        assert_int_equal(db_int(rows, i, "attempts"), 0);
    }

    create_topic(missing.topic);
    relay_until(bench, work.aggregate_id, 1);
    relay_until(bench, stuck, 2);
    struct reader reader = reader_new(bench);
    assert_int_equal(read_note(&reader, stuck), 1); /* held back, not sent in vain before */
    assert_int_equal(read_note(&reader, stuck), 2);
    kafka_consumer_free(&reader.kafka);
}

/* Those behind it wait for its outcome, which need not be theirs. */
static void test_of_refused_rows_the_first_of_a_key_is_tried(void **state)
{
    struct bench *bench = *state;
    const struct db_rows *rows;
    bool more = false;
    struct event_type missing = bench->type;
    missing.topic = arena_printf(bench->service->arena, "test.%s", fixture_uuid());
    struct work work = {.type = &missing, .aggregate_id = fixture_uuid(), .key = fixture_uuid(), .count = 2};
    fixture_event_type(&missing, SERVICE);
    assert_null(db_transact(bench->service, publish_notes, &work));
    lead_all(bench);
    assert_null(outbox_relay_publish(bench->relay, bench->ctx, &more));
    assert_null(DB_RUN(bench->ctx, &state_of, &rows, DB_TEXT(work.aggregate_id)));
    assert_int_equal(db_int(rows, 0, "attempts"), 1);
    assert_int_equal(db_int(rows, 1, "attempts"), 0);
    create_topic(missing.topic);
    relay_until(bench, work.aggregate_id, 2);
}

/* The second row of a key is stored, the first seems not to be: both are sent again, in their order. */
static void test_row_is_not_through_before_the_earlier_ones_of_its_key(void **state)
{
    struct bench *bench = *state;
    const char *key = fixture_uuid(), *other = fixture_uuid();
    bool more = false;
    lead_all(bench);
    write_notes(bench, key, 0, 2);
    write_notes(bench, other, 0, 1);
    unheard = key;
    assert_ptr_equal(outbox_relay_publish(bench->relay, bench->ctx, &more), &err_unavailable);
    assert_null(unheard);
    assert_int_equal(published_of(bench, key), 0);
    assert_int_equal(published_of(bench, other), 1);
    relay_until(bench, key, 2);
    struct reader reader = reader_new(bench);
    const int64_t log[] = {0, 1, 0, 1};
    for (size_t i = 0; i < ARRAY_COUNT(log); i++) {
        assert_int_equal(read_note(&reader, key), log[i]);
    }
    kafka_consumer_free(&reader.kafka);
}

/* One that cannot even be handed to the producer. */
static void test_row_is_not_sent_before_the_earlier_ones_of_its_key(void **state)
{
    struct bench *bench = *state;
    const char *key = fixture_uuid(), *large = fixture_uuid();
    bool more = false;
    lead_all(bench);
    assert_null(DB_RUN(bench->service, &write_too_large, NULL, DB_TEXT(large), DB_TEXT(bench->topic), DB_TEXT(key)));
    write_notes(bench, key, 0, 1);
    assert_null(outbox_relay_publish(bench->relay, bench->ctx, &more));
    assert_int_equal(published_of(bench, key), 0);
    assert_null(DB_RUN(bench->ctx, &mark, NULL, DB_TEXT(large))); /* somebody has seen to it */
    write_notes(bench, key, 1, 1);
    assert_null(DB_RUN(bench->ctx, &make_due, NULL, DB_TEXT(key)));
    relay_until(bench, key, 2);
    struct reader reader = reader_new(bench);
    assert_int_equal(read_note(&reader, key), 0);
    assert_int_equal(read_note(&reader, key), 1);
    kafka_consumer_free(&reader.kafka);
}

/* Whatever made a row wait, it waits for a time and not for a word. */
static void test_row_that_waits_for_nothing_goes_when_it_is_due(void **state)
{
    struct bench *bench = *state;
    const char *key = fixture_uuid();
    write_notes(bench, key, 0, 3);
    assert_null(DB_RUN(bench->ctx, &make_due, NULL, DB_TEXT(key)));
    lead_all(bench);
    relay_until(bench, key, 3);
    struct reader reader = reader_new(bench);
    for (int64_t i = 0; i < 3; i++) {
        assert_int_equal(read_note(&reader, key), i);
    }
    kafka_consumer_free(&reader.kafka);
}

static void test_broker_away_loses_nothing(void **state)
{
    struct bench *bench = *state;
    const char *key = fixture_uuid();
    const char *brokers = cfg_kafka.brokers;
    bool more = false;
    lead_all(bench);
    write_notes(bench, key, 0, 3);
    cfg_kafka.brokers = "127.0.0.1:1";
    cfg_outbox.ack_ms = 300;
    assert_ptr_equal(outbox_relay_publish(bench->relay, bench->ctx, &more), &err_unavailable);
    assert_int_equal(published_of(bench, key), 0);
    const struct db_rows *rows;
    assert_null(DB_RUN(bench->ctx, &state_of, &rows, DB_TEXT(key)));
    for (size_t i = 0; i < 3; i++) { /* it is not their doing */
        assert_true(db_bool(rows, i, "in_turn"));
        assert_int_equal(db_int(rows, i, "attempts"), 0);
    }
    cfg_kafka.brokers = brokers;
    cfg_outbox.ack_ms = 10000;
    relay_until(bench, key, 3);
    struct reader reader = reader_new(bench);
    for (int64_t i = 0; i < 3; i++) {
        assert_int_equal(read_note(&reader, key), i);
    }
    kafka_consumer_free(&reader.kafka);
}

static void test_second_relay_takes_over_when_the_first_is_gone(void **state)
{
    struct bench *bench = *state;
    struct ctx *other = fixture_ctx("outbox_relay", 0);
    struct outbox_relay *standby = outbox_relay_new();
    const char *key = fixture_uuid();
    const struct db_rows *rows;
    bool more = false;
    lead_all(bench);
    assert_null(outbox_relay_lead(standby, other));
    assert_int_equal(outbox_relay_shares(standby), 0);
    write_notes(bench, key, 0, 1);
    assert_null(outbox_relay_publish(standby, other, &more));
    assert_int_equal(published_of(bench, key), 0);

    assert_null(DB_RUN0(bench->ctx, &backend_pid, &rows));
    assert_null(DB_RUN(other, &terminate, NULL, DB_INT(db_int(rows, 0, "pg_backend_pid"))));
    assert_null(outbox_relay_lead(standby, other));
    assert_int_equal(outbox_relay_shares(standby), OUTBOX_SHARES);
    assert_ptr_equal(outbox_relay_publish(bench->relay, bench->ctx, &more), &err_unavailable);
    assert_null(outbox_relay_publish(bench->relay, bench->ctx, &more));
    assert_int_equal(outbox_relay_shares(bench->relay), 0);
    assert_null(outbox_relay_publish(standby, other, &more));
    assert_int_equal(published_of(bench, key), 1);
    outbox_relay_free(&standby);
    fixture_free(&other);
}

/* ---- to the very end: outbox, Kafka, inbox ---- */

static int effects;

static const struct err *count_effect(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)ctx;
    (void)event;
    const struct note *note = payload;
    assert_int_equal(note->number, effects); /* in order, each once */
    effects++;
    return NULL;
}

static void test_row_delivered_twice_has_one_effect(void **state)
{
    struct bench *bench = *state;
    const char *key = fixture_uuid();
    lead_all(bench);
    write_notes(bench, key, 0, 3);
    relay_until(bench, key, 3);
    /* As if the relay had died between the acknowledgements and the marks. */
    assert_null(DB_RUN(bench->ctx, &unmark, NULL, DB_TEXT(key)));
    relay_until(bench, key, 3);
    write_notes(bench, key, 3, 1); /* when this one has come, so have the repetitions */
    relay_until(bench, key, 4);

    const struct subscriber subscriber = {.type = &bench->type, .handle = count_effect};
    const struct subscription subscription = {.group = fixture_uuid(),
                                              .topics = &bench->type.topic,
                                              .topic_count = 1,
                                              .subscribers = &subscriber,
                                              .subscriber_count = 1,
                                              .dead_letters = "test.none"};
    fixture_consumer(subscription.group, SERVICE);
    struct consumer *consumer = consumer_new(&subscription);
    int64_t end = clock_monotonic() + PATIENCE_US;
    effects = 0;
    while (effects < 4) {
        assert_true(clock_monotonic() < end);
        consumer_step(consumer, bench->service, 100);
    }
    consumer_free(&consumer);
    struct reader reader = reader_new(bench);
    const int64_t log[] = {0, 1, 2, 0, 1, 2, 3};
    for (size_t i = 0; i < ARRAY_COUNT(log); i++) {
        assert_int_equal(read_note(&reader, key), log[i]);
    }
    kafka_consumer_free(&reader.kafka);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows_arrive_in_order_per_key_and_are_marked),
        TEST(test_more_rows_than_a_batch_ask_for_another_round),
        TEST(test_row_refused_holds_back_its_key_only),
        TEST(test_of_refused_rows_the_first_of_a_key_is_tried),
        TEST(test_row_is_not_through_before_the_earlier_ones_of_its_key),
        TEST(test_row_is_not_sent_before_the_earlier_ones_of_its_key),
        TEST(test_row_that_waits_for_nothing_goes_when_it_is_due),
        TEST(test_broker_away_loses_nothing),
        TEST(test_second_relay_takes_over_when_the_first_is_gone),
        TEST(test_row_delivered_twice_has_one_effect),
    };
    return cmocka_run_group_tests_name("outbox_relay", tests, NULL, NULL);
}
