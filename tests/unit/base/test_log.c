#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/base/log.h"
#include "common/json/json.h"
#include "tests/support/capture.h"

/* The one line in `captured`, parsed strictly. */
static const struct json *parse_line(struct arena *arena)
{
    size_t len = strlen(captured);
    assert_true(len > 0);
    assert_ptr_equal(strchr(captured, '\n'), captured + len - 1);
    const struct json *line;
    const char *why = NULL;
    if (json_parse(arena, captured, len - 1, &line, &why) != NULL) {
        fail_msg("not JSON (%s): %s", why, captured);
    }
    return line;
}

static int setup(void **state)
{
    log_init("tester", LOG_LEVEL_INFO);
    *state = arena_new(1u << 20);
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

static void log_with_context(void)
{
    struct log_ctx process = {0};
    struct log_ctx request = {.parent = &process};
    log_field(&process, "pool", "a");
    log_field(&request, "trace_id", "first");
    log_field(&request, "trace_id", "second");
    log_field(&request, "nothing", NULL);
    log_warn(&request, "bad '%s'", "foo");
}

static void test_log_line_carries_everything(void **state)
{
    capture(log_with_context);
    const struct json *line = parse_line(*state);
    assert_string_equal(json_str(json_get(line, "level")), "warn");
    assert_string_equal(json_str(json_get(line, "program")), "tester");
    assert_string_equal(json_str(json_get(line, "msg")), "bad 'foo'");
    assert_string_equal(json_str(json_get(line, "trace_id")), "second");
    assert_string_equal(json_str(json_get(line, "pool")), "a");
    assert_null(json_get(line, "nothing"));
    assert_int_equal(json_int(json_get(line, "pid"), 0), getpid());
    const char *time = json_str(json_get(line, "time"));
    assert_int_equal(strlen(time), strlen("2026-06-01T10:00:00.000Z"));
    assert_int_equal(time[23], 'Z');
}

static void log_hostile(void)
{
    log_error(NULL, "%s", "a\nb\"c\\d\x01\x7f\xc2\x85\xff\xed\xa0\x80 한글");
}

static void test_log_hostile_text_stays_one_valid_line(void **state)
{
    capture(log_hostile);
    parse_line(*state);
    assert_non_null(strstr(captured, "a\\u000ab\\\"c\\\\d\\u0001\\u007f\\u0085\\ufffd\\ufffd\\ufffd\\ufffd 한글"));
}

static void log_below_least(void)
{
    log_debug(NULL, "not to be seen");
}

static void test_log_below_the_least_level_is_silent(void **state)
{
    (void)state;
    assert_int_equal(capture(log_below_least), 0);
    log_init("tester", LOG_LEVEL_DEBUG);
    assert_true(capture(log_below_least) > 0);
}

static void log_huge(void)
{
    static char huge[40000];
    memset(huge, '\x01', sizeof huge - 1);
    struct log_ctx ctx = {0};
    log_field(&ctx, "trace_id", "kept");
    log_field(&ctx, "huge", huge);
    log_field(&ctx, "lost", huge);
    log_info(&ctx, "%s", huge);
}

static void test_log_huge_line_is_cut_and_valid(void **state)
{
    assert_true(capture(log_huge) <= 8192);
    const struct json *line = parse_line(*state);
    assert_string_equal(json_str(json_get(line, "trace_id")), "kept");
}

static void log_multibyte(void)
{
    static char huge[40000];
    for (size_t i = 0; i + 4 < sizeof huge; i += 3) {
        memcpy(huge + i, "한", 4);
    }
    log_info(NULL, "x%s", huge);
    log_info(NULL, "xx%s", huge);
    log_info(NULL, "%s", huge);
}

static void test_log_cut_never_splits_a_character(void **state)
{
    capture(log_multibyte);
    char *rest = captured;
    for (int i = 0; i < 3; i++) {
        char *end = strchr(rest, '\n');
        assert_non_null(end);
        const struct json *line;
        assert_null(json_parse(*state, rest, (size_t)(end - rest), &line, NULL));
        assert_null(strstr(json_str(json_get(line, "msg")), "\xef\xbf\xbd\xef\xbf\xbd"));
        rest = end + 1;
    }
}

static void log_many_fields(void)
{
    static const char *const keys[] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"};
    struct log_ctx ctx = {0};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        log_field(&ctx, keys[i], "v");
    }
    log_info(&ctx, "many");
}

static void test_log_field_in_a_full_table_is_ignored(void **state)
{
    capture(log_many_fields);
    const struct json *line = parse_line(*state);
    assert_non_null(json_get(line, "k7"));
    assert_null(json_get(line, "k8"));
}

static void test_log_keeps_errno(void **state)
{
    (void)state;
    errno = ENOTTY;
    capture(log_with_context);
    errno = ENOTTY;
    int closed = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    log_error(NULL, "nobody hears this");
    int kept = errno;
    dup2(closed, STDERR_FILENO);
    close(closed);
    assert_int_equal(kept, ENOTTY);
}

/* Status of a child that ends by fn(). */
static int end_of(void (*fn)(void))
{
    pid_t child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        fn();
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void be_fatal(void)
{
    log_fatal("no disk");
}

static void panic(void)
{
    log_panic("our bug");
}

static void test_log_fatal_exits_1_and_panic_aborts(void **state)
{
    (void)state;
    int status = end_of(be_fatal);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    status = end_of(panic);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

#define LOGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOGGED(test_log_line_carries_everything),
        LOGGED(test_log_hostile_text_stays_one_valid_line),
        LOGGED(test_log_below_the_least_level_is_silent),
        LOGGED(test_log_huge_line_is_cut_and_valid),
        LOGGED(test_log_cut_never_splits_a_character),
        LOGGED(test_log_field_in_a_full_table_is_ignored),
        LOGGED(test_log_keeps_errno),
        LOGGED(test_log_fatal_exits_1_and_panic_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
