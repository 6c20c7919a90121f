/* How a responder's process ends: signals, its share of requests, the watchdog, a broken listener. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/run/watchdog.h"
#include "tests/support/fcgi_client.h"
#include "tests/support/fcgi_pool.h"

/* Waits until the responder has read everything that was sent. */
static void await_read(int fd)
{
    int unread = 1;
    while (unread > 0) {
        assert_int_equal(ioctl(fd, SIOCOUTQ, &unread), 0);
        poll(NULL, 0, 1);
    }
}

static void test_idle_process_is_renewed_and_the_pool_keeps_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        pid_t pid = pool_start();
        client_assert_echo("up");
        kill(pid, SIGUSR1);
        assert_int_equal(pool_exit_status(pid), 0);
        assert_int_equal(access(pool_address()->sun_path, F_OK), 0);
    }
}

static void stops_and_leaves_its_name(int signal)
{
    pid_t pid = pool_start();
    client_assert_echo("up");
    kill(pid, signal);
    assert_int_equal(pool_exit_status(pid), 0);
    assert_int_equal(access(pool_address()->sun_path, F_OK), -1);
}

static void test_idle_pool_told_to_terminate_leaves_its_name(void **state)
{
    (void)state;
    stops_and_leaves_its_name(SIGTERM);
}

/* Anybody may tell a single process to end, while its pool lives on and needs the name. */
static void test_process_told_to_end_by_another_leaves_the_pool_its_name(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGQUIT};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
        pid_t pid = pool_start();
        client_assert_echo("up");
        pid_t another = fork();
        if (another == 0) {
            kill(pid, signals[i]);
            _exit(0);
        }
        assert_int_equal(waitpid(another, NULL, 0), another);
        assert_int_equal(pool_exit_status(pid), 0);
        assert_int_equal(access(pool_address()->sun_path, F_OK), 0);
    }
}

static void test_idle_pool_interrupted_leaves_its_name(void **state)
{
    (void)state;
    stops_and_leaves_its_name(SIGINT);
}

static void test_idle_pool_told_to_quit_leaves_its_name(void **state)
{
    (void)state;
    stops_and_leaves_its_name(SIGQUIT);
}

/* The last process is busy when the pool is told to end: those that have connected meanwhile are served after it. */
static void test_pool_that_ends_serves_those_that_have_connected(void **state)
{
    (void)state;
    pid_t pid = pool_start();
    int first = client_open();
    client_send_head(first, 0, "GET", "/wait", "");
    client_send_record(first, STDIN, NULL, 0);
    pool_await_entered();
    int waiting[3];
    for (size_t i = 0; i < ARRAY_COUNT(waiting); i++) {
        waiting[i] = client_open();
        client_send_head(waiting[i], 0, "POST", "/echo", "4");
        client_send_record(waiting[i], STDIN, "late", 4);
        client_send_record(waiting[i], STDIN, NULL, 0);
    }
    kill(pid, SIGQUIT);
    pool_let_leave();
    client_assert_answer(first, 200, "waited");
    close(first);
    for (size_t i = 0; i < ARRAY_COUNT(waiting); i++) {
        client_assert_answer(waiting[i], 200, "late");
        close(waiting[i]);
    }
    assert_int_equal(pool_exit_status(pid), 0);
}

/* Another pool has taken over the name: it is not ours to remove. */
static void test_pool_that_ends_leaves_the_name_of_another(void **state)
{
    (void)state;
    pid_t pid = pool_start();
    client_assert_echo("up");
    assert_int_equal(unlink(pool_address()->sun_path), 0);
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(other, (const struct sockaddr *)pool_address(), sizeof *pool_address()), 0);
    kill(pid, SIGQUIT);
    assert_int_equal(pool_exit_status(pid), 0);
    assert_int_equal(access(pool_address()->sun_path, F_OK), 0);
    close(other);
}

static void test_idle_pool_stops_though_all_woke_for_one_request(void **state)
{
    (void)state;
    pid_t pids[3];
    int fds[3];
    for (int i = 0; i < 3; i++) {
        pids[i] = pool_start();
        fds[i] = client_open();
        client_send_head(fds[i], 0, "GET", "/wait", "");
        client_send_record(fds[i], STDIN, NULL, 0);
    }
    for (int i = 0; i < 3; i++) {
        pool_await_entered(); /* all three are up, each with one request */
    }
    for (int i = 0; i < 3; i++) {
        pool_let_leave();
    }
    for (int i = 0; i < 3; i++) {
        client_assert_answer(fds[i], 200, "waited");
        close(fds[i]);
    }
    for (int i = 0; i < 20; i++) {
        client_assert_echo("one of three takes it");
    }
    for (int i = 0; i < 3; i++) {
        kill(pids[i], SIGQUIT);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pool_exit_status(pids[i]), 0);
    }
}

static void test_signal_during_a_request_lets_it_finish(void **state)
{
    (void)state;
    pid_t pid = pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "GET", "/wait", "");
    client_send_record(fd, STDIN, NULL, 0);
    pool_await_entered();
    kill(pid, SIGQUIT);
    kill(pid, SIGUSR1);
    pool_let_leave();
    client_assert_answer(fd, 200, "waited");
    close(fd);
    assert_int_equal(pool_exit_status(pid), 0);
}

static void test_signal_during_an_upload_lets_it_finish(void **state)
{
    (void)state;
    pid_t pid = pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "POST", "/echo", "10");
    client_send_record(fd, STDIN, "01234", 5);
    await_read(fd);
    kill(pid, SIGQUIT);
    client_send_record(fd, STDIN, "56789", 5);
    client_send_record(fd, STDIN, NULL, 0);
    client_assert_answer(fd, 200, "0123456789");
    close(fd);
    assert_int_equal(pool_exit_status(pid), 0);
}

static void test_process_ends_after_its_share_of_requests(void **state)
{
    (void)state;
    setenv("BOX_MAX_REQUESTS", "3", 1);
    pid_t pid = pool_start();
    for (int i = 0; i < 3; i++) {
        client_assert_echo("one of three");
    }
    assert_int_equal(pool_exit_status(pid), 0);
}

static void test_hanging_request_ends_the_process(void **state)
{
    (void)state;
    setenv("BOX_WATCHDOG_MS", "1000", 1);
    pid_t pid = pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "GET", "/wait", "");
    client_send_record(fd, STDIN, NULL, 0);
    pool_await_entered();
    assert_int_equal(pool_exit_status(pid), WATCHDOG_STATUS);
    close(fd);
}

/* The timer of the first request runs on and goes off between two: that is nobody's end. */
static void test_pause_between_requests_is_no_hanging_request(void **state)
{
    (void)state;
    setenv("BOX_WATCHDOG_MS", "1000", 1);
    pid_t pid = pool_start();
    client_assert_echo("before");
    clock_sleep(1200);
    client_assert_echo("after");
    int fd = client_open();
    client_send_head(fd, 0, "GET", "/wait", "");
    client_send_record(fd, STDIN, NULL, 0);
    pool_await_entered();
    clock_sleep(500);
    pool_let_leave();
    client_assert_answer(fd, 200, "waited");
    close(fd);
    fd = client_open();
    client_send_head(fd, 0, "GET", "/wait", "");
    client_send_record(fd, STDIN, NULL, 0);
    pool_await_entered();
    assert_int_equal(pool_exit_status(pid), WATCHDOG_STATUS);
    close(fd);
}

static void test_hanging_upload_ends_the_process(void **state)
{
    (void)state;
    setenv("BOX_WATCHDOG_MS", "1000", 1);
    pid_t pid = pool_start();
    int fd = client_open();
    client_send_begin(fd, 0);
    assert_int_equal(pool_exit_status(pid), WATCHDOG_STATUS);
    close(fd);
}

static void test_broken_listener_ends_the_process_with_an_error(void **state)
{
    (void)state;
    pid_t pid = pool_start();
    client_assert_echo("up");
    pool_break_listener();
    assert_int_equal(pool_exit_status(pid), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pool_set_up, pool_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_idle_process_is_renewed_and_the_pool_keeps_its_name),
        TEST(test_idle_pool_told_to_terminate_leaves_its_name),
        TEST(test_process_told_to_end_by_another_leaves_the_pool_its_name),
        TEST(test_idle_pool_interrupted_leaves_its_name),
        TEST(test_idle_pool_told_to_quit_leaves_its_name),
        TEST(test_pool_that_ends_serves_those_that_have_connected),
        TEST(test_pool_that_ends_leaves_the_name_of_another),
        TEST(test_idle_pool_stops_though_all_woke_for_one_request),
        TEST(test_signal_during_a_request_lets_it_finish),
        TEST(test_signal_during_an_upload_lets_it_finish),
        TEST(test_process_ends_after_its_share_of_requests),
        TEST(test_hanging_request_ends_the_process),
        TEST(test_pause_between_requests_is_no_hanging_request),
        TEST(test_hanging_upload_ends_the_process),
        TEST(test_broken_listener_ends_the_process_with_an_error),
    };
    return cmocka_run_group_tests(tests, pool_make_folder, pool_remove_folder);
}
