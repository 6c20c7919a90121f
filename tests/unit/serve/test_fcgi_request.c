/* The transport of a request: FastCGI, well-formed and not, and plain CGI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/fcgi_client.h"
#include "tests/support/fcgi_pool.h"

/* ---- requests ---- */

static void test_request_is_answered_again_and_again(void **state)
{
    (void)state;
    pool_start();
    client_assert_echo("hello");
    client_assert_echo("");
    client_assert_echo("world");
}

static void test_request_body_in_many_records_is_whole(void **state)
{
    (void)state;
    static char part[60000];
    memset(part, 'b', sizeof part);
    pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "POST", "/echo", "600000");
    for (int i = 0; i < 10; i++) {
        client_send_record(fd, STDIN, part, sizeof part);
    }
    client_send_record(fd, STDIN, NULL, 0);
    struct answer answer = client_receive(fd);
    assert_true(answer.ended);
    assert_true(answer.len > 600000);
    free(answer.text);
    close(fd);
}

static void test_large_reply_is_whole(void **state)
{
    (void)state;
    pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "GET", "/large", "");
    client_send_record(fd, STDIN, NULL, 0);
    struct answer answer = client_receive(fd);
    const char *body = strstr(answer.text, "\r\n\r\n") + 4;
    assert_true(answer.ended);
    assert_int_equal(strspn(body, "a"), 1u << 20);
    free(answer.text);
    close(fd);
}

static void test_request_with_truncated_body_is_400(void **state)
{
    (void)state;
    pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "POST", "/echo", "100");
    client_send_record(fd, STDIN, "0123456789", 10);
    client_send_record(fd, STDIN, NULL, 0);
    client_assert_answer(fd, 400, "}");
    close(fd);
    client_assert_echo("still there");
}

/* The client is still sending when the refusal comes: it must be able to send all, and then read the refusal. */
static void test_request_beyond_the_limit_is_413_without_a_broken_pipe(void **state)
{
    (void)state;
    static char part[60000];
    pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "POST", "/small", "600000");
    for (int i = 0; i < 10; i++) {
        client_send_record(fd, STDIN, part, sizeof part);
    }
    client_send_record(fd, STDIN, NULL, 0);
    client_assert_answer(fd, 413, "}");
    close(fd);
    client_assert_echo("next");
}

static void test_client_that_vanishes_does_no_harm(void **state)
{
    (void)state;
    pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "POST", "/echo", "100");
    client_send_record(fd, STDIN, "0123456789", 10);
    close(fd);
    fd = client_open();
    client_send_head(fd, 0, "GET", "/large", "");
    close(fd);
    fd = client_open();
    close(fd);
    fd = client_open();
    client_send(fd, "GET / HTTP/1.0\r\n\r\n", 18);
    close(fd);
    client_assert_echo("still there");
}

static void test_kept_connection_is_closed_all_the_same(void **state)
{
    (void)state;
    char byte;
    pool_start();
    int fd = client_open();
    client_send_head(fd, KEEP_CONN, "POST", "/echo", "2");
    client_send_record(fd, STDIN, "hi", 2);
    client_send_record(fd, STDIN, NULL, 0);
    client_assert_answer(fd, 200, "hi");
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
    client_assert_echo("next");
}

/* One that has said all is not waited for (libfcgi would, for two seconds) once the reply is written. */
static void test_client_that_lingers_holds_no_process(void **state)
{
    (void)state;
    char byte;
    pool_start();
    client_assert_echo("the process is there");
    int fd = client_open();
    client_send_head(fd, 0, "POST", "/echo", "2");
    client_send_record(fd, STDIN, "hi", 2);
    client_send_record(fd, STDIN, NULL, 0);
    client_assert_answer(fd, 200, "hi");
    int64_t answered = clock_monotonic();
    client_assert_echo("next");
    assert_true(clock_monotonic() - answered < CLOCK_SECOND * 3 / 2);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
}

static void test_dropped_reply_closes_the_connection(void **state)
{
    (void)state;
    pool_start();
    int fd = client_open();
    client_send_head(fd, 0, "GET", "/lost", "");
    client_send_record(fd, STDIN, NULL, 0);
    struct answer answer = client_receive(fd);
    assert_false(answer.ended);
    assert_int_equal(answer.len, 0);
    free(answer.text);
    close(fd);
    client_assert_echo("next");
}

/* ---- plain CGI ---- */

static void test_cgi_request_is_answered_on_standard_output(void **state)
{
    (void)state;
    int input[2], output[2];
    assert_int_equal(pipe(input), 0);
    assert_int_equal(pipe(output), 0);
    setenv("REQUEST_METHOD", "POST", 1);
    setenv("DOCUMENT_URI", "/echo", 1);
    setenv("CONTENT_LENGTH", "5", 1);
    pid_t pid = fork();
    if (pid == 0) {
        pool_run_child(input[0], output[1]);
    }
    close(output[1]);
    assert_int_equal(write(input[1], "hello", 5), 5);
    close(input[1]);
    char answer[1024] = "";
    size_t len = 0;
    ssize_t part;
    while ((part = read(output[0], answer + len, sizeof answer - 1 - len)) > 0) {
        len += (size_t)part;
    }
    close(output[0]);
    close(input[0]);
    assert_int_equal(pool_exit_status(pid), 0);
    assert_memory_equal(answer, "Status: 200\r\n", 13);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\nhello");
}

static void test_shell_without_request_gets_a_hint(void **state)
{
    (void)state;
    int input[2];
    assert_int_equal(pipe(input), 0);
    pid_t pid = fork();
    if (pid == 0) {
        pool_run_child(input[0], -1);
    }
    close(input[0]);
    close(input[1]);
    assert_int_equal(pool_exit_status(pid), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pool_set_up, pool_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_request_is_answered_again_and_again),
        TEST(test_request_body_in_many_records_is_whole),
        TEST(test_large_reply_is_whole),
        TEST(test_request_with_truncated_body_is_400),
        TEST(test_request_beyond_the_limit_is_413_without_a_broken_pipe),
        TEST(test_client_that_vanishes_does_no_harm),
        TEST(test_kept_connection_is_closed_all_the_same),
        TEST(test_client_that_lingers_holds_no_process),
        TEST(test_dropped_reply_closes_the_connection),
        TEST(test_cgi_request_is_answered_on_standard_output),
        TEST(test_shell_without_request_gets_a_hint),
    };
    return cmocka_run_group_tests(tests, pool_make_folder, pool_remove_folder);
}
