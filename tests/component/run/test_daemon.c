/* daemon: ticks, draining, the watchdog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/run/daemon.h"
#include "common/run/watchdog.h"
#include "tests/support/fixture.h"

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

static int remove_run_dir(void **state)
{
    (void)state;
    return fixture_remove(run_dir);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks_run_until_sigterm_then_drain),
        cmocka_unit_test(test_tick_failed_is_tried_again),
        cmocka_unit_test(test_signal_in_a_tick_lets_it_finish),
        cmocka_unit_test(test_tick_without_end_meets_the_watchdog),
        cmocka_unit_test(test_options_have_exit_statuses),
    };
    return cmocka_run_group_tests_name("daemon", tests, prepare_run_dir, remove_run_dir);
}
