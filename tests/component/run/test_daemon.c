/* daemon: ticks, draining, the watchdog; the subscription's retries, order and dead letters (EVT-016, EVT-020). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/kafka.h"
#include "common/run/consumer.h"
#include "common/run/daemon.h"
#include "common/run/watchdog.h"
#include "tests/support/fixture.h"

#define ROLE "reservation_service"
#define PATIENCE_US (60 * CLOCK_SECOND)

/* ---- ticks: a daemon in a child process that reports through a pipe ---- */

static int report_fd;
static int go_fd;
static int64_t period_ms = 1;

static void report(char what)
{
    if (write(report_fd, &what, 1) != 1) {
        _exit(99);
    }
}

static const struct err *tick_steady(struct ctx *ctx, bool *more_r)
{
    (void)ctx;
    (void)more_r;
    report('t');
    return NULL;
}

static const struct err *tick_failing(struct ctx *ctx, bool *more_r)
{
    static int runs;
    (void)ctx;
    (void)more_r;
    report(runs == 0 ? 'f' : 't');
    return runs++ == 0 ? &err_unavailable : NULL;
}

static const struct err *tick_slow(struct ctx *ctx, bool *more_r)
{
    char byte;
    (void)ctx;
    (void)more_r;
    report('b');
    if (read(go_fd, &byte, 1) != 1) { /* interrupted: the signal was let in too early */
        _exit(98);
    }
    report('e');
    return NULL;
}

static const struct err *tick_endless(struct ctx *ctx, bool *more_r)
{
    char byte;
    (void)ctx;
    (void)more_r;
    report('b');
    return read(go_fd, &byte, 1) == 1 ? NULL : &err_internal;
}

static void drain(struct ctx *ctx)
{
    (void)ctx;
    report('d');
}

struct child {
    pid_t pid;
    int reports;
    int go;
};

static struct child start(const struct err *(*run)(struct ctx *ctx, bool *more_r), const char *option)
{
    int reports[2];
    int go[2];
    assert_int_equal(pipe(reports), 0);
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct tick tick = {.name = "test", .period_ms = &period_ms, .run = run};
        const struct daemon daemon = {.name = "test-daemon", .drain = drain, .ticks = &tick, .tick_count = 1};
        char *argv[] = {(char *)"test-daemon", (char *)option, NULL};
        report_fd = reports[1];
        go_fd = go[0];
        close(go[1]);
        _exit(daemon_main(&daemon, option != NULL ? 2 : 1, argv));
    }
    close(reports[1]);
    close(go[0]);
    return (struct child){.pid = pid, .reports = reports[0], .go = go[1]};
}

static void expect_report(const struct child *child, char what)
{
    char got = 0;
    assert_int_equal(read(child->reports, &got, 1), 1);
    assert_int_equal(got, what);
}

static int exit_status(const struct child *child)
{
    int status;
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    close(child->reports);
    close(child->go);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static char run_dir[] = P_tmpdir "/test_daemon.XXXXXX";

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_run_dir(void **state)
{
    (void)state;
    return nftw(run_dir, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

static int prepare_run_dir(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(run_dir));
    setenv("BOX_RUN_DIR", run_dir, 1);
    setenv("BOX_SANDBOX", "1", 1);
    return 0;
}

static void test_ticks_run_until_sigterm_then_drain(void **state)
{
    (void)state;
    struct child child = start(tick_steady, NULL);
    for (int i = 0; i < 3; i++) {
        expect_report(&child, 't');
    }
    kill(child.pid, SIGTERM);
    char got = 't';
    while (got == 't') {
        assert_int_equal(read(child.reports, &got, 1), 1);
    }
    assert_int_equal(got, 'd');
    assert_int_equal(exit_status(&child), 0);
}

static void test_tick_failed_is_tried_again(void **state)
{
    (void)state;
    struct child child = start(tick_failing, NULL);
    expect_report(&child, 'f');
    expect_report(&child, 't');
    kill(child.pid, SIGINT);
    exit_status(&child);
}

static void test_signal_in_a_tick_lets_it_finish(void **state)
{
    (void)state;
    struct child child = start(tick_slow, NULL);
    expect_report(&child, 'b');
    kill(child.pid, SIGTERM);
    assert_int_equal(write(child.go, "g", 1), 1);
    expect_report(&child, 'e');
    expect_report(&child, 'd');
    assert_int_equal(exit_status(&child), 0);
}

static void test_tick_without_end_meets_the_watchdog(void **state)
{
    (void)state;
    setenv("BOX_WATCHDOG_MS", "1000", 1);
    struct child child = start(tick_endless, NULL);
    unsetenv("BOX_WATCHDOG_MS");
    expect_report(&child, 'b');
    assert_int_equal(exit_status(&child), WATCHDOG_STATUS);
}

static void test_options_have_exit_statuses(void **state)
{
    (void)state;
    struct child child = start(tick_steady, "--version");
    assert_int_equal(exit_status(&child), 0);
    child = start(tick_steady, "--no-such-option");
    assert_int_equal(exit_status(&child), 2);
    setenv("BOX_WATCHDOG_MS", "soon", 1);
    child = start(tick_steady, NULL);
    unsetenv("BOX_WATCHDOG_MS");
    assert_int_equal(exit_status(&child), 1);
}

/* ---- the subscription, driven record by record ---- */

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

/* What the handler does and has seen. */
static struct {
    int64_t handled[64]; /* numbers in the order of their success */
    int count;
    int attempts;
    int after;
    int failures; /* of number 0, still to come */
    const struct err *error;
} scene;

static const struct err *handle(struct ctx *ctx, const struct event *event, const void *payload)
{
    const struct note *note = payload;
    (void)ctx;
    (void)event;
    scene.attempts++;
    if (note->number == 0 && scene.failures > 0) {
        scene.failures--;
        return scene.error;
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

static int setup(void **state)
{
    static struct bench bench;
    memset(&scene, 0, sizeof scene);
    bench = (struct bench){.ctx = fixture_ctx(ROLE, 0), .arena = arena_new(1 << 20)};
    snprintf(bench.topic, sizeof bench.topic, "test.%s", fixture_uuid());
    snprintf(bench.dead, sizeof bench.dead, "dead.%s", fixture_uuid());
    const struct kafka_topic topics[] = {{.name = bench.topic, .partitions = 2, .retention_ms = 600000},
                                         {.name = bench.dead, .partitions = 1, .retention_ms = 600000}};
    const char *why = "";
    assert_null(kafka_create_topics(topics, 2, 10000, &why));
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

static void send(struct bench *bench, const char *value)
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
    send(bench, envelope(bench, fixture_uuid(), "NoteTaken", payload));
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
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            return record->headers[i].value;
        }
    }
    return "";
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
    assert_string_equal(header(record, "error"), error);
    assert_string_equal(header(record, "attempts"), attempts);
    assert_null(kafka_consumer_poll(reader, 200));
    kafka_consumer_free(&reader);
}

static void test_event_is_handled_once_though_delivered_twice(void **state)
{
    struct bench *bench = *state;
    const char *twice = envelope(bench, fixture_uuid(), "NoteTaken", "{\"number\":1}");
    send(bench, twice);
    send(bench, twice);
    send_note(bench, 2);
    run_until(bench, 2);
    assert_int_equal(scene.handled[0], 1);
    assert_int_equal(scene.handled[1], 2);
    assert_int_equal(scene.attempts, 2);
    assert_int_equal(scene.after, 2);
    assert_string_equal(bench->ctx->trace.id, "0123456789abcdef0123456789abcdef");
}

static void test_event_of_unknown_type_is_skipped(void **state)
{
    struct bench *bench = *state;
    send(bench, envelope(bench, fixture_uuid(), "SomethingElse", "{}"));
    send_note(bench, 1);
    run_until(bench, 1);
    assert_int_equal(scene.attempts, 1);
}

static void test_bytes_that_are_no_event_become_a_dead_letter(void **state)
{
    struct bench *bench = *state;
    send(bench, "\xff not an event");
    send_note(bench, 1);
    run_until(bench, 1);
    expect_dead_letter(bench, "\xff not an event", "INVALID_EVENT", "1");
}

static void test_payload_of_another_shape_becomes_a_dead_letter(void **state)
{
    struct bench *bench = *state;
    const char *bad = envelope(bench, fixture_uuid(), "NoteTaken", "{\"number\":\"one\"}");
    send(bench, bad);
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

static void test_failure_that_stays_becomes_a_dead_letter_and_the_rest_goes_on(void **state)
{
    struct bench *bench = *state;
    scene.failures = 1000;
    scene.error = &err_conflict;
    int64_t started = clock_monotonic();
    const char *bad = envelope(bench, fixture_uuid(), "NoteTaken", "{\"number\":0}");
    send(bench, bad);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks_run_until_sigterm_then_drain),
        cmocka_unit_test(test_tick_failed_is_tried_again),
        cmocka_unit_test(test_signal_in_a_tick_lets_it_finish),
        cmocka_unit_test(test_tick_without_end_meets_the_watchdog),
        cmocka_unit_test(test_options_have_exit_statuses),
        TEST(test_event_is_handled_once_though_delivered_twice),
        TEST(test_event_of_unknown_type_is_skipped),
        TEST(test_bytes_that_are_no_event_become_a_dead_letter),
        TEST(test_payload_of_another_shape_becomes_a_dead_letter),
        TEST(test_store_away_is_waited_for_in_order),
        TEST(test_failure_that_stays_becomes_a_dead_letter_and_the_rest_goes_on),
        TEST(test_committed_records_do_not_come_again),
    };
    return cmocka_run_group_tests_name("daemon", tests, prepare_run_dir, remove_run_dir);
}
