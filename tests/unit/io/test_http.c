#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/io/http.h"

/* A server in a child process: one accepted connection after another is handed to serve(), with its number from 0. */
struct server {
    pid_t pid;
    int port;
};

static int listen_anywhere(int *port_r)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port_r = ntohs(address.sin_port);
    return fd;
}

static struct server start(void (*serve)(int fd, int number))
{
    struct server server;
    int fd = listen_anywhere(&server.port);
    server.pid = fork();
    if (server.pid == 0) {
        alarm(30);
        for (int number = 0;; number++) {
            int connection = accept(fd, NULL, NULL);
            serve(connection, number);
            close(connection);
        }
    }
    close(fd);
    return server;
}

static void stop(const struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads a request's head and what came with it; false at the end of the connection. */
static bool hear(int fd, char *text, size_t size)
{
    size_t len = 0;
    text[0] = '\0';
    while (strstr(text, "\r\n\r\n") == NULL) {
        ssize_t n = recv(fd, text + len, size - 1 - len, 0);
        if (n <= 0) {
            return false;
        }
        len += (size_t)n;
        text[len] = '\0';
    }
    return true;
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

/* Answers with the request itself. */
static void serve_echo(int fd, int number)
{
    (void)number;
    char request[8192];
    char head[200];
    while (hear(fd, request, sizeof request)) {
        snprintf(head, sizeof head, OK_HEAD "Retry-After: 7\r\nContent-Length: %zu\r\n\r\n", strlen(request));
        say(fd, head);
        say(fd, request);
    }
}

static const struct {
    const char *said;
    int max_age_s;
    int64_t whole_len;
    const char *etag;
} headers[] = {
    {"Cache-Control: max-age=300", 300, -1, ""},
    {"Cache-Control: public, max-age=19204, must-revalidate", 19204, -1, ""},
    {"Cache-Control: MAX-AGE=7", 7, -1, ""},
    {"Cache-Control: no-store", 0, -1, ""},
    {"Cache-Control: s-maxage=300", 0, -1, ""},
    {"Cache-Control: x-max-age=300", 0, -1, ""},
    {"Cache-Control: max-age=99999999999999999999", 86400, -1, ""},
    {"Cache-Control: max-age=-5", 0, -1, ""},
    {"Cache-Control: max-age", 0, -1, ""},
    {"Content-Range: bytes 0-11/3521", 0, 3521, ""},
    {"Content-Range: bytes */0", 0, 0, ""},
    {"Content-Range: bytes 0-11/*", 0, -1, ""},
    {"Content-Range: bytes 0-11/12x", 0, -1, ""},
    {"Content-Range: bytes 0-11/9999999999999999999999", 0, -1, ""},
    {"Content-Range: pages 0-11/3521", 0, -1, ""},
    {"ETag: \"abc\"", 0, -1, "\"abc\""},
};

static void serve_headers(int fd, int number)
{
    (void)number;
    char request[8192], head[200];
    while (hear(fd, request, sizeof request)) {
        snprintf(head, sizeof head, OK_HEAD "%s\r\nContent-Length: 0\r\n\r\n",
                 headers[atoi(request + strlen("GET /path?q="))].said);
        say(fd, head);
    }
}

static void serve_silence(int fd, int number)
{
    (void)number;
    char request[8192];
    while (hear(fd, request, sizeof request)) {
    }
}

static void serve_lost_answer(int fd, int number)
{
    (void)number;
    char request[8192];
    hear(fd, request, sizeof request);
}

static void serve_cut_answer(int fd, int number)
{
    serve_lost_answer(fd, number);
    say(fd, OK_HEAD "Content-Length: 100\r\n\r\nten bytes.");
}

static void serve_large_answer(int fd, int number)
{
    serve_lost_answer(fd, number);
    say(fd, OK_HEAD "Content-Length: 11\r\n\r\n12345678901");
}

static void serve_no_http(int fd, int number)
{
    serve_lost_answer(fd, number);
    say(fd, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
}

static void serve_redirect(int fd, int number)
{
    serve_lost_answer(fd, number);
    say(fd, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
}

/* The first connection answers once and dies with the second request; later connections answer with their number. */
static void serve_dying_connection(int fd, int number)
{
    char request[8192];
    char answer[200];
    snprintf(answer, sizeof answer, OK_HEAD "Content-Length: 1\r\n\r\n%d", number);
    hear(fd, request, sizeof request);
    say(fd, answer);
    hear(fd, request, sizeof request);
}

static struct ctx ctx;
static struct server server;

static int setup(void **state)
{
    (void)state;
    log_init("test_http", LOG_LEVEL_ERROR);
    ctx = (struct ctx){.arena = arena_new(8u << 20), .http = http_new()};
    ctx_begin(&ctx, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (server.pid > 0) {
        stop(&server);
    }
    server.pid = 0;
    http_free(&ctx.http);
    arena_free(&ctx.arena);
    return 0;
}

static const char *url(int port)
{
    return arena_printf(ctx.arena, "http://127.0.0.1:%d/path?q=1", port);
}

/* One call to a server that behaves as serve(). */
static const struct err *call_to(void (*serve)(int fd, int number), struct http_call call, struct http_answer *answer_r)
{
    server = start(serve);
    call.url = url(server.port);
    return http_perform(&ctx, &call, answer_r);
}

static void test_http_call_is_sent_as_given(void **state)
{
    (void)state;
    struct http_answer answer;
    struct http_call call = {.method = "POST",
                             .headers = {{"Content-Type", "application/json"}, {"X-Skipped", NULL}, {"X-Last", "v"}},
                             .body = "{}",
                             .body_len = 2};
    assert_null(call_to(serve_echo, call, &answer));
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "text/plain");
    assert_int_equal(answer.retry_after_s, 7);
    assert_int_equal(answer.len, strlen(answer.body));
    assert_memory_equal(answer.body, "POST /path?q=1 HTTP/1.1\r\n", 25);
    assert_non_null(strstr(answer.body, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(answer.body, "\r\nX-Last: v\r\n"));
    assert_non_null(strstr(answer.body, arena_printf(ctx.arena, "\r\nX-Trace-Id: %s\r\n", ctx.trace.id)));
    assert_non_null(strstr(answer.body, arena_printf(ctx.arena, "\r\ntraceparent: 00-%s-", ctx.trace.id)));
    assert_null(strstr(answer.body, "X-Skipped"));
    assert_null(strstr(answer.body, "Expect"));
}

static void test_http_answer_has_what_its_headers_say(void **state)
{
    (void)state;
    server = start(serve_headers);
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        struct http_answer answer;
        struct http_call call = {.method = "GET"};
        call.url = url(server.port);
        call.url = arena_printf(ctx.arena, "%.*s%zu", (int)(strrchr(call.url, '=') + 1 - call.url), call.url, i);
        assert_null(http_perform(&ctx, &call, &answer));
        assert_int_equal(answer.max_age_s, headers[i].max_age_s);
        assert_int_equal(answer.whole_len, headers[i].whole_len);
        assert_string_equal(answer.etag, headers[i].etag);
    }
}

static void test_http_methods_go_out_with_the_right_length(void **state)
{
    (void)state;
    struct http_answer answer;
    server = start(serve_echo);
    struct http_call call = {.method = "POST", .url = url(server.port)};
    assert_null(http_perform(&ctx, &call, &answer));
    assert_non_null(strstr(answer.body, "Content-Length: 0\r\n"));
    call.method = "GET";
    assert_null(http_perform(&ctx, &call, &answer));
    assert_memory_equal(answer.body, "GET /", 5);
    assert_null(strstr(answer.body, "Content-Length"));
    call.method = "DELETE";
    assert_null(http_perform(&ctx, &call, &answer));
    assert_memory_equal(answer.body, "DELETE /", 8);
}

static void test_http_refused_connection_is_unavailable(void **state)
{
    (void)state;
    int port;
    close(listen_anywhere(&port));
    struct http_answer answer = {.status = 77};
    struct http_call call = {.method = "POST", .url = url(port)};
    assert_ptr_equal(http_perform(&ctx, &call, &answer), &err_unavailable);
    assert_int_equal(answer.status, 77);
}

static void test_http_other_protocols_are_never_spoken(void **state)
{
    (void)state;
    struct http_answer answer;
    struct http_call call = {.method = "GET", .url = "file:///etc/hostname"};
    assert_ptr_equal(http_perform(&ctx, &call, &answer), &err_unavailable);
}

static void test_http_silence_is_a_timeout(void **state)
{
    (void)state;
    struct http_answer answer;
    assert_ptr_equal(call_to(serve_silence, (struct http_call){.method = "POST", .timeout_ms = 100}, &answer),
                     &err_timeout);
}

static void test_http_lost_answer_is_uncertain(void **state)
{
    (void)state;
    struct http_answer answer;
    assert_ptr_equal(call_to(serve_lost_answer, (struct http_call){.method = "POST"}, &answer), &err_uncertain);
}

static void test_http_cut_answer_is_uncertain(void **state)
{
    (void)state;
    struct http_answer answer;
    assert_ptr_equal(call_to(serve_cut_answer, (struct http_call){.method = "POST"}, &answer), &err_uncertain);
}

static void test_http_answer_over_the_limit_is_a_bad_gateway(void **state)
{
    (void)state;
    struct http_answer answer;
    struct http_call call = {.method = "GET", .answer_max = 10};
    assert_ptr_equal(call_to(serve_large_answer, call, &answer), &err_bad_gateway);
    call.url = url(server.port);
    call.answer_max = 11;
    assert_null(http_perform(&ctx, &call, &answer));
    assert_string_equal(answer.body, "12345678901");
}

static void test_http_answer_that_is_no_http_is_a_bad_gateway(void **state)
{
    (void)state;
    struct http_answer answer;
    assert_ptr_equal(call_to(serve_no_http, (struct http_call){.method = "GET"}, &answer), &err_bad_gateway);
}

static void test_http_redirect_is_an_answer(void **state)
{
    (void)state;
    struct http_answer answer;
    assert_null(call_to(serve_redirect, (struct http_call){.method = "GET"}, &answer));
    assert_int_equal(answer.status, 302);
    assert_string_equal(answer.content_type, "");
}

static void test_http_write_on_a_dying_connection_is_never_repeated(void **state)
{
    (void)state;
    struct http_answer answer;
    assert_null(call_to(serve_dying_connection, (struct http_call){.method = "GET"}, &answer));
    struct http_call write = {.method = "POST", .url = url(server.port), .body = "{}", .body_len = 2};
    assert_ptr_equal(http_perform(&ctx, &write, &answer), &err_uncertain);
}

static void test_http_read_on_a_dying_connection_is_repeated(void **state)
{
    (void)state;
    struct http_answer answer;
    struct http_call read = {.method = "GET"};
    assert_null(call_to(serve_dying_connection, read, &answer));
    assert_string_equal(answer.body, "0");
    read.url = url(server.port);
    assert_null(http_perform(&ctx, &read, &answer));
    assert_string_equal(answer.body, "1");
}

static void test_http_header_with_a_line_break_is_not_sent(void **state)
{
    (void)state;
    struct http_answer answer;
    struct http_call call = {.method = "GET", .headers = {{"X-A", "b\r\nX-Evil: c"}}};
    assert_ptr_equal(call_to(serve_echo, call, &answer), &err_internal);
}

static void test_http_escape_keeps_only_what_is_plain(void **state)
{
    (void)state;
    assert_string_equal(http_escape(ctx.arena, "aZ09-_.~"), "aZ09-_.~");
    assert_string_equal(http_escape(ctx.arena, "!*'()+"), "%21%2A%27%28%29%2B");
    assert_string_equal(http_escape(ctx.arena, "a b&c=d/한?%\n"), "a%20b%26c%3Dd%2F%ED%95%9C%3F%25%0A");
    assert_string_equal(http_escape(ctx.arena, ""), "");
}

#define CALLING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALLING(test_http_call_is_sent_as_given),
        CALLING(test_http_methods_go_out_with_the_right_length),
        CALLING(test_http_answer_has_what_its_headers_say),
        CALLING(test_http_refused_connection_is_unavailable),
        CALLING(test_http_other_protocols_are_never_spoken),
        CALLING(test_http_silence_is_a_timeout),
        CALLING(test_http_lost_answer_is_uncertain),
        CALLING(test_http_cut_answer_is_uncertain),
        CALLING(test_http_answer_over_the_limit_is_a_bad_gateway),
        CALLING(test_http_answer_that_is_no_http_is_a_bad_gateway),
        CALLING(test_http_redirect_is_an_answer),
        CALLING(test_http_write_on_a_dying_connection_is_never_repeated),
        CALLING(test_http_read_on_a_dying_connection_is_repeated),
        CALLING(test_http_header_with_a_line_break_is_not_sent),
        CALLING(test_http_escape_keeps_only_what_is_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
