/* The subscription of a daemon, driven record by record: retries, order, dead letters (EVT-016, EVT-020). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/io/kafka.h"
#include "common/run/consumer.h"
#include "common/run/daemon.h"
#include "tests/support/fixture.h"

#define ROLE "reservation_service"
#define PATIENCE_US (60 * CLOCK_SECOND)
#define METRICS_TEXT_MAX (1u << 20)

/* librdkafka's own, which the tests let fail so many times. */
static int pauses_to_fail;
static int seeks_to_fail;

rd_kafka_resp_err_t rd_kafka_pause_partitions(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_resp_err_t (*real)(rd_kafka_t *, rd_kafka_topic_partition_list_t *);
    *(void **)&real = dlsym(RTLD_NEXT, "rd_kafka_pause_partitions");
    return pauses_to_fail-- > 0 ? RD_KAFKA_RESP_ERR__STATE : real(rk, partitions);
}

rd_kafka_resp_err_t rd_kafka_seek(rd_kafka_topic_t *topic, int32_t partition, int64_t offset, int timeout_ms)
{
    rd_kafka_resp_err_t (*real)(rd_kafka_topic_t *, int32_t, int64_t, int);
    *(void **)&real = dlsym(RTLD_NEXT, "rd_kafka_seek");
    return seeks_to_fail-- > 0 ? RD_KAFKA_RESP_ERR__TIMED_OUT : real(topic, partition, offset, timeout_ms);
}

struct note {
    int64_t number;
};
SHAPE_OPEN(note_shape, struct note,
           {.name = "number", .type = FIELD_INT, .offset = offsetof(struct note, number), .max = 1000});

struct bench {
    struct ctx *ctx;
    struct arena *arena;
    char topic[64];
    char dead[64];
    const char *topics[1];
    struct event_type type;
    struct subscriber subscriber;
    struct subscription subscription;
    struct consumer *consumer;
    struct kafka_producer *producer;
};

static char run_dir[] = P_tmpdir "/test_consumer.XXXXXX"; /* of the metrics */

static int open_metrics(void **state)
{
    (void)state;
    return mkdtemp(run_dir) != NULL && metrics_open(run_dir, "test") ? 0 : 1;
}

static int remove_metrics(void **state)
{
    (void)state;
    return fixture_remove(run_dir);
}

/* What the handler does and has seen. */
static struct {
    int64_t handled[64]; /* numbers in the order of their success */
    int count;
    int attempts;
    int after;
    int failures; /* of number 0, still to come */
    const struct err *error;
    const struct err *later; /* after the first failure; NULL: the same */
} scene;

static const struct err *handle(struct ctx *ctx, const struct event *event, const void *payload)
{
    const struct note *note = payload;
    (void)ctx;
    (void)event;
    scene.attempts++;
    if (note->number == 0 && scene.failures > 0) {
        scene.failures--;
        return scene.later != NULL && scene.attempts > 1 ? scene.later : scene.error;
    }
    scene.handled[scene.count++] = note->number;
    return NULL;
}

static const struct err *after(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)ctx;
    (void)event;
    (void)payload;
    scene.after++;
    return &err_unavailable; /* without consequence */
}

static void on_acked(void *owner, void *opaque, const struct err *error)
{
    (void)owner;
    (void)opaque;
    assert_null(error);
}

static void create_topic(const char *name, int partitions)
{
    const struct kafka_topic topic = {.name = name, .partitions = partitions, .retention_ms = 600000};
    const char *why = "";
    assert_null(kafka_create_topics(&topic, 1, 10000, &why));
}

static int setup(void **state)
{
    static struct bench bench;
    memset(&scene, 0, sizeof scene);
    pauses_to_fail = seeks_to_fail = 0;
    bench = (struct bench){.ctx = fixture_ctx(ROLE, 0), .arena = arena_new(1 << 20)};
    snprintf(bench.topic, sizeof bench.topic, "test.%s", fixture_uuid());
    snprintf(bench.dead, sizeof bench.dead, "dead.%s", fixture_uuid());
    create_topic(bench.topic, 2);
    create_topic(bench.dead, 1);
    bench.topics[0] = bench.topic;
    bench.type = (struct event_type){
        .name = "NoteTaken", .topic = bench.topic, .aggregate_type = "Note", .payload = &note_shape};
    bench.subscriber = (struct subscriber){.type = &bench.type, .handle = handle, .after = after};
    bench.subscription = (struct subscription){.group = fixture_uuid(),
                                               .topics = bench.topics,
                                               .topic_count = 1,
                                               .subscribers = &bench.subscriber,
                                               .subscriber_count = 1,
                                               .dead_letters = bench.dead};
    fixture_consumer(bench.subscription.group, ROLE);
    bench.producer = kafka_producer_new(on_acked, NULL);
    bench.consumer = consumer_new(&bench.subscription);
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    consumer_free(&bench->consumer);
    kafka_producer_free(&bench->producer, 0);
    arena_free(&bench->arena);
    fixture_free(&bench->ctx);
    return 0;
}

static void send_value(struct bench *bench, const char *value)
{
    const struct kafka_record record = {.topic = bench->topic, .key = "one key", .value = value, .len = strlen(value)};
    assert_null(kafka_produce(bench->producer, &record));
    assert_true(kafka_producer_flush(bench->producer, 10000));
}

static const char *envelope(struct bench *bench, const char *id, const char *type, const char *payload)
{
    return arena_printf(bench->arena,
                        "{\"eventId\":\"%s\",\"eventType\":\"%s\",\"aggregateId\":\"%s\",\"aggregateType\":\"Note\","
                        "\"version\":\"v1\",\"timestamp\":\"2026-06-01T10:00:00Z\",\"metadata\":"
                        "{\"correlationId\":\"0123456789abcdef0123456789abcdef\"},\"payload\":%s}",
                        id, type, id, payload);
}

static void send_note(struct bench *bench, int number)
{
    const char *payload = arena_printf(bench->arena, "{\"number\":%d}", number);
    send_value(bench, envelope(bench, fixture_uuid(), "NoteTaken", payload));
}

/* How many records of this group have had that outcome. */
static int64_t counted(const struct bench *bench, const char *outcome)
{
    struct arena *arena = arena_new(METRICS_TEXT_MAX);
    const char *series = arena_printf(arena, "group=\"%s\",outcome=\"%s\"} ", bench->subscription.group, outcome);
    struct buf text;
    buf_init(&text, arena, METRICS_TEXT_MAX / 4);
    assert_null(metrics_write(run_dir, &text));
    const char *found = strstr(text.data, series);
    assert_non_null(found);
    int64_t count = strtoll(found + strlen(series), NULL, 10);
    arena_free(&arena);
    return count;
}

/* Drives the consumer until `count` notes are handled. */
static void run_until(struct bench *bench, int count)
{
    int64_t end = clock_monotonic() + PATIENCE_US;
    while (scene.count < count) {
        assert_true(clock_monotonic() < end);
        consumer_step(bench->consumer, bench->ctx, 100);
    }
    assert_int_equal(scene.count, count);
}

static const char *header(const struct kafka_record *record, const char *name)
{
    const char *value = kafka_record_header(record, name);
    return value != NULL ? value : "";
}

/* Checks the only dead letter: the original bytes, and where they came from. */
static void expect_dead_letter(struct bench *bench, const char *value, const char *error, const char *attempts)
{
    const char *topics[] = {bench->dead};
    struct kafka_consumer *reader = kafka_consumer_new(fixture_uuid(), topics, 1);
    const struct kafka_record *record = NULL;
    int64_t end = clock_monotonic() + PATIENCE_US;
    while (record == NULL) {
        assert_true(clock_monotonic() < end);
        record = kafka_consumer_poll(reader, 100);
    }
    assert_int_equal(record->len, strlen(value));
    assert_memory_equal(record->value, value, record->len);
    assert_string_equal(record->key, "one key");
    assert_string_equal(header(record, "source-topic"), bench->topic);
    assert_in_range(atoi(header(record, "source-partition")), 0, 1);
    assert_string_equal(header(record, "source-offset"), "0");
    assert_string_equal(header(record, "group"), bench->subscription.group);
    assert_string_equal(header(record, "error"), error);
    assert_string_equal(header(record, "last-error"), error);
    assert_string_equal(header(record, "attempts"), attempts);
    assert_null(kafka_consumer_poll(reader, 200));
    kafka_consumer_free(&reader);
}

static void test_event_is_handled_once_though_delivered_twice(void **state)
{
    struct bench *bench = *state;
    const char *twice = envelope(bench, fixture_uuid(), "NoteTaken", "{\"number\":1}");
    send_value(bench, twice);
    send_value(bench, twice);
    send_note(bench, 2);
    run_until(bench, 2);
    assert_int_equal(scene.handled[0], 1);
    assert_int_equal(scene.handled[1], 2);
    assert_int_equal(scene.attempts, 2);
    assert_int_equal(scene.after, 3); /* also of the repetition */
    assert_string_equal(bench->ctx->trace.id, "0123456789abcdef0123456789abcdef");
}

static void test_event_of_unknown_type_is_skipped(void **state)
{
    struct bench *bench = *state;
    send_value(bench, envelope(bench, fixture_uuid(), "SomethingElse", "{}"));
    send_note(bench, 1);
    run_until(bench, 1);
    assert_int_equal(scene.attempts, 1);
}

static void test_bytes_that_are_no_event_become_a_dead_letter(void **state)
{
    struct bench *bench = *state;
    send_value(bench, "\xff not an event");
    send_note(bench, 1);
    run_until(bench, 1);
    expect_dead_letter(bench, "\xff not an event", "INVALID_EVENT", "1");
}

static void test_payload_of_another_shape_becomes_a_dead_letter(void **state)
{
    struct bench *bench = *state;
    const char *bad = envelope(bench, fixture_uuid(), "NoteTaken", "{\"number\":\"one\"}");
    send_value(bench, bad);
    send_note(bench, 1);
    run_until(bench, 1);
    expect_dead_letter(bench, bad, "INVALID_PAYLOAD", "1");
}

static void test_store_away_is_waited_for_in_order(void **state)
{
    struct bench *bench = *state;
    scene.failures = 6; /* more than a message's tries */
    scene.error = &err_unavailable;
    for (int i = 0; i < 4; i++) {
        send_note(bench, i);
    }
    run_until(bench, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(scene.handled[i], i);
    }
    assert_int_equal(scene.attempts, 10);
}

/* However often it has failed before, for whatever reason. */
static void test_store_that_goes_away_meanwhile_is_waited_for(void **state)
{
    struct bench *bench = *state;
    scene.failures = 5;
    scene.error = &err_conflict;
    scene.later = &err_unavailable;
    send_note(bench, 0);
    send_note(bench, 1);
    run_until(bench, 1);
    assert_int_equal(scene.handled[0], 0);
    assert_int_equal(scene.attempts, 6);
}

/* The inbox tells at the next try whether the effect is there. */
static void test_commit_in_doubt_is_tried_until_it_is_certain(void **state)
{
    struct bench *bench = *state;
    scene.failures = 5;
    scene.error = &err_uncertain;
    send_note(bench, 0);
    send_note(bench, 1);
    run_until(bench, 1);
    assert_int_equal(scene.handled[0], 0);
    assert_int_equal(scene.attempts, 6);
}

static void test_failure_that_stays_becomes_a_dead_letter_and_the_rest_goes_on(void **state)
{
    struct bench *bench = *state;
    scene.failures = 1000;
    scene.error = &err_conflict;
    int64_t started = clock_monotonic();
    const char *bad = envelope(bench, fixture_uuid(), "NoteTaken", "{\"number\":0}");
    send_value(bench, bad);
    send_note(bench, 1);
    run_until(bench, 1);
    assert_int_equal(scene.attempts, 5); /* at once, after 1, 2 and 4 seconds; then the next one */
    assert_true(clock_monotonic() - started >= 7 * CLOCK_SECOND);
    expect_dead_letter(bench, bad, "CONFLICT", "4");
}

static void test_committed_records_do_not_come_again(void **state)
{
    struct bench *bench = *state;
    send_note(bench, 1);
    run_until(bench, 1);
    consumer_free(&bench->consumer);
    bench->consumer = consumer_new(&bench->subscription);
    send_note(bench, 2);
    run_until(bench, 2);
    assert_int_equal(scene.attempts, 2);
}

static const struct err *die(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)ctx;
    (void)event;
    (void)payload;
    raise(SIGKILL);
    return NULL;
}

static void consume_in_another_process(struct bench *bench)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct ctx *ctx = fixture_ctx(ROLE, 0);
    struct consumer *consumer = consumer_new(&bench->subscription);
    for (;;) {
        consumer_step(consumer, ctx, 100);
    }
}

/* Note 1 comes to a process that dies of it; then there is this one again. */
static void let_another_process_die(struct bench *bench)
{
    int status;
    consumer_free(&bench->consumer);
    send_note(bench, 1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        consume_in_another_process(bench);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    bench->subscriber.handle = handle;
    bench->subscriber.after = after;
    bench->consumer = consumer_new(&bench->subscription);
}

/* Nothing is committed before the effect is. */
static void test_record_of_a_process_killed_in_its_handler_comes_again(void **state)
{
    struct bench *bench = *state;
    bench->subscriber.handle = die;
    let_another_process_die(bench);
    send_note(bench, 2);
    run_until(bench, 1);
    assert_int_equal(scene.handled[0], 1);
}

/* Its effect is there; what follows the commit is made up for. */
static void test_record_of_a_process_killed_after_its_commit_is_followed_up(void **state)
{
    struct bench *bench = *state;
    bench->subscriber.after = die;
    let_another_process_die(bench);
    for (int64_t end = clock_monotonic() + PATIENCE_US; counted(bench, "repeated") == 0;) {
        assert_true(clock_monotonic() < end);
        consumer_step(bench->consumer, bench->ctx, 100);
    }
    assert_int_equal(scene.attempts, 0);
    assert_int_equal(scene.after, 1);
}

static void send_again(struct bench *bench, const char *value, const struct kafka_header *told, size_t count)
{
    const struct kafka_record again = {
        .topic = bench->topic, .value = value, .len = strlen(value), .headers = told, .header_count = count};
    assert_null(kafka_produce(bench->producer, &again));
    assert_true(kafka_producer_flush(bench->producer, 10000));
}

static void run_until_counted(struct bench *bench, const char *outcome, int64_t count)
{
    for (int64_t end = clock_monotonic() + PATIENCE_US; counted(bench, outcome) < count;) {
        assert_true(clock_monotonic() < end);
        consumer_step(bench->consumer, bench->ctx, 100);
    }
}

static void test_dead_letter_sent_again_is_for_the_group_that_gave_it_up(void **state)
{
    struct bench *bench = *state;
    const char *note = envelope(bench, fixture_uuid(), "NoteTaken", "{\"number\":1}");
    const struct kafka_header others = {"group", "another"}, ours = {"group", bench->subscription.group};
    send_again(bench, note, &others, 1);
    send_again(bench, "no event", &others, 1);
    run_until_counted(bench, "skipped", 2);
    assert_int_equal(scene.attempts, 0);
    assert_int_equal(counted(bench, "dead"), 0);
    send_again(bench, note, &ours, 1);
    run_until(bench, 1);
}

static void test_dead_letter_sent_again_tells_what_it_told_first(void **state)
{
    struct bench *bench = *state;
    const struct kafka_header told[] = {{"source-topic", "source"}, {"source-partition", "7"},
                                        {"source-offset", "42"},    {"error", "FIRST"},
                                        {"attempts", "4"},          {"last-error", "SECOND"}};
    send_again(bench, "no event", told, ARRAY_COUNT(told));
    run_until_counted(bench, "dead", 1);
    int64_t first, last;
    struct kafka_consumer *reader = kafka_consumer_alone(bench->dead, &first, &last, 10000);
    assert_non_null(reader);
    const struct kafka_record *record = kafka_consumer_poll(reader, 10000);
    assert_non_null(record);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(header(record, told[i].name), told[i].value);
    }
    assert_string_equal(header(record, "attempts"), "5");
    assert_string_equal(header(record, "last-error"), "INVALID_EVENT");
    kafka_consumer_free(&reader);
}

static void test_dead_letter_that_cannot_be_stored_keeps_its_record(void **state)
{
    struct bench *bench = *state;
    snprintf(bench->dead, sizeof bench->dead, "dead.%s", fixture_uuid());
    send_value(bench, "no event");
    send_note(bench, 1);
    for (int64_t end = clock_monotonic() + PATIENCE_US; counted(bench, "retried") < 2;) {
        assert_true(clock_monotonic() < end);
        consumer_step(bench->consumer, bench->ctx, 100);
        assert_int_equal(scene.attempts, 0);
        assert_int_equal(counted(bench, "dead"), 0);
    }
    create_topic(bench->dead, 1);
    run_until(bench, 1);
    expect_dead_letter(bench, "no event", "INVALID_EVENT", "1");
}

static void test_outcomes_are_counted_each_under_its_name(void **state)
{
    struct bench *bench = *state;
    const char *note = envelope(bench, fixture_uuid(), "NoteTaken", "{\"number\":1}");
    scene.failures = 4;
    scene.error = &err_unavailable;
    send_note(bench, 0); /* retried 4 times, then handled */
    send_value(bench, note);
    send_value(bench, note);
    send_value(bench, note);
    for (int i = 0; i < 3; i++) {
        send_value(bench, envelope(bench, fixture_uuid(), "SomethingElse", "{}"));
    }
    send_value(bench, "no event");
    send_note(bench, 2);
    send_note(bench, 3);
    send_note(bench, 4);
    run_until(bench, 5);
    static const struct {
        const char *outcome;
        int64_t count;
    } told[] = {{"handled", 5}, {"repeated", 2}, {"skipped", 3}, {"retried", 4}, {"dead", 1}};
    for (size_t i = 0; i < ARRAY_COUNT(told); i++) {
        assert_int_equal(counted(bench, told[i].outcome), told[i].count);
    }
}

/* The first of four records fails once, and its partition cannot be put back to it. */
static void expect_nothing_skipped(struct bench *bench)
{
    scene.failures = 1;
    scene.error = &err_unavailable;
    for (int i = 0; i < 4; i++) {
        send_note(bench, i);
    }
    for (int i = 0; i < 4; i++) {
        run_until(bench, i + 1);
        assert_int_equal(scene.handled[i], i);
    }
    assert_int_equal(scene.attempts, 5);
}

static void test_partition_that_cannot_be_paused_is_joined_anew(void **state)
{
    pauses_to_fail = 1;
    expect_nothing_skipped(*state);
}

static void test_partition_whose_seek_fails_is_joined_anew(void **state)
{
    seeks_to_fail = 1;
    expect_nothing_skipped(*state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_event_is_handled_once_though_delivered_twice),
        TEST(test_event_of_unknown_type_is_skipped),
        TEST(test_bytes_that_are_no_event_become_a_dead_letter),
        TEST(test_payload_of_another_shape_becomes_a_dead_letter),
        TEST(test_store_away_is_waited_for_in_order),
        TEST(test_store_that_goes_away_meanwhile_is_waited_for),
        TEST(test_commit_in_doubt_is_tried_until_it_is_certain),
        TEST(test_failure_that_stays_becomes_a_dead_letter_and_the_rest_goes_on),
        TEST(test_committed_records_do_not_come_again),
        TEST(test_record_of_a_process_killed_in_its_handler_comes_again),
        TEST(test_record_of_a_process_killed_after_its_commit_is_followed_up),
        TEST(test_dead_letter_sent_again_is_for_the_group_that_gave_it_up),
        TEST(test_dead_letter_sent_again_tells_what_it_told_first),
        TEST(test_dead_letter_that_cannot_be_stored_keeps_its_record),
        TEST(test_outcomes_are_counted_each_under_its_name),
        TEST(test_partition_that_cannot_be_paused_is_joined_anew),
        TEST(test_partition_whose_seek_fails_is_joined_anew),
    };
    return cmocka_run_group_tests_name("consumer", tests, open_metrics, remove_metrics);
}
