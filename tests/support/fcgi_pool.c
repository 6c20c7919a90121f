#include "tests/support/fcgi_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/io/redis.h"
#include "common/serve/responder.h"

#define PROCESSES_MAX 4

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

static const struct err *handle_pid(struct request *rq, struct reply *rp)
{
    const char *pid = arena_int(rq->ctx->arena, getpid());
    reply_bytes(rp, 200, "text/plain", pid, strlen(pid));
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

/* The word of its path, twice through Redis, as "word word". */
static const struct err *answer_second(struct request *rq, struct reply *rp)
{
    const char *both = arena_printf(rq->ctx->arena, "%s %s", (const char *)rq->state, rq->answers[0].str);
    reply_bytes(rp, 200, "text/plain", both, strlen(both));
    return NULL;
}

static void ask_for_word(struct request *rq, request_handler *next, void *state)
{
    struct redis_pipe *pipe = redis_pipe_new(rq->ctx);
    REDIS_PIPE(pipe, "ECHO", request_param(rq, "word"));
    request_ask(rq, pipe, next, state);
}

static const struct err *answer_first(struct request *rq, struct reply *rp)
{
    (void)rp;
    ask_for_word(rq, answer_second, arena_strdup(rq->ctx->arena, rq->answers[0].str));
    return NULL;
}

static const struct err *handle_word(struct request *rq, struct reply *rp)
{
    (void)rp;
    ask_for_word(rq, answer_first, NULL);
    return NULL;
}

static const struct route routes[] = {
    {"POST", "/echo", handle_echo, RT_RAW, NULL, NULL, 1u << 20, NULL},
    {"POST", "/small", handle_echo, RT_RAW, NULL, NULL, 10, NULL},
    {"GET", "/wait", handle_wait, 0, NULL, NULL, 0, NULL},
    {"GET", "/pid", handle_pid, 0, NULL, NULL, 0, NULL},
    {"GET", "/lost", handle_lost, 0, NULL, NULL, 0, NULL},
    {"GET", "/large", handle_large, 0, NULL, NULL, 0, NULL},
    {"GET", "/word/<word>", handle_word, 0, NULL, NULL, 0, NULL},
};
static struct responder responder = {.name = "transport-test", .routes = routes, .route_count = ARRAY_COUNT(routes)};

/* ---- its processes ---- */

static char folder[] = P_tmpdir "/test-fcgi-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener = -1;
static pid_t processes[PROCESSES_MAX];
static size_t process_count;

void pool_run_child(int input, int output)
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

void pool_use_redis(void)
{
    responder.needs |= NEED_REDIS;
}

pid_t pool_start(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        pool_run_child(listener, -1);
    }
    processes[process_count++] = pid;
    return pid;
}

int pool_exit_status(pid_t pid)
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

const struct sockaddr_un *pool_address(void)
{
    return &address;
}

void pool_break_listener(void)
{
    assert_int_equal(shutdown(listener, SHUT_RDWR), 0);
}

void pool_await_entered(void)
{
    char byte;
    assert_int_equal(read(entered[0], &byte, 1), 1);
}

void pool_let_leave(void)
{
    assert_int_equal(write(leave[1], "x", 1), 1);
}

/* ---- around the tests ---- */

int pool_make_folder(void **state)
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

int pool_remove_folder(void **state)
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

int pool_set_up(void **state)
{
    (void)state;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    process_count = 0;
    unsetenv("BOX_MAX_REQUESTS");
    unsetenv("BOX_WATCHDOG_MS");
    unsetenv("BOX_CONNECTIONS");
    unsetenv("BOX_PEER_MS");
    unsetenv("BOX_DRAIN_MS");
    unsetenv("REQUEST_METHOD");
    alarm(3 * POOL_TIMEOUT_S); /* a hanging test shall fail */
    if (pipe(entered) < 0 || pipe(leave) < 0) {
        return -1;
    }
    return bind(listener, (const struct sockaddr *)&address, sizeof address) < 0 ? -1 : listen(listener, 16);
}

int pool_tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < process_count; i++) {
        if (processes[i] > 0) {
            kill(processes[i], SIGKILL);
            waitpid(processes[i], NULL, 0);
        }
    }
    const int fds[] = {listener, entered[0], entered[1], leave[0], leave[1]};
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        close(fds[i]);
    }
    alarm(0);
    return 0;
}
