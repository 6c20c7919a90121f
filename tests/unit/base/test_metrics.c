#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/metrics.h"

static char dir[64];
static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    log_init("test_metrics", LOG_LEVEL_ERROR);
    arena = arena_new(16u << 20);
    strcpy(dir, "/tmp/test_metrics.XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%.64s'", dir);
    return system(command);
}

static const char *text(void)
{
    struct buf out;
    buf_init(&out, arena, 4u << 20);
    assert_null(metrics_write(dir, &out));
    return out.data;
}

static void assert_says(const char *line)
{
    const char *all = text();
    if (strstr(all, line) == NULL) {
        fail_msg("no '%s' in\n%s", line, all);
    }
}

static void test_metrics_counter_and_gauge_are_written(void **state)
{
    (void)state;
    assert_true(metrics_open(dir, "event"));
    struct metric *requests = metrics_get(METRIC_COUNTER, "requests_total", "status=\"2xx\"");
    struct metric *waiting = metrics_get(METRIC_GAUGE, "waiting", "");
    metrics_add(requests, 2);
    metrics_add(requests, 3);
    metrics_set(waiting, 9);
    metrics_set(waiting, -4);
    assert_says("# HELP requests_total requests total\n# TYPE requests_total counter\n"
                "requests_total{program=\"event\",status=\"2xx\"} 5\n");
    assert_says("# TYPE waiting gauge\nwaiting{program=\"event\"} -4\n");
}

static void test_metrics_histogram_buckets_are_cumulative(void **state)
{
    (void)state;
    assert_true(metrics_open(dir, "event"));
    struct metric *seconds = metrics_get(METRIC_HISTOGRAM, "seconds", "route=\"GET /\"");
    metrics_observe(seconds, 0);
    metrics_observe(seconds, 1000);
    metrics_observe(seconds, 1001);
    metrics_observe(seconds, 10000000);
    metrics_observe(seconds, 10000001);
    assert_says("# TYPE seconds histogram\nseconds_bucket{program=\"event\",route=\"GET /\",le=\"0.001\"} 2\n"
                "seconds_bucket{program=\"event\",route=\"GET /\",le=\"0.002\"} 3\n");
    assert_says("le=\"5\"} 3\nseconds_bucket{program=\"event\",route=\"GET /\",le=\"10\"} 4\n"
                "seconds_bucket{program=\"event\",route=\"GET /\",le=\"+Inf\"} 5\n"
                "seconds_sum{program=\"event\",route=\"GET /\"} 20.002002\n"
                "seconds_count{program=\"event\",route=\"GET /\"} 5\n");
}

static void test_metrics_get_again_is_the_same_series(void **state)
{
    (void)state;
    assert_true(metrics_open(dir, "event"));
    struct metric *first = metrics_get(METRIC_COUNTER, "a", "");
    assert_ptr_equal(metrics_get(METRIC_COUNTER, "a", ""), first);
    assert_ptr_not_equal(metrics_get(METRIC_COUNTER, "a", "b=\"1\""), first);
    assert_ptr_not_equal(metrics_get(METRIC_COUNTER, "aa", ""), first);
}

static void test_metrics_without_a_file_do_nothing(void **state)
{
    (void)state;
    assert_false(metrics_open("/dev/null/x", "event"));
    assert_null(metrics_get(METRIC_COUNTER, "a", ""));
    metrics_add(NULL, 1);
    metrics_set(NULL, 1);
    metrics_observe(NULL, 1);
    assert_string_equal(text(), "");
}

static void test_metrics_full_table_gives_null(void **state)
{
    (void)state;
    assert_true(metrics_open(dir, "event"));
    char labels[32];
    for (int i = 0; i < 4096; i++) {
        snprintf(labels, sizeof labels, "n=\"%d\"", i);
        assert_non_null(metrics_get(METRIC_COUNTER, "many", labels));
    }
    assert_null(metrics_get(METRIC_COUNTER, "many", "n=\"4096\""));
    assert_non_null(metrics_get(METRIC_COUNTER, "many", "n=\"4095\""));
    char name[100];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_null(metrics_get(METRIC_COUNTER, name, ""));
}

static void test_metrics_of_several_programs_form_one_group_per_name(void **state)
{
    (void)state;
    assert_true(metrics_open(dir, "user"));
    metrics_add(metrics_get(METRIC_COUNTER, "requests_total", ""), 1);
    metrics_add(metrics_get(METRIC_COUNTER, "zeta", ""), 1);
    assert_true(metrics_open(dir, "a\"b\\c"));
    metrics_add(metrics_get(METRIC_COUNTER, "requests_total", ""), 2);
    metrics_set(metrics_get(METRIC_GAUGE, "zeta", ""), 1);
    assert_says("# TYPE requests_total counter\nrequests_total{program=\"a\\\"b\\\\c\"} 2\n"
                "requests_total{program=\"user\"} 1\n# HELP zeta");
    const char *zeta = strstr(text(), "# TYPE zeta");
    assert_non_null(zeta);
    assert_null(strstr(zeta + 1, "# TYPE zeta"));
}

static void test_metrics_count_over_processes_and_restarts(void **state)
{
    (void)state;
    enum { PROCESSES = 4, TIMES = 1000 };
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            bool opened = metrics_open(dir, "event");
            for (int n = 0; n < TIMES; n++) {
                char labels[32];
                snprintf(labels, sizeof labels, "n=\"%d\"", n % 10);
                metrics_add(metrics_get(METRIC_COUNTER, "hits", labels), 1);
            }
            _exit(opened ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    for (int n = 0; n < 10; n++) {
        char line[64];
        snprintf(line, sizeof line, "hits{program=\"event\",n=\"%d\"} %d\n", n, PROCESSES * TIMES / 10);
        assert_says(line);
    }
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%.64s/metrics/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void test_metrics_write_skips_foreign_and_cut_files(void **state)
{
    (void)state;
    static unsigned char junk[100000];
    memset(junk, 0xff, sizeof junk);
    assert_true(metrics_open(dir, "event"));
    metrics_add(metrics_get(METRIC_COUNTER, "kept", ""), 1);
    write_file("junk.metrics", junk, sizeof junk);
    write_file("empty.metrics", "", 0);
    write_file("short.metrics", junk, 10);
    write_file(".metrics", junk, 10);
    write_file("readme.txt", "hello", 5);
    char path[128];
    snprintf(path, sizeof path, "%.64s/metrics/folder.metrics", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_string_equal(text(), "# HELP kept kept\n# TYPE kept counter\nkept{program=\"event\"} 1\n");
}

static void test_metrics_write_of_a_file_cut_at_any_byte_ends_well(void **state)
{
    (void)state;
    assert_true(metrics_open(dir, "event"));
    metrics_add(metrics_get(METRIC_COUNTER, "one", ""), 1);
    metrics_observe(metrics_get(METRIC_HISTOGRAM, "two", ""), 1);
    static unsigned char bytes[2000];
    char path[128];
    snprintf(path, sizeof path, "%.64s/metrics/event.metrics", dir);
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
    for (size_t len = 0; len <= sizeof bytes; len += 7) {
        write_file("cut.metrics", bytes, len);
        assert_says("one{program=\"event\"} 1\n");
        arena_reset(arena);
    }
    assert_says("one{program=\"cut\"} 1\n");
}

static void test_metrics_write_too_much_for_the_buffer_fails(void **state)
{
    (void)state;
    assert_true(metrics_open(dir, "event"));
    metrics_add(metrics_get(METRIC_COUNTER, "a", ""), 1);
    struct buf out;
    buf_init(&out, arena, 20);
    assert_ptr_equal(metrics_write(dir, &out), &err_internal);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_metrics_counter_and_gauge_are_written),
        IN_DIR(test_metrics_histogram_buckets_are_cumulative),
        IN_DIR(test_metrics_get_again_is_the_same_series),
        IN_DIR(test_metrics_without_a_file_do_nothing),
        IN_DIR(test_metrics_full_table_gives_null),
        IN_DIR(test_metrics_of_several_programs_form_one_group_per_name),
        IN_DIR(test_metrics_count_over_processes_and_restarts),
        IN_DIR(test_metrics_write_skips_foreign_and_cut_files),
        IN_DIR(test_metrics_write_of_a_file_cut_at_any_byte_ends_well),
        IN_DIR(test_metrics_write_too_much_for_the_buffer_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
