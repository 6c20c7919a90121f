/* Connections that a process keeps and serves side by side, and how it lets go of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/fcgi_client.h"
#include "tests/support/fcgi_pool.h"

#define PROCESSES 3
#define EACH 4

static int set_up(void **state)
{
    int status = pool_set_up(state);
    setenv("BOX_CONNECTIONS", "8", 1);
    return status;
}

static void ask(int fd, const char *path)
{
    client_send_head(fd, KEEP_CONN, "GET", path, "");
    client_send_record(fd, STDIN, NULL, 0);
}

static void echo(int fd, const char *body)
{
    char length[24];
    snprintf(length, sizeof length, "%zu", strlen(body));
    client_send_head(fd, KEEP_CONN, "POST", "/echo", length);
    client_send_record(fd, STDIN, body, strlen(body));
    client_send_record(fd, STDIN, NULL, 0);
    client_assert_answer(fd, 200, body);
}

static bool closed(int fd)
{
    char byte;
    return read(fd, &byte, 1) == 0;
}

/* The process that serves the connection. */
static pid_t server_of(int fd)
{
    ask(fd, "/pid");
    struct answer answer = client_receive(fd);
    assert_true(answer.ended);
    pid_t pid = (pid_t)strtol(strstr(answer.text, "\r\n\r\n") + 4, NULL, 10);
    free(answer.text);
    return pid;
}

static void test_connection_serves_many_requests(void **state)
{
    (void)state;
    pool_start();
    int fd = client_open();
    for (int i = 0; i < 5; i++) {
        echo(fd, i % 2 ? "odd" : "even");
    }
    close(fd);
    client_assert_echo("next");
}

static void test_connection_that_the_client_does_not_keep_is_closed(void **state)
{
    (void)state;
    pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "GET", "/pid", "");
    client_send_record(fd, STDIN, NULL, 0);
    struct answer answer = client_receive(fd);
    assert_true(answer.ended);
    free(answer.text);
    assert_true(closed(fd));
    close(fd);
}

/* One process, two connections that stay open: neither waits for the other. */
static void test_connections_are_served_side_by_side(void **state)
{
    (void)state;
    pool_start();
    int first = client_open(), second = client_open();
    for (int i = 0; i < 3; i++) {
        echo(first, "first");
        echo(second, "second");
    }
    close(first);
    close(second);
}

/* Requests that come while the process is at work are a batch: each has its own answer. */
static void test_requests_ready_together_have_their_own_answers(void **state)
{
    (void)state;
    static const char *const bodies[] = {"a", "bb", "ccc", "dddd"};
    int fds[4];
    pool_start();
    int busy = client_open();
    ask(busy, "/wait");
    pool_await_entered();
    for (int i = 0; i < 4; i++) {
        char length[2] = {(char)('1' + i), 0};
        fds[i] = client_open();
        client_send_head(fds[i], KEEP_CONN, "POST", "/echo", length);
        client_send_record(fds[i], STDIN, bodies[i], strlen(bodies[i]));
        client_send_record(fds[i], STDIN, NULL, 0);
    }
    pool_let_leave();
    client_assert_answer(busy, 200, "waited");
    for (int i = 3; i >= 0; i--) {
        client_assert_answer(fds[i], 200, bodies[i]);
        close(fds[i]);
    }
    close(busy);
}

static void test_connections_spread_over_the_pool(void **state)
{
    (void)state;
    int fds[PROCESSES * EACH], served[PROCESSES] = {0};
    pid_t pids[PROCESSES];
    setenv("BOX_CONNECTIONS", "16", 1);   /* one may get nearly all */
    for (int i = 0; i < PROCESSES; i++) { /* all are up: each has a request that waits */
        pids[i] = pool_start();
        fds[i] = client_open();
        ask(fds[i], "/wait");
        pool_await_entered();
    }
    for (int i = 0; i < PROCESSES; i++) {
        pool_let_leave(); /* one of them */
    }
    for (int i = 0; i < PROCESSES; i++) {
        client_assert_answer(fds[i], 200, "waited");
        close(fds[i]);
    }
    for (int i = 0; i < PROCESSES * EACH; i++) {
        fds[i] = client_open();
        pid_t pid = server_of(fds[i]);
        for (int p = 0; p < PROCESSES; p++) {
            served[p] += pids[p] == pid;
        }
    }
    for (int p = 0; p < PROCESSES; p++) { /* on a busy machine some may not be waiting, but never only one is */
        assert_in_range(served[p], 0, PROCESSES * EACH - 1);
    }
    for (int i = 0; i < PROCESSES * EACH; i++) {
        assert_true(server_of(fds[i]) > 0);
        close(fds[i]);
    }
}

/* Nobody waits behind those who were there first: without room for more, who has been served makes room. */
static void test_connections_that_fill_the_room_are_not_kept(void **state)
{
    (void)state;
    setenv("BOX_CONNECTIONS", "2", 1);
    pool_start();
    int first = client_open();
    echo(first, "first");
    for (int i = 0; i < 3; i++) {
        int last = client_open();
        echo(last, "last");
        assert_true(closed(last));
        close(last);
    }
    echo(first, "still first");
    close(first);
}

/* What comes in pieces is waited for; who stops in the middle is given up, and the others are served. */
static void test_request_in_pieces_is_whole_and_one_that_stops_delays_nobody_for_long(void **state)
{
    (void)state;
    setenv("BOX_PEER_MS", "300", 1);
    pool_start();
    int pieces = client_open(), stuck = client_open(), other = client_open();
    client_send_head(pieces, KEEP_CONN, "POST", "/echo", "4");
    client_send_record(pieces, STDIN, "in", 2);
    poll(NULL, 0, 50);
    client_send_record(pieces, STDIN, "2!", 2);
    client_send_record(pieces, STDIN, NULL, 0);
    client_assert_answer(pieces, 200, "in2!");
    client_send_begin(stuck, KEEP_CONN);
    echo(other, "served");
    assert_true(closed(stuck));
    close(stuck);
    stuck = client_open();
    client_send_head(stuck, KEEP_CONN, "POST", "/echo", "100");
    client_send_record(stuck, STDIN, "half", 4);
    echo(other, "served again");
    client_assert_answer(stuck, 400, "");
    assert_true(closed(stuck));
    echo(pieces, "as well");
    close(pieces);
    close(other);
    close(stuck);
}

static void test_connection_closed_between_requests_does_no_harm(void **state)
{
    (void)state;
    pool_start();
    for (int i = 0; i < 20; i++) { /* more than there is room for at a time */
        int fd = client_open();
        echo(fd, "once");
        close(fd);
    }
    int fd = client_open();
    client_send(fd, "GET / HTTP/1.0\r\n\r\n", 18); /* no FastCGI */
    assert_true(closed(fd));
    close(fd);
    client_assert_echo("still there");
}

static void test_body_that_nobody_reads_is_passed_over(void **state)
{
    (void)state;
    pool_start();
    int fd = client_open();
    client_send_head(fd, KEEP_CONN, "POST", "/small", "11");
    client_send_record(fd, STDIN, "hello world", 11);
    client_send_record(fd, STDIN, NULL, 0);
    client_assert_answer(fd, 413, "}");
    echo(fd, "the next one");
    close(fd);
}

/* ---- letting go ---- */

/* Whoever uses a connection does not know yet that its process ends: nothing is lost, it ends when the client lets go.
 */
static void ends_when_let_go(int signal)
{
    pid_t pid = pool_start();
    int fd = client_open(), idle = client_open();
    echo(fd, "before");
    echo(idle, "before");
    kill(pid, signal);
    for (int i = 0; i < 3; i++) {
        echo(fd, "after");
    }
    close(idle);
    echo(fd, "the last one");
    close(fd);
    assert_int_equal(pool_exit_status(pid), 0);
}

static void test_process_that_is_renewed_serves_its_connections_until_they_close(void **state)
{
    (void)state;
    ends_when_let_go(SIGUSR1);
    assert_int_equal(access(pool_address()->sun_path, F_OK), 0);
}

static void test_pool_that_ends_serves_its_connections_until_they_close(void **state)
{
    (void)state;
    ends_when_let_go(SIGQUIT);
    assert_int_equal(access(pool_address()->sun_path, F_OK), -1);
}

/* Nobody takes its place before it has gone: who comes meanwhile is served, and not kept. */
static void test_process_that_is_renewed_keeps_no_more_connections(void **state)
{
    (void)state;
    pid_t pid = pool_start();
    int fd = client_open();
    echo(fd, "before");
    kill(pid, SIGUSR1);
    echo(fd, "the signal has been heard"); /* with this one at the latest */
    echo(fd, "and heeded");
    for (int i = 0; i < 3; i++) {
        int other = client_open();
        echo(other, "in passing");
        assert_true(closed(other));
        close(other);
    }
    echo(fd, "still kept");
    close(fd);
    assert_int_equal(pool_exit_status(pid), 0);
}

static void test_process_with_its_share_of_requests_lets_go(void **state)
{
    (void)state;
    setenv("BOX_MAX_REQUESTS", "3", 1);
    pid_t pid = pool_start();
    int fd = client_open();
    for (int i = 0; i < 6; i++) {
        echo(fd, "served");
    }
    close(fd);
    assert_int_equal(pool_exit_status(pid), 0);
}

static void test_client_that_never_lets_go_is_let_go(void **state)
{
    (void)state;
    setenv("BOX_DRAIN_MS", "200", 1);
    pid_t pid = pool_start();
    int fd = client_open();
    echo(fd, "before");
    kill(pid, SIGUSR1);
    assert_int_equal(pool_exit_status(pid), 0);
    assert_true(closed(fd));
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, pool_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_connection_serves_many_requests),
        TEST(test_connection_that_the_client_does_not_keep_is_closed),
        TEST(test_connections_are_served_side_by_side),
        TEST(test_requests_ready_together_have_their_own_answers),
        TEST(test_connections_spread_over_the_pool),
        TEST(test_connections_that_fill_the_room_are_not_kept),
        TEST(test_request_in_pieces_is_whole_and_one_that_stops_delays_nobody_for_long),
        TEST(test_connection_closed_between_requests_does_no_harm),
        TEST(test_body_that_nobody_reads_is_passed_over),
        TEST(test_process_that_is_renewed_serves_its_connections_until_they_close),
        TEST(test_pool_that_ends_serves_its_connections_until_they_close),
        TEST(test_process_that_is_renewed_keeps_no_more_connections),
        TEST(test_process_with_its_share_of_requests_lets_go),
        TEST(test_client_that_never_lets_go_is_let_go),
    };
    return cmocka_run_group_tests(tests, pool_make_folder, pool_remove_folder);
}
