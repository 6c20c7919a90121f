/* A server that goes away in the middle of what it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/crypto.h"
#include "common/io/redis_conn.h"
#include "common/run/program.h"

static char path[] = "/tmp/test_redis_lost.XXXXXX";

/* One connection: it loads one script and hangs up at the next. */
static void talk(int fd)
{
    char asked[4096];
    ssize_t len;
    for (int loads = 0; loads < 2 && (len = read(fd, asked, sizeof asked - 1)) > 0;) {
        asked[len] = '\0';
        bool load = strstr(asked, "SCRIPT") != NULL;
        loads += load;
        const char *answer = strstr(asked, "SELECT") ? "+OK\r\n" : load ? "$1\r\nx\r\n" : ":1\r\n";
        if (loads < 2 && write(fd, answer, strlen(answer)) < 0) {
            break;
        }
    }
    close(fd);
}

static pid_t start_server(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int heard = socket(AF_UNIX, SOCK_STREAM, 0), reserved = mkstemp(path);
    assert_true(heard >= 0 && reserved >= 0);
    close(reserved);
    unlink(path);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(heard, (void *)&address, sizeof address), 0);
    assert_int_equal(listen(heard, 5), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            talk(accept(heard, NULL, NULL));
        }
    }
    close(heard);
    return pid;
}

static struct redis_pipe *pipe_of(struct ctx *ctx, struct redis_script *script, const char *source)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    *script = (struct redis_script){.name = "test", .source = source, .sha1 = crypto_sha1_hex(ctx->arena, source)};
    redis_pipe_eval(pipe, script, (const char *const[]){"key"}, 1, NULL, 0);
    return pipe;
}

static void test_server_lost_while_it_loads_a_script_is_unavailable_for_all(void **state)
{
    (void)state;
    pid_t server = start_server();
    char url[100];
    snprintf(url, sizeof url, "unix://%s", path);
    cfg_redis = (struct cfg_redis){.url = url, .timeout_ms = 500};
    struct ctx *ctx = program_ctx_new(NEED_REDIS);
    ctx_begin(ctx, NULL, NULL);
    struct redis_script scripts[2];
    struct redis_pipe *pipes[] = {pipe_of(ctx, &scripts[0], "return 1"), pipe_of(ctx, &scripts[1], "return 2")};
    redis_pipes_run(pipes, 2);
    for (int i = 0; i < 2; i++) {
        assert_ptr_equal(redis_pipe_outcome(pipes[i], NULL), &err_unavailable);
    }
    program_ctx_free(&ctx);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_lost_while_it_loads_a_script_is_unavailable_for_all)};
    return cmocka_run_group_tests_name("redis_lost", tests, NULL, NULL);
}
