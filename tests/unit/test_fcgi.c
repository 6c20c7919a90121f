/* The transport: a forked responder on a unix socket, and a FastCGI client that can misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/responder.h"
#include "common/watchdog.h"

enum record_type { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };
enum { KEEP_CONN = 1, RECORD_MAX = 65535, PROCESSES_MAX = 4, TIMEOUT_S = 20 };

/* ---- the responder under test ---- */

static int entered[2]; /* the handler of /wait writes a byte when it is called */
static int leave[2];   /* and reads one before it returns */

static const struct err *handle_echo(struct request *rq, struct reply *rp)
{
    reply_bytes(rp, 200, "text/plain", rq->raw, rq->raw_len);
    return NULL;
}

static const struct err *handle_wait(struct request *rq, struct reply *rp)
{
    char byte = 'x';
    (void)rq;
    if (write(entered[1], &byte, 1) != 1 || read(leave[0], &byte, 1) != 1) {
        return &err_internal;
    }
    reply_bytes(rp, 200, "text/plain", "waited", 6);
    return NULL;
}

static const struct err *handle_lost(struct request *rq, struct reply *rp)
{
    (void)rq;
    rp->dropped = true;
    return NULL;
}

static const struct err *handle_large(struct request *rq, struct reply *rp)
{
    char *bytes = arena_alloc(rq->ctx->arena, 1u << 20);
    memset(bytes, 'a', 1u << 20);
    reply_bytes(rp, 200, "text/plain", bytes, 1u << 20);
    return NULL;
}

static const struct route routes[] = {
    {"POST", "/echo", handle_echo, RT_RAW, NULL, NULL, 1u << 20},
    {"POST", "/small", handle_echo, RT_RAW, NULL, NULL, 10},
    {"GET", "/wait", handle_wait, 0, NULL, NULL, 0},
    {"GET", "/lost", handle_lost, 0, NULL, NULL, 0},
    {"GET", "/large", handle_large, 0, NULL, NULL, 0},
};
static const struct responder responder = {
    .name = "transport-test", .routes = routes, .route_count = sizeof routes / sizeof routes[0]};

/* ---- its processes ---- */

static char folder[] = "/tmp/test_fcgi_XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener = -1;
static pid_t processes[PROCESSES_MAX];
static size_t process_count;

static void child(int input, int output)
{
    char name[] = "transport-test.fcgi";
    char *argv[] = {name, NULL};
    dup2(input, STDIN_FILENO);
    if (output >= 0) {
        dup2(output, STDOUT_FILENO);
    }
    /* The parent keeps its ends: a child must not hold a connection open that the parent closes. */
    close(entered[0]);
    close(leave[1]);
    _exit(responder_main(&responder, 1, argv));
}

static pid_t start(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(listener, -1);
    }
    processes[process_count++] = pid;
    return pid;
}

/* The exit status of a process, which must not die by a signal. */
static int exit_status(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (size_t i = 0; i < process_count; i++) {
        if (processes[i] == pid) {
            processes[i] = 0;
        }
    }
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int setup(void **state)
{
    (void)state;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    process_count = 0;
    unsetenv("BOX_MAX_REQUESTS");
    unsetenv("BOX_WATCHDOG_MS");
    unsetenv("REQUEST_METHOD");
    alarm(3 * TIMEOUT_S); /* a hanging test shall fail */
    if (pipe(entered) < 0 || pipe(leave) < 0) {
        return -1;
    }
    return bind(listener, (const struct sockaddr *)&address, sizeof address) < 0 ? -1 : listen(listener, 16);
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < process_count; i++) {
        if (processes[i] > 0) {
            kill(processes[i], SIGKILL);
            waitpid(processes[i], NULL, 0);
        }
    }
    const int fds[] = {listener, entered[0], entered[1], leave[0], leave[1]};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        close(fds[i]);
    }
    alarm(0);
    return 0;
}

/* ---- the client ---- */

static int open_connection(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_all(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void send_record(int fd, enum record_type type, const void *content, size_t len)
{
    const unsigned char head[8] = {1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};
    assert_true(len <= RECORD_MAX);
    send_all(fd, head, sizeof head);
    if (len > 0) {
        send_all(fd, content, len);
    }
}

static size_t add_param(char *to, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);
    assert_true(name_len < 128 && value_len < 128);
    to[0] = (char)name_len;
    to[1] = (char)value_len;
    memcpy(to + 2, name, name_len);
    memcpy(to + 2 + name_len, value, value_len);
    return 2 + name_len + value_len;
}

static void send_begin(int fd, int flags)
{
    const char begin[8] = {0, 1, (char)flags};
    send_record(fd, BEGIN_REQUEST, begin, sizeof begin);
}

static void send_head(int fd, int flags, const char *method, const char *path, const char *length)
{
    char params[1024];
    size_t len = add_param(params, "REQUEST_METHOD", method);
    len += add_param(params + len, "DOCUMENT_URI", path);
    len += add_param(params + len, "CONTENT_LENGTH", length);
    send_begin(fd, flags);
    send_record(fd, PARAMS, params, len);
    send_record(fd, PARAMS, NULL, 0);
}

static bool receive(int fd, void *to, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t part = read(fd, (char *)to + got, len - got);
        if (part <= 0) {
            return false;
        }
        got += (size_t)part;
    }
    return true;
}

struct answer {
    char *text; /* NUL-terminated */
    size_t len;
    bool ended; /* END_REQUEST came */
};

static struct answer receive_answer(int fd)
{
    struct answer answer = {.text = calloc(1, 1)};
    unsigned char head[8];
    while (!answer.ended && receive(fd, head, sizeof head)) {
        size_t len = (size_t)head[4] << 8 | head[5], padding = head[6];
        answer.text = realloc(answer.text, answer.len + len + padding + 1);
        assert_true(receive(fd, answer.text + answer.len, len + padding));
        answer.len += head[1] == STDOUT ? len : 0;
        answer.ended = head[1] == END_REQUEST;
        answer.text[answer.len] = '\0';
    }
    return answer;
}

static void assert_answer(int fd, int status, const char *end_of_body)
{
    char first_line[32];
    struct answer answer = receive_answer(fd);
    snprintf(first_line, sizeof first_line, "Status: %d\r\n", status);
    assert_true(answer.ended);
    if (strncmp(answer.text, first_line, strlen(first_line)) != 0) {
        fail_msg("not %d: '%s'", status, answer.text);
    }
    assert_true(answer.len >= strlen(end_of_body));
    assert_string_equal(answer.text + answer.len - strlen(end_of_body), end_of_body);
    free(answer.text);
}

static void assert_echo(const char *body)
{
    char length[24];
    int fd = open_connection();
    snprintf(length, sizeof length, "%zu", strlen(body));
    send_head(fd, 0, "POST", "/echo", length);
    send_record(fd, STDIN, body, strlen(body));
    send_record(fd, STDIN, NULL, 0);
    assert_answer(fd, 200, body);
    close(fd);
}

/* Waits until the responder has read everything that was sent. */
static void await_read(int fd)
{
    int unread = 1;
    while (unread > 0) {
        assert_int_equal(ioctl(fd, SIOCOUTQ, &unread), 0);
        poll(NULL, 0, 1);
    }
}

static void await_entered(void)
{
    char byte;
    assert_int_equal(read(entered[0], &byte, 1), 1);
}

static void let_leave(void)
{
    assert_int_equal(write(leave[1], "x", 1), 1);
}

/* ---- requests ---- */

static void test_request_is_answered_again_and_again(void **state)
{
    (void)state;
    start();
    assert_echo("hello");
    assert_echo("");
    assert_echo("world");
}

static void test_request_body_in_many_records_is_whole(void **state)
{
    (void)state;
    static char part[60000];
    memset(part, 'b', sizeof part);
    start();
    int fd = open_connection();
    send_head(fd, 0, "POST", "/echo", "600000");
    for (int i = 0; i < 10; i++) {
        send_record(fd, STDIN, part, sizeof part);
    }
    send_record(fd, STDIN, NULL, 0);
    struct answer answer = receive_answer(fd);
    assert_true(answer.ended);
    assert_true(answer.len > 600000);
    free(answer.text);
    close(fd);
}

static void test_large_reply_is_whole(void **state)
{
    (void)state;
    start();
    int fd = open_connection();
    send_head(fd, 0, "GET", "/large", "");
    send_record(fd, STDIN, NULL, 0);
    struct answer answer = receive_answer(fd);
    const char *body = strstr(answer.text, "\r\n\r\n") + 4;
    assert_true(answer.ended);
    assert_int_equal(strspn(body, "a"), 1u << 20);
    free(answer.text);
    close(fd);
}

static void test_request_with_truncated_body_is_400(void **state)
{
    (void)state;
    start();
    int fd = open_connection();
    send_head(fd, 0, "POST", "/echo", "100");
    send_record(fd, STDIN, "0123456789", 10);
    send_record(fd, STDIN, NULL, 0);
    assert_answer(fd, 400, "}");
    close(fd);
    assert_echo("still there");
}

/* The client is still sending when the refusal comes: it must be able to send all, and then read the refusal. */
static void test_request_beyond_the_limit_is_413_without_a_broken_pipe(void **state)
{
    (void)state;
    static char part[60000];
    start();
    int fd = open_connection();
    send_head(fd, 0, "POST", "/small", "600000");
    for (int i = 0; i < 10; i++) {
        send_record(fd, STDIN, part, sizeof part);
    }
    send_record(fd, STDIN, NULL, 0);
    assert_answer(fd, 413, "}");
    close(fd);
    assert_echo("next");
}

static void test_client_that_vanishes_does_no_harm(void **state)
{
    (void)state;
    start();
    int fd = open_connection();
    send_head(fd, 0, "POST", "/echo", "100");
    send_record(fd, STDIN, "0123456789", 10);
    close(fd);
    fd = open_connection();
    send_head(fd, 0, "GET", "/large", "");
    close(fd);
    fd = open_connection();
    close(fd);
    fd = open_connection();
    send_all(fd, "GET / HTTP/1.0\r\n\r\n", 18);
    close(fd);
    assert_echo("still there");
}

static void test_kept_connection_is_closed_all_the_same(void **state)
{
    (void)state;
    char byte;
    start();
    int fd = open_connection();
    send_head(fd, KEEP_CONN, "POST", "/echo", "2");
    send_record(fd, STDIN, "hi", 2);
    send_record(fd, STDIN, NULL, 0);
    assert_answer(fd, 200, "hi");
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
    assert_echo("next");
}

static void test_dropped_reply_closes_the_connection(void **state)
{
    (void)state;
    start();
    int fd = open_connection();
    send_head(fd, 0, "GET", "/lost", "");
    send_record(fd, STDIN, NULL, 0);
    struct answer answer = receive_answer(fd);
    assert_false(answer.ended);
    assert_int_equal(answer.len, 0);
    free(answer.text);
    close(fd);
    assert_echo("next");
}

/* ---- the end ---- */

static void test_idle_process_stops_on_each_signal(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        pid_t pid = start();
        assert_echo("up");
        kill(pid, signals[i]);
        assert_int_equal(exit_status(pid), 0);
    }
}

static void test_idle_pool_stops_though_all_woke_for_one_request(void **state)
{
    (void)state;
    pid_t pids[3];
    int fds[3];
    for (int i = 0; i < 3; i++) {
        pids[i] = start();
        fds[i] = open_connection();
        send_head(fds[i], 0, "GET", "/wait", "");
        send_record(fds[i], STDIN, NULL, 0);
    }
    for (int i = 0; i < 3; i++) {
        await_entered(); /* all three are up, each with one request */
    }
    for (int i = 0; i < 3; i++) {
        let_leave();
    }
    for (int i = 0; i < 3; i++) {
        assert_answer(fds[i], 200, "waited");
        close(fds[i]);
    }
    for (int i = 0; i < 20; i++) {
        assert_echo("one of three takes it");
    }
    for (int i = 0; i < 3; i++) {
        kill(pids[i], SIGTERM);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(exit_status(pids[i]), 0);
    }
}

static void test_signal_during_a_request_lets_it_finish(void **state)
{
    (void)state;
    pid_t pid = start();
    int fd = open_connection();
    send_head(fd, 0, "GET", "/wait", "");
    send_record(fd, STDIN, NULL, 0);
    await_entered();
    kill(pid, SIGTERM);
    kill(pid, SIGUSR1);
    let_leave();
    assert_answer(fd, 200, "waited");
    close(fd);
    assert_int_equal(exit_status(pid), 0);
}

static void test_signal_during_an_upload_lets_it_finish(void **state)
{
    (void)state;
    pid_t pid = start();
    int fd = open_connection();
    send_head(fd, 0, "POST", "/echo", "10");
    send_record(fd, STDIN, "01234", 5);
    await_read(fd);
    kill(pid, SIGTERM);
    send_record(fd, STDIN, "56789", 5);
    send_record(fd, STDIN, NULL, 0);
    assert_answer(fd, 200, "0123456789");
    close(fd);
    assert_int_equal(exit_status(pid), 0);
}

static void test_process_ends_after_its_share_of_requests(void **state)
{
    (void)state;
    setenv("BOX_MAX_REQUESTS", "3", 1);
    pid_t pid = start();
    for (int i = 0; i < 3; i++) {
        assert_echo("one of three");
    }
    assert_int_equal(exit_status(pid), 0);
}

static void test_hanging_request_ends_the_process(void **state)
{
    (void)state;
    setenv("BOX_WATCHDOG_MS", "1000", 1);
    pid_t pid = start();
    int fd = open_connection();
    send_head(fd, 0, "GET", "/wait", "");
    send_record(fd, STDIN, NULL, 0);
    await_entered();
    assert_int_equal(exit_status(pid), WATCHDOG_STATUS);
    close(fd);
}

static void test_hanging_upload_ends_the_process(void **state)
{
    (void)state;
    setenv("BOX_WATCHDOG_MS", "1000", 1);
    pid_t pid = start();
    int fd = open_connection();
    send_begin(fd, 0);
    assert_int_equal(exit_status(pid), WATCHDOG_STATUS);
    close(fd);
}

static void test_broken_listener_ends_the_process_with_an_error(void **state)
{
    (void)state;
    pid_t pid = start();
    assert_echo("up");
    shutdown(listener, SHUT_RDWR);
    assert_int_equal(exit_status(pid), 1);
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
        child(input[0], output[1]);
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
    assert_int_equal(exit_status(pid), 0);
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
        child(input[0], -1);
    }
    close(input[0]);
    close(input[1]);
    assert_int_equal(exit_status(pid), 2);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    setenv("BOX_RUN_DIR", folder, 1);
    setenv("BOX_SANDBOX", "1", 1);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[256];
    unlink(address.sun_path);
    snprintf(path, sizeof path, "%s/metrics/transport-test.metrics", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/metrics", folder);
    rmdir(path);
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(test_dropped_reply_closes_the_connection),
        TEST(test_idle_process_stops_on_each_signal),
        TEST(test_idle_pool_stops_though_all_woke_for_one_request),
        TEST(test_signal_during_a_request_lets_it_finish),
        TEST(test_signal_during_an_upload_lets_it_finish),
        TEST(test_process_ends_after_its_share_of_requests),
        TEST(test_hanging_request_ends_the_process),
        TEST(test_hanging_upload_ends_the_process),
        TEST(test_broken_listener_ends_the_process_with_an_error),
        TEST(test_cgi_request_is_answered_on_standard_output),
        TEST(test_shell_without_request_gets_a_hint),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
