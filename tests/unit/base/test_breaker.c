#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/breaker.h"
#include "common/base/clock.h"
#include "common/base/log.h"

static const struct breaker_policy policy = {
    .window = 10, .min_calls = 4, .open_percent = 50, .open_ms = 60000, .probes = 3, .slow_ms = 2000};

static char dir[64];
static struct breaker *breaker;

static int setup(void **state)
{
    (void)state;
    log_init("test_breaker", LOG_LEVEL_ERROR);
    strcpy(dir, "/tmp/test_breaker.XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    breaker = breaker_open(dir, "portal", &policy);
    return breaker != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    breaker_close(&breaker);
    assert_null(breaker);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%.64s'", dir);
    return system(command);
}

static struct breaker_permit allowed(void)
{
    struct breaker_permit permit;
    assert_true(breaker_allow(breaker, &permit));
    return permit;
}

static void assert_blocked(void)
{
    struct breaker_permit permit;
    assert_false(breaker_allow(breaker, &permit));
}

static void call(bool success)
{
    struct breaker_permit permit = allowed();
    breaker_done(breaker, &permit, success);
}

static void calls(int count, bool success)
{
    for (int i = 0; i < count; i++) {
        call(success);
    }
}

static void skip_s(int64_t seconds)
{
    clock_skip(seconds * CLOCK_SECOND);
}

static void test_breaker_below_min_calls_stays_closed(void **state)
{
    (void)state;
    calls(3, false);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
    assert_int_equal(breaker_retry_after_s(breaker), 0);
}

static void test_breaker_at_the_failure_share_opens(void **state)
{
    (void)state;
    calls(2, true);
    call(false);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
    call(false);
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
    assert_blocked();
    assert_int_equal(breaker_retry_after_s(breaker), 60);
    skip_s(20);
    assert_int_equal(breaker_retry_after_s(breaker), 40);
    assert_blocked();
}

static void test_breaker_window_forgets_the_oldest(void **state)
{
    (void)state;
    call(true);
    call(true);
    call(true);
    call(true);
    calls(3, false);
    calls(10, true);
    calls(4, false);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
    call(false);
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
}

static void test_breaker_slow_calls_count_as_failures(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct breaker_permit permit = allowed();
        skip_s(3);
        breaker_done(breaker, &permit, true);
    }
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
}

static void open_it(void)
{
    calls(4, false);
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
}

static void test_breaker_half_open_lets_probes_through_and_closes(void **state)
{
    (void)state;
    open_it();
    skip_s(60);
    assert_int_equal(breaker_retry_after_s(breaker), 0);
    struct breaker_permit probes[] = {allowed(), allowed(), allowed()};
    assert_blocked();
    assert_true(breaker_retry_after_s(breaker) > 0);
    breaker_done(breaker, &probes[0], true);
    breaker_done(breaker, &probes[1], true);
    assert_int_equal(breaker_state(breaker), BREAKER_HALF_OPEN);
    breaker_done(breaker, &probes[2], true);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
    calls(3, false);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
}

static void test_breaker_failed_probe_opens_again(void **state)
{
    (void)state;
    open_it();
    skip_s(60);
    struct breaker_permit first = allowed();
    struct breaker_permit second = allowed();
    breaker_done(breaker, &first, false);
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
    assert_blocked();
    breaker_done(breaker, &second, true);
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
}

static void test_breaker_results_of_an_older_state_do_not_count(void **state)
{
    (void)state;
    struct breaker_permit late = allowed();
    open_it();
    skip_s(60);
    struct breaker_permit probe = allowed();
    breaker_done(breaker, &late, false);
    assert_int_equal(breaker_state(breaker), BREAKER_HALF_OPEN);
    breaker_done(breaker, &late, true);
    breaker_done(breaker, &late, true);
    breaker_done(breaker, &late, true);
    assert_int_equal(breaker_state(breaker), BREAKER_HALF_OPEN);
    breaker_done(breaker, &probe, true);
    calls(2, true);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
}

static void test_breaker_results_from_before_an_outage_do_not_count_after_it(void **state)
{
    (void)state;
    struct breaker_permit late = allowed();
    open_it();
    skip_s(60);
    calls(3, true);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
    breaker_done(breaker, &late, false);
    calls(3, false); /* with the late one they would be enough */
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
}

static void test_breaker_lost_probes_do_not_block_for_ever(void **state)
{
    (void)state;
    open_it();
    skip_s(60);
    struct breaker_permit lost = allowed();
    allowed();
    allowed();
    assert_blocked();
    skip_s(60);
    calls(2, true);
    breaker_done(breaker, &lost, true);
    assert_int_equal(breaker_state(breaker), BREAKER_HALF_OPEN);
    call(true);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
}

/* Runs fn() in a child that opens the breaker itself; returns the child's wait status. */
static int in_another_process(void (*fn)(void))
{
    pid_t child = fork();
    if (child == 0) {
        breaker = breaker_open(dir, "portal", &policy);
        fn();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return status;
}

static void fail_four_times(void)
{
    calls(4, false);
}

static void test_breaker_state_is_shared_by_processes(void **state)
{
    (void)state;
    assert_int_equal(in_another_process(fail_four_times), 0);
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
    assert_blocked();
}

static void die_while_calling(void)
{
    allowed();
    raise(SIGKILL);
}

static void test_breaker_survives_a_killed_caller(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(in_another_process(die_while_calling)));
    calls(3, false);
    assert_int_equal(breaker_state(breaker), BREAKER_CLOSED);
    call(false);
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
}

static void test_breaker_other_name_is_another_breaker(void **state)
{
    (void)state;
    struct breaker *other = breaker_open(dir, "other", &policy);
    open_it();
    assert_int_equal(breaker_state(other), BREAKER_CLOSED);
    breaker_close(&other);
}

static void test_breaker_with_a_smaller_window_reads_the_same_file(void **state)
{
    (void)state;
    calls(10, true);
    struct breaker_policy small = policy;
    small.window = 4;
    struct breaker *other = breaker_open(dir, "portal", &small);
    for (int i = 0; i < 2; i++) {
        struct breaker_permit permit;
        assert_true(breaker_allow(other, &permit));
        breaker_done(other, &permit, false);
    }
    assert_int_equal(breaker_state(breaker), BREAKER_OPEN);
    breaker_close(&other);
}

static void test_breaker_without_shared_memory_lets_through(void **state)
{
    (void)state;
    struct breaker *none = breaker_open("/dev/null/x", "portal", &policy);
    struct breaker_permit permit;
    assert_null(none);
    assert_true(breaker_allow(none, &permit));
    breaker_done(none, &permit, false);
    assert_int_equal(breaker_state(none), BREAKER_CLOSED);
    assert_int_equal(breaker_retry_after_s(none), 0);
    breaker_close(&none);
}

#define SHARED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARED(test_breaker_below_min_calls_stays_closed),
        SHARED(test_breaker_at_the_failure_share_opens),
        SHARED(test_breaker_window_forgets_the_oldest),
        SHARED(test_breaker_slow_calls_count_as_failures),
        SHARED(test_breaker_half_open_lets_probes_through_and_closes),
        SHARED(test_breaker_failed_probe_opens_again),
        SHARED(test_breaker_results_of_an_older_state_do_not_count),
        SHARED(test_breaker_results_from_before_an_outage_do_not_count_after_it),
        SHARED(test_breaker_lost_probes_do_not_block_for_ever),
        SHARED(test_breaker_state_is_shared_by_processes),
        SHARED(test_breaker_survives_a_killed_caller),
        SHARED(test_breaker_other_name_is_another_breaker),
        SHARED(test_breaker_with_a_smaller_window_reads_the_same_file),
        SHARED(test_breaker_without_shared_memory_lets_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
