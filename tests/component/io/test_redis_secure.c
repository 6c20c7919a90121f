/* redis over TLS and with a password, against a server of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/redis.h"
#include "common/run/program.h"

#define PASSWORD "correct horse battery staple"
#define APP_PASSWORD "another horse battery staple"
#define START_US (20 * CLOCK_SECOND)
#define BIG ((size_t)300000) /* more than a record of TLS holds */

static char dir[] = "/tmp/test_redis_secure.XXXXXX";
static char *own_ca, *other_ca; /* PEM */

/* Each with a certificate of its own. The first takes connections without TLS too. */
static struct server {
    const char *names; /* in its certificate */
    pid_t pid;
    int tls_port;
} named = {.names = "DNS:localhost"}, addressed = {.names = "IP:127.0.0.1"};
static int plain_port;

static void run(const char *command)
{
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        exit(1);
    }
}

static char *text_of(const char *name)
{
    char path[128], *text = calloc(1, 16384);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, 16383, file) > 0);
    fclose(file);
    return text;
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void make_authority(int number)
{
    char command[400];
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca%d"
             " -keyout ca%d.key -out ca%d.crt 2>log",
             dir, number, number, number);
    run(command);
}

/* Signed by the first authority. */
static void make_certificate(const struct server *server)
{
    char command[600];
    snprintf(command, sizeof command,
             "cd %s && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis -keyout %s.key"
             " -out csr 2>log && echo subjectAltName=%s >san && openssl x509 -req -in csr -CA ca0.crt -CAkey ca0.key"
             " -CAcreateserial -days 2 -extfile san -out %s.crt 2>log",
             dir, server->names, server->names, server->names);
    run(command);
}

static void start(struct server *server, int port)
{
    char tls[12], plain[12], certificate[40], key[40];
    make_certificate(server);
    snprintf(tls, sizeof tls, "%d", server->tls_port = free_port());
    snprintf(plain, sizeof plain, "%d", port);
    snprintf(certificate, sizeof certificate, "%s.crt", server->names);
    snprintf(key, sizeof key, "%s.key", server->names);
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(dir) == 0 && freopen("log", "w", stdout)) {
            execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", plain, "--tls-port", tls,
                   "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", "ca0.crt",
                   "--tls-auth-clients", "no", "--requirepass", PASSWORD, "--user", "app", "on", ">" APP_PASSWORD, "~*",
                   "+@all", "--save", "", "--appendonly", "no", (char *)NULL);
        }
        _exit(1);
    }
}

static void stop(struct server *server)
{
    kill(server->pid, SIGTERM);
    waitpid(server->pid, NULL, 0);
}

/* What a program would be told. */
struct told {
    const struct server *server; /* NULL: the first, without TLS */
    const char *host;
    const char *ca, *user, *password;
};

static struct ctx *ctx_told(const struct told *told)
{
    static char url[100]; /* lives as long as the settings */
    snprintf(url, sizeof url, "%s://%s:%d/1", told->server ? "rediss" : "redis", told->host,
             told->server ? told->server->tls_port : plain_port);
    cfg_redis = (struct cfg_redis){
        .url = url, .user = told->user, .password = told->password, .ca = told->ca, .timeout_ms = 2000};
    struct ctx *ctx = program_ctx_new(NEED_REDIS);
    ctx_begin(ctx, NULL, NULL);
    return ctx;
}

static const struct err *ping(const struct told *told)
{
    struct ctx *ctx = ctx_told(told);
    const struct err *e = redis_ping(ctx);
    program_ctx_free(&ctx);
    return e;
}

static struct told good(void)
{
    return (struct told){&named, "localhost", own_ca, NULL, PASSWORD};
}

static void await(const struct told *told)
{
    for (int64_t end = clock_monotonic() + START_US; ping(told) != NULL;) {
        assert_true(clock_monotonic() < end);
        clock_sleep(20);
    }
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    make_authority(0);
    make_authority(1);
    own_ca = text_of("ca0.crt");
    other_ca = text_of("ca1.crt");
    start(&named, plain_port = free_port());
    start(&addressed, 0);
    await(&(struct told){&named, "localhost", own_ca, NULL, PASSWORD});
    await(&(struct told){&addressed, "127.0.0.1", own_ca, NULL, PASSWORD});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[100];
    stop(&named);
    stop(&addressed);
    snprintf(command, sizeof command, "rm -r %s", dir);
    run(command);
    free(own_ca);
    free(other_ca);
    return 0;
}

static void test_what_is_told_rightly_connects(void **state)
{
    (void)state;
    const struct told right[] = {
        good(),
        {&named, "localhost", own_ca, "app", APP_PASSWORD},
        {&named, "localhost", own_ca, "default", PASSWORD},
        {&addressed, "127.0.0.1", own_ca, NULL, PASSWORD},
        {NULL, "127.0.0.1", NULL, NULL, PASSWORD},
    };
    for (size_t i = 0; i < ARRAY_COUNT(right); i++) {
        assert_null(ping(&right[i]));
    }
}

/* Each differs in one thing from what connects. */
static void test_anything_wrong_is_refused(void **state)
{
    (void)state;
    const struct told wrong[] = {
        {&named, "localhost", other_ca, NULL, PASSWORD},
        {&named, "localhost", NULL, NULL, PASSWORD}, /* the system's authorities have not signed it */
        {&named, "localhost", "no certificate", NULL, PASSWORD},
        {&named, "127.0.0.1", own_ca, NULL, PASSWORD},
        {&addressed, "localhost", own_ca, NULL, PASSWORD},
        {&named, "localhost", own_ca, NULL, "wrong horse battery staple"},
        {&named, "localhost", own_ca, NULL, NULL},
        {&named, "localhost", own_ca, "nobody", PASSWORD},
        {&named, "default:secret@localhost", own_ca, NULL, PASSWORD},
        {NULL, "127.0.0.1", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_ptr_equal(ping(&wrong[i]), &err_unavailable);
    }
}

static void test_server_that_speaks_no_tls_is_refused(void **state)
{
    (void)state;
    const struct server plain = {.tls_port = plain_port};
    const struct told told = {&plain, "localhost", own_ca, NULL, PASSWORD};
    assert_ptr_equal(ping(&told), &err_unavailable);
}

static void test_long_values_and_many_commands_pass(void **state)
{
    (void)state;
    const struct told told = good();
    struct ctx *ctx = ctx_told(&told);
    char *big = arena_alloc(ctx->arena, BIG + 1);
    memset(big, 'x', BIG);
    big[BIG] = '\0';
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *values;
    for (int i = 0; i < 20; i++) {
        REDIS_PIPE(pipe, "SET", "big", big);
        REDIS_PIPE(pipe, "GET", "big");
    }
    assert_null(redis_pipe_run(pipe, &values));
    for (int i = 0; i < 20; i++) {
        assert_int_equal(values[2 * i + 1].len, BIG);
        assert_string_equal(values[2 * i + 1].str, big);
    }
    program_ctx_free(&ctx);
}

static int64_t connection_of(struct ctx *ctx)
{
    const struct redis_value *value;
    assert_null(REDIS_RUN(ctx, &value, "CLIENT", "ID"));
    return value->integer;
}

static void test_connection_is_kept_and_opened_anew_when_it_has_ended(void **state)
{
    (void)state;
    const struct told told = good();
    struct ctx *ctx = ctx_told(&told), *killer = ctx_told(&told);
    int64_t first = connection_of(ctx);
    assert_int_equal(connection_of(ctx), first);
    assert_null(REDIS_RUN(killer, NULL, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
    assert_true(connection_of(ctx) > first);
    program_ctx_free(&ctx);
    program_ctx_free(&killer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told_rightly_connects),
        cmocka_unit_test(test_anything_wrong_is_refused),
        cmocka_unit_test(test_server_that_speaks_no_tls_is_refused),
        cmocka_unit_test(test_long_values_and_many_commands_pass),
        cmocka_unit_test(test_connection_is_kept_and_opened_anew_when_it_has_ended),
    };
    return cmocka_run_group_tests_name("redis, secured", tests, setup, teardown);
}
