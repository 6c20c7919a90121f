/* kafka against a real broker: topics, acknowledgements, commits, held partitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/io/kafka.h"
#include "tests/support/fixture.h"

#define PATIENCE_US (30 * CLOCK_SECOND)
#define POLL_MS 100

struct bench {
    struct ctx *ctx;
    const char *topic; /* of this test alone */
    const char *group;
    struct kafka_producer *producer;
    int acked;
    int refused;
};

static void on_acked(void *owner, void *opaque, const struct err *error)
{
    (void)opaque;
    struct bench *bench = owner;
    bench->acked += error == NULL;
    bench->refused += error != NULL;
}

static int setup(void **state)
{
    static struct bench bench;
    bench = (struct bench){.ctx = fixture_ctx(NULL, 0), .group = fixture_uuid()};
    bench.topic = arena_printf(bench.ctx->arena, "test.%s", fixture_uuid());
    bench.producer = kafka_producer_new(on_acked, &bench);
    const struct kafka_topic topic = {.name = bench.topic, .partitions = 2, .retention_ms = 600000};
    const char *why = "";
    assert_null(kafka_create_topics(&topic, 1, 10000, &why));
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    kafka_producer_free(&bench->producer, 0);
    fixture_free(&bench->ctx);
    return 0;
}

static void send(struct bench *bench, const char *key, const char *value)
{
    const struct kafka_record record = {.topic = bench->topic, .key = key, .value = value, .len = strlen(value)};
    assert_null(kafka_produce(bench->producer, &record));
}

static void flush(struct bench *bench)
{
    assert_true(kafka_producer_flush(bench->producer, 10000));
}

static struct kafka_consumer *join(struct bench *bench)
{
    return kafka_consumer_new(bench->group, &bench->topic, 1);
}

static const struct kafka_record *next(struct kafka_consumer *consumer)
{
    int64_t end = clock_monotonic() + PATIENCE_US;
    const struct kafka_record *record = NULL;
    while (record == NULL && clock_monotonic() < end) {
        record = kafka_consumer_poll(consumer, POLL_MS);
    }
    assert_non_null(record);
    return record;
}

static void expect(struct kafka_consumer *consumer, const char *value)
{
    const struct kafka_record *record = next(consumer);
    assert_int_equal(record->len, strlen(value));
    assert_memory_equal(record->value, value, record->len);
}

static void test_topics_existing_are_left_alone(void **state)
{
    struct bench *bench = *state;
    const struct kafka_topic topics[] = {{.name = bench->topic, .partitions = 9, .retention_ms = 1000}};
    const char *why = "";
    assert_null(kafka_create_topics(topics, 1, 10000, &why));
}

static void test_topics_refused_tell_why(void **state)
{
    (void)state;
    const struct kafka_topic topics[] = {{.name = "not a topic/name", .partitions = 1, .retention_ms = 1000}};
    const char *why = "";
    assert_non_null(kafka_create_topics(topics, 1, 10000, &why));
    assert_non_null(strstr(why, "not a topic/name"));
}

static void test_record_comes_with_key_headers_and_place(void **state)
{
    struct bench *bench = *state;
    const struct kafka_header headers[] = {{"one", "1"}, {"two", ""}};
    const struct kafka_record sent = {
        .topic = bench->topic, .key = "k", .value = "a\0b", .len = 3, .headers = headers, .header_count = 2};
    assert_null(kafka_produce(bench->producer, &sent));
    flush(bench);
    assert_int_equal(bench->acked, 1);
    struct kafka_consumer *consumer = join(bench);
    const struct kafka_record *record = next(consumer);
    assert_string_equal(record->topic, bench->topic);
    assert_string_equal(record->key, "k");
    assert_int_equal(record->len, 3);
    assert_memory_equal(record->value, "a\0b", 3);
    assert_int_equal(record->offset, 0);
    assert_int_equal(record->header_count, 2);
    assert_string_equal(record->headers[0].name, "one");
    assert_string_equal(record->headers[0].value, "1");
    assert_string_equal(record->headers[1].value, "");
    kafka_consumer_free(&consumer);
}

static void test_commit_is_where_the_next_member_begins(void **state)
{
    struct bench *bench = *state;
    send(bench, "k", "first");
    send(bench, "k", "second");
    flush(bench);
    struct kafka_consumer *consumer = join(bench);
    const struct kafka_record *record = next(consumer);
    assert_null(kafka_consumer_commit(consumer, record));
    expect(consumer, "second"); /* not committed */
    kafka_consumer_free(&consumer);
    consumer = join(bench);
    expect(consumer, "second");
    kafka_consumer_free(&consumer);
}

/* Keys of two different partitions, found by looking. */
static void two_keys(struct bench *bench, const char *keys[2])
{
    struct kafka_consumer *consumer = kafka_consumer_new(fixture_uuid(), &bench->topic, 1);
    int found = 0;
    for (int i = 0; found != 3; i++) {
        const char *key = arena_printf(bench->ctx->arena, "key-%d", i);
        send(bench, key, "probe");
        flush(bench);
        int32_t partition = next(consumer)->partition;
        keys[partition] = key;
        found |= 1 << partition;
    }
    kafka_consumer_free(&consumer);
}

/* The group begins here: what came before is committed. */
static struct kafka_consumer *join_after_probes(struct bench *bench, int probes)
{
    struct kafka_consumer *consumer = join(bench);
    for (int i = 0; i < probes; i++) {
        assert_null(kafka_consumer_commit(consumer, next(consumer)));
    }
    return consumer;
}

static void test_held_record_comes_again_and_others_go_on(void **state)
{
    struct bench *bench = *state;
    const char *keys[2];
    two_keys(bench, keys);
    struct kafka_consumer *consumer = join_after_probes(bench, bench->acked);
    for (int i = 0; i < 3; i++) {
        send(bench, keys[0], arena_printf(bench->ctx->arena, "held-%d", i));
    }
    flush(bench);
    const struct kafka_record *record = next(consumer);
    int32_t partition = record->partition;
    assert_memory_equal(record->value, "held-0", 6);
    assert_null(kafka_consumer_hold(consumer, record));
    for (int i = 0; i < 3; i++) {
        send(bench, keys[1], "free");
    }
    flush(bench);
    for (int i = 0; i < 3; i++) {
        expect(consumer, "free");
    }
    assert_null(kafka_consumer_poll(consumer, 300)); /* the held partition stays silent */
    kafka_consumer_resume(consumer, bench->topic, partition);
    expect(consumer, "held-0");
    expect(consumer, "held-1");
    expect(consumer, "held-2");
    kafka_consumer_free(&consumer);
}

static void test_held_record_can_be_held_again(void **state)
{
    struct bench *bench = *state;
    send(bench, "k", "a");
    send(bench, "k", "b");
    flush(bench);
    struct kafka_consumer *consumer = join(bench);
    for (int i = 0; i < 3; i++) {
        const struct kafka_record *record = next(consumer);
        int32_t partition = record->partition;
        assert_memory_equal(record->value, "a", 1);
        assert_null(kafka_consumer_hold(consumer, record));
        kafka_consumer_resume(consumer, bench->topic, partition);
    }
    const struct kafka_record *record = next(consumer);
    assert_memory_equal(record->value, "a", 1);
    assert_null(kafka_consumer_commit(consumer, record));
    expect(consumer, "b");
    kafka_consumer_free(&consumer);
}

static void test_broker_away_gives_up_only_when_told(void **state)
{
    struct bench *bench = *state;
    cfg_kafka.brokers = "127.0.0.1:1";
    struct kafka_producer *producer = kafka_producer_new(on_acked, bench);
    const struct kafka_record record = {.topic = bench->topic, .value = "x", .len = 1};
    assert_null(kafka_produce(producer, &record));
    assert_false(kafka_producer_flush(producer, 200));
    assert_int_equal(bench->refused, 0);
    kafka_producer_free(&producer, 0);
    assert_int_equal(bench->refused, 1);
    assert_ptr_equal(kafka_ping(200), &err_unavailable);
}

static void test_topic_missing_is_refused(void **state)
{
    struct bench *bench = *state;
    const struct kafka_record record = {.topic = "test.none", .value = "x", .len = 1};
    assert_null(kafka_produce(bench->producer, &record));
    flush(bench);
    assert_int_equal(bench->refused, 1);
}

static void test_ping_broker_there(void **state)
{
    (void)state;
    assert_null(kafka_ping(10000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_topics_existing_are_left_alone),
        TEST(test_topics_refused_tell_why),
        TEST(test_record_comes_with_key_headers_and_place),
        TEST(test_commit_is_where_the_next_member_begins),
        TEST(test_held_record_comes_again_and_others_go_on),
        TEST(test_held_record_can_be_held_again),
        TEST(test_broker_away_gives_up_only_when_told),
        TEST(test_topic_missing_is_refused),
        TEST(test_ping_broker_there),
    };
    return cmocka_run_group_tests_name("kafka", tests, NULL, NULL);
}
