/* redis against a real server: values, errors, scripts, pipelines, lost connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
#include "common/crypto/crypto.h"
#include "common/io/redis_conn.h"
#include "tests/support/fixture.h"

struct pair {
    struct ctx *ctx;
    struct ctx *other; /* a second connection */
};

static int setup(void **state)
{
    static struct pair pair;
    pair = (struct pair){fixture_ctx(NULL, NEED_REDIS), fixture_ctx(NULL, NEED_REDIS)};
    *state = &pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    fixture_free(&pair->ctx);
    fixture_free(&pair->other);
    return 0;
}

static struct ctx *ctx_of(void **state)
{
    return ((struct pair *)*state)->ctx;
}

static struct redis_script script_of(struct ctx *ctx, const char *source)
{
    return (struct redis_script){.name = "test", .source = source, .sha1 = crypto_sha1_hex(ctx->arena, source)};
}

static struct redis_script adder(struct ctx *ctx)
{
    return script_of(ctx, "return redis.call('INCRBY', KEYS[1], ARGV[1])");
}

/* ---- commands ---- */

static void test_values_of_all_types_come_back(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    const struct redis_value *value;
    assert_null(REDIS_RUN(ctx, &value, "SET", key, "one"));
    assert_int_equal(value->type, REDIS_STATUS);
    assert_string_equal(value->str, "OK");
    assert_null(REDIS_RUN(ctx, &value, "GET", key));
    assert_int_equal(value->type, REDIS_STR);
    assert_string_equal(value->str, "one");
    assert_null(REDIS_RUN(ctx, &value, "DEL", key));
    assert_int_equal(value->type, REDIS_INT);
    assert_int_equal(value->integer, 1);
    assert_null(REDIS_RUN(ctx, &value, "GET", key));
    assert_int_equal(value->type, REDIS_NIL);
}

static void test_list_items_are_read_by_index(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    const struct redis_value *value;
    assert_null(REDIS_RUN(ctx, NULL, "RPUSH", key, "12", "-7", "text"));
    assert_null(REDIS_RUN(ctx, &value, "LRANGE", key, "0", "-1"));
    assert_int_equal(value->count, 3);
    assert_int_equal(redis_int(value, 0), 12);
    assert_int_equal(redis_int(value, 1), -7);
    assert_string_equal(redis_str(value, 2), "text");
    assert_int_equal(redis_int(value, 3), 0);
    assert_null(redis_str(value, 3));
    assert_null(redis_str(&value->items[0], 0));
}

static void test_arguments_are_never_interpreted(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    const char *nasty = "%s %b \r\n*1\r\n$8\r\nFLUSHALL\r\n \"'\\ \xff\xfe 한글";
    const struct redis_value *value;
    assert_null(REDIS_RUN(ctx, NULL, "SET", key, nasty));
    assert_null(REDIS_RUN(ctx, &value, "GET", key));
    assert_string_equal(value->str, nasty);
    assert_null(REDIS_RUN(ctx, NULL, "SET", key, ""));
    assert_null(REDIS_RUN(ctx, &value, "GET", key));
    assert_int_equal(value->len, 0);
}

static void test_values_with_nul_keep_their_length(void **state)
{
    struct ctx *ctx = ctx_of(state);
    struct redis_script script = script_of(ctx, "return 'a\\0b'");
    const struct redis_value *value;
    assert_null(redis_eval(ctx, &script, &value, NULL, 0, NULL, 0));
    assert_int_equal(value->len, 3);
    assert_memory_equal(value->str, "a\0b", 4);
}

static void test_error_answer_is_internal_and_connection_stays(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    assert_null(REDIS_RUN(ctx, NULL, "SET", key, "text"));
    assert_ptr_equal(REDIS_RUN(ctx, NULL, "INCR", key), &err_internal);
    assert_ptr_equal(REDIS_RUN(ctx, NULL, "NOSUCHCOMMAND", "secret"), &err_internal);
    assert_null(redis_ping(ctx));
}

/* ---- scripts ---- */

static void test_script_flushed_is_loaded_again(void **state)
{
    struct ctx *ctx = ctx_of(state);
    struct redis_script add = adder(ctx);
    const char *keys[] = {fixture_uuid()};
    const char *args[] = {"5"};
    const struct redis_value *value;
    assert_null(redis_eval(ctx, &add, &value, keys, 1, args, 1));
    assert_int_equal(value->integer, 5);
    assert_null(REDIS_RUN(ctx, NULL, "SCRIPT", "FLUSH"));
    assert_null(redis_eval(ctx, &add, &value, keys, 1, args, 1));
    assert_int_equal(value->integer, 10);
}

static void test_script_crash_is_internal(void **state)
{
    struct ctx *ctx = ctx_of(state);
    struct redis_script crash = script_of(ctx, "return nothing.there");
    struct redis_script misuse = script_of(ctx, "return redis.call('INCR')");
    assert_ptr_equal(redis_eval(ctx, &crash, NULL, NULL, 0, NULL, 0), &err_internal);
    assert_ptr_equal(redis_eval(ctx, &misuse, NULL, NULL, 0, NULL, 0), &err_internal);
}

/* ---- pipelines ---- */

/* "Not now" to one command says it to all: nobody takes half a pipeline for the whole. */
static void test_pipe_of_which_one_is_refused_for_memory_is_unavailable(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const struct redis_value *before;
    assert_null(REDIS_RUN(ctx, &before, "CONFIG", "GET", "maxmemory"));
    assert_null(REDIS_RUN(ctx, NULL, "CONFIG", "SET", "maxmemory", "1"));
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "PING");
    REDIS_PIPE(pipe, "SET", "no-room", "x");
    const struct err *e = redis_pipe_run(pipe, NULL);
    assert_null(REDIS_RUN(ctx, NULL, "CONFIG", "SET", "maxmemory", redis_str(before, 1)));
    assert_ptr_equal(e, &err_unavailable);
}

static void test_pipe_values_come_in_order_with_errors_inside(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    const struct redis_value *values;
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "SET", key, "text");
    REDIS_PIPE(pipe, "INCR", key);
    REDIS_PIPE(pipe, "GET", key);
    assert_null(redis_pipe_run(pipe, &values));
    assert_int_equal(values[0].type, REDIS_STATUS);
    assert_int_equal(values[1].type, REDIS_ERROR);
    assert_string_equal(values[2].str, "text");
}

static void test_pipe_borrows_nothing(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const struct redis_value *values;
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    char text[] = "before";
    REDIS_PIPE(pipe, "ECHO", text);
    memcpy(text, "after.", sizeof text);
    assert_null(redis_pipe_run(pipe, &values));
    assert_string_equal(values[0].str, "before");
}

static void test_pipe_scripts_flushed_by_another_are_loaded_again(void **state)
{
    struct pair *pair = *state;
    struct redis_script add = adder(pair->ctx);
    const char *key = fixture_uuid();
    const struct redis_value *values;
    for (int round = 0; round < 2; round++) {
        struct redis_pipe *pipe = redis_pipe_new(pair->ctx);
        REDIS_PIPE(pipe, "SET", key, "1");
        redis_pipe_eval(pipe, &add, &key, 1, (const char *[]){"2"}, 1);
        redis_pipe_eval(pipe, &add, &key, 1, (const char *[]){"3"}, 1);
        assert_null(redis_pipe_run(pipe, &values));
        assert_int_equal(values[1].integer, 3);
        assert_int_equal(values[2].integer, 6);
        assert_null(REDIS_RUN(pair->other, NULL, "SCRIPT", "FLUSH"));
    }
}

static void test_pipe_arguments_may_hold_any_bytes(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const struct redis_value *values;
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_begin(pipe, 2);
    redis_pipe_arg(pipe, "ECHO", 4);
    redis_pipe_arg(pipe, "a\0%s\r\n$b", 9);
    assert_null(redis_pipe_run(pipe, &values));
    assert_int_equal(values[0].len, 9);
    assert_memory_equal(values[0].str, "a\0%s\r\n$b", 9);
}

/* A pipeline whose commands announce `announced` arguments each and have `given`, around a SET of `key`. */
static struct redis_pipe *miscounted(struct ctx *ctx, const char *key, size_t announced, size_t given)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "SET", key, "sent");
    redis_pipe_begin(pipe, announced);
    for (size_t i = 0; i < given; i++) {
        redis_pipe_arg(pipe, i == 0 ? "ECHO" : "x", i == 0 ? 4 : 1);
    }
    return pipe;
}

static void assert_not_sent(struct ctx *ctx, struct redis_pipe *pipe, const char *key)
{
    const struct redis_value *before;
    const struct redis_value *after;
    const struct redis_value *value;
    assert_null(REDIS_RUN(ctx, &before, "CLIENT", "ID"));
    assert_ptr_equal(redis_pipe_run(pipe, NULL), &err_internal);
    assert_null(REDIS_RUN(ctx, &value, "GET", key));
    assert_int_equal(value->type, REDIS_NIL);
    assert_null(REDIS_RUN(ctx, &after, "CLIENT", "ID"));
    assert_int_equal(after->integer, before->integer);
}

/* ---- several pipelines in one exchange ---- */

static struct redis_pipe *pipe_of(struct ctx *ctx, const char *command, const char *key)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, command, key);
    return pipe;
}

static void test_pipes_in_one_exchange_come_out_each_by_itself(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    struct redis_script script = adder(ctx);
    const struct redis_value *values;
    struct redis_pipe *wrong = redis_pipe_new(ctx), *adding = redis_pipe_new(ctx);
    redis_pipe_begin(wrong, 2);
    redis_pipe_arg(wrong, "GET", 3); /* lacks its key */
    REDIS_PIPE(adding, "SET", key, "5");
    redis_pipe_eval(adding, &script, &key, 1, (const char *const[]){"2"}, 1);
    struct redis_pipe *pipes[] = {pipe_of(ctx, "GET", key), wrong, adding, pipe_of(ctx, "LPUSH", key),
                                  pipe_of(ctx, "GET", key)};
    assert_null(REDIS_RUN(ctx, NULL, "SCRIPT", "FLUSH"));
    redis_pipes_run(pipes, ARRAY_COUNT(pipes));
    assert_null(redis_pipe_outcome(pipes[0], &values));
    assert_int_equal(values[0].type, REDIS_NIL);
    assert_ptr_equal(redis_pipe_outcome(pipes[1], &values), &err_internal);
    assert_null(redis_pipe_outcome(pipes[2], &values));
    assert_int_equal(values[1].integer, 7);
    assert_null(redis_pipe_outcome(pipes[3], &values));
    assert_int_equal(values[0].type, REDIS_ERROR);
    assert_null(redis_pipe_outcome(pipes[4], &values));
    assert_string_equal(values[0].str, "7");
}

/* Scripts flushed behind our back: only those that need them are run again. */
static void test_pipes_without_their_script_are_repeated_and_no_others(void **state)
{
    struct pair *pair = *state;
    struct ctx *ctx = pair->ctx;
    const char *key = fixture_uuid(), *other = fixture_uuid();
    struct redis_script script = adder(ctx);
    const struct redis_value *values;
    assert_null(redis_eval(ctx, &script, NULL, &key, 1, (const char *const[]){"1"}, 1)); /* is loaded now */
    assert_null(REDIS_RUN(pair->other, NULL, "SCRIPT", "FLUSH"));
    struct redis_pipe *adding = redis_pipe_new(ctx);
    redis_pipe_eval(adding, &script, &key, 1, (const char *const[]){"1"}, 1);
    struct redis_pipe *pipes[] = {pipe_of(ctx, "INCR", other), adding};
    redis_pipes_run(pipes, ARRAY_COUNT(pipes));
    assert_null(redis_pipe_outcome(adding, &values));
    assert_int_equal(values[0].integer, 2);
    assert_null(redis_pipe_outcome(pipes[0], &values));
    assert_int_equal(values[0].integer, 1);
}

static void test_pipe_whose_script_is_refused_fails_alone(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    const struct redis_script broken = {.name = "broken", .source = "return (", .sha1 = "0"};
    const struct redis_value *values;
    struct redis_pipe *breaking = redis_pipe_new(ctx);
    redis_pipe_eval(breaking, &broken, &key, 1, NULL, 0);
    struct redis_pipe *pipes[] = {pipe_of(ctx, "INCR", key), breaking, pipe_of(ctx, "INCR", key)};
    redis_pipes_run(pipes, ARRAY_COUNT(pipes));
    assert_ptr_equal(redis_pipe_outcome(breaking, &values), &err_internal);
    assert_null(redis_pipe_outcome(pipes[0], &values));
    assert_int_equal(values[0].integer, 1);
    assert_null(redis_pipe_outcome(pipes[2], &values));
    assert_int_equal(values[0].integer, 2);
}

static void test_pipes_all_fail_when_the_server_is_away(void **state)
{
    (void)state;
    struct ctx *ctx = fixture_ctx(NULL, NEED_REDIS);
    redis_free(&ctx->redis);
    ctx->redis = redis_new_at("unix:///nowhere/redis.sock");
    struct redis_pipe *pipes[] = {pipe_of(ctx, "GET", "a"), pipe_of(ctx, "GET", "b")};
    redis_pipes_run(pipes, ARRAY_COUNT(pipes));
    assert_ptr_equal(redis_pipe_outcome(pipes[0], NULL), &err_unavailable);
    assert_ptr_equal(redis_pipe_outcome(pipes[1], NULL), &err_unavailable);
    fixture_free(&ctx);
}

static void test_wrong_count_is_refused_before_sending(void **state)
{
    static const struct {
        size_t announced;
        size_t given;
    } cases[] = {{2, 1}, {2, 3}, {2, 0}, {0, 0}, {0, 2}};
    struct ctx *ctx = ctx_of(state);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *key = fixture_uuid();
        assert_not_sent(ctx, miscounted(ctx, key, cases[i].announced, cases[i].given), key);
    }
}

static void test_wrong_counts_do_not_make_up_for_each_other(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    struct redis_pipe *pipe = miscounted(ctx, key, 2, 1);
    redis_pipe_begin(pipe, 2);
    redis_pipe_arg(pipe, "ECHO", 4);
    redis_pipe_arg(pipe, "x", 1);
    redis_pipe_arg(pipe, "x", 1);
    assert_not_sent(ctx, pipe, key);
}

static void test_wrong_count_of_a_script_is_refused_before_sending(void **state)
{
    struct ctx *ctx = ctx_of(state);
    struct redis_script add = adder(ctx);
    const char *key = fixture_uuid();
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_eval_begin(pipe, &add, &key, 1, 2);
    redis_pipe_arg_int(pipe, 1);
    assert_not_sent(ctx, pipe, key);
}

static void test_pipe_that_is_too_long_is_refused_before_sending(void **state)
{
    struct ctx *ctx = ctx_of(state);
    const char *key = fixture_uuid();
    size_t len = 1 << 20;
    const char *text = memset(arena_alloc(ctx->arena, len), 'x', len);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "SET", key, "sent");
    for (int i = 0; i < 32; i++) {
        redis_pipe_begin(pipe, 2);
        redis_pipe_arg(pipe, "ECHO", 4);
        redis_pipe_arg(pipe, text, len);
    }
    assert_not_sent(ctx, pipe, key);
}

/* ---- lost connections ---- */

static void kill_connection(struct pair *pair)
{
    const struct redis_value *id;
    const struct redis_value *killed;
    assert_null(REDIS_RUN(pair->ctx, &id, "CLIENT", "ID"));
    assert_null(REDIS_RUN(pair->other, &killed, "CLIENT", "KILL", "ID",
                          arena_printf(pair->other->arena, "%lld", (long long)id->integer)));
    assert_int_equal(killed->integer, 1);
}

static void test_connection_killed_while_idle_is_replaced_unnoticed(void **state)
{
    struct pair *pair = *state;
    const char *key = fixture_uuid();
    const struct redis_value *value;
    kill_connection(pair);
    assert_null(REDIS_RUN(pair->ctx, &value, "INCR", key));
    assert_int_equal(value->integer, 1);
}

static void test_scripts_survive_a_new_connection(void **state)
{
    struct pair *pair = *state;
    struct redis_script add = adder(pair->ctx);
    const char *key = fixture_uuid();
    const struct redis_value *value;
    assert_null(redis_eval(pair->ctx, &add, &value, &key, 1, (const char *[]){"1"}, 1));
    assert_null(REDIS_RUN(pair->other, NULL, "SCRIPT", "FLUSH"));
    kill_connection(pair);
    assert_null(redis_eval(pair->ctx, &add, &value, &key, 1, (const char *[]){"1"}, 1));
    assert_int_equal(value->integer, 2);
}

static void test_server_away_is_unavailable_and_asked_rarely(void **state)
{
    struct ctx *ctx = ctx_of(state);
    redis_free(&ctx->redis);
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    int64_t started = clock_monotonic();
    for (int i = 0; i < 10000; i++) {
        assert_ptr_equal(REDIS_RUN(ctx, NULL, "INCR", "x"), &err_unavailable);
    }
    assert_true(clock_monotonic() - started < 5 * CLOCK_SECOND);
}

/* The server of these tests without the number of its database. */
static char *server_url(struct ctx *ctx)
{
    char *url = arena_strdup(ctx->arena, cfg_redis.url);
    char *slash = strrchr(url, '/');
    if (slash[1 + strspn(slash + 1, "0123456789")] == '\0') {
        *slash = '\0';
    }
    return url;
}

static void test_url_may_name_a_database(void **state)
{
    static const struct {
        const char *number, *told;
    } rows[] = {{"", " db=0 "}, {"/1", " db=1 "}, {"/0", " db=0 "}, {"/1000000", NULL}};
    struct ctx *ctx = ctx_of(state);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct redis_value *info;
        redis_free(&ctx->redis);
        ctx->redis = redis_new_at(ARENA_JOIN(ctx->arena, server_url(ctx), rows[i].number));
        const struct err *e = REDIS_RUN(ctx, &info, "CLIENT", "INFO");
        assert_ptr_equal(e, rows[i].told ? NULL : &err_unavailable);
        assert_true(e || strstr(info->str, rows[i].told));
    }
}

/* However long it was away, nobody is refused for more than a second after it is back. */
static void test_server_that_was_away_for_long_is_found_within_a_second(void **state)
{
    struct ctx *ctx = ctx_of(state);
    redis_free(&ctx->redis);
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    for (int i = 0; i < 100; i++) {
        assert_ptr_equal(redis_ping(ctx), &err_unavailable);
        assert_true(ctx->redis->retry_at <= clock_monotonic() + CLOCK_SECOND);
        clock_skip(CLOCK_SECOND);
    }
    free(ctx->redis->url);
    ctx->redis->url = strdup(cfg_redis.url);
    assert_null(redis_ping(ctx));
    assert_int_equal(ctx->redis->backoff.tries, 0); /* the next time begins anew */
}

static void test_server_away_is_not_tried_before_its_time(void **state)
{
    struct ctx *ctx = ctx_of(state);
    redis_disconnect(ctx->redis);
    ctx->redis->retry_at = clock_monotonic() + 3600 * CLOCK_SECOND;
    assert_ptr_equal(redis_ping(ctx), &err_unavailable);
    clock_skip(3600 * CLOCK_SECOND);
    assert_null(redis_ping(ctx));
}

static void test_malformed_url_is_unavailable(void **state)
{
    struct ctx *ctx = ctx_of(state);
    redis_free(&ctx->redis);
    ctx->redis = redis_new_at("http://127.0.0.1/");
    assert_ptr_equal(redis_ping(ctx), &err_unavailable);
}

/* A server that answers the SELECT of the connection and then nothing any more; without `reads` it does not take what
 * is sent either. */
static pid_t silent_server(char *url, size_t size, bool reads)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(url, size, "redis://127.0.0.1:%d/0", ntohs(address.sin_port));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
        char bytes[512];
        int peer = accept(fd, NULL, NULL);
        bool ok = read(peer, bytes, sizeof bytes) > 0 && write(peer, "+OK\r\n", 5) == 5;
        while (!reads) {
            pause();
        }
        while (ok && read(peer, bytes, sizeof bytes) > 0) {
        }
        _exit(0);
    }
    close(fd);
    return child;
}

static void test_answer_that_never_comes_is_uncertain(void **state)
{
    struct ctx *ctx = ctx_of(state);
    char url[64];
    pid_t child = silent_server(url, sizeof url, true);
    redis_free(&ctx->redis);
    cfg_redis.timeout_ms = 100;
    ctx->redis = redis_new_at(url);
    assert_ptr_equal(REDIS_RUN(ctx, NULL, "INCR", "x"), &err_uncertain);
    assert_int_equal(waitpid(child, NULL, 0), child); /* the connection was closed */
}

static void test_pipe_sent_in_part_is_uncertain(void **state)
{
    struct ctx *ctx = ctx_of(state);
    char url[64];
    size_t len = 16 << 20; /* more than the two sides' buffers take */
    pid_t child = silent_server(url, sizeof url, false);
    redis_free(&ctx->redis);
    cfg_redis.timeout_ms = 100;
    ctx->redis = redis_new_at(url);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_begin(pipe, 2);
    redis_pipe_arg(pipe, "ECHO", 4);
    redis_pipe_arg(pipe, memset(arena_alloc(ctx->arena, len), 'x', len), len);
    assert_ptr_equal(redis_pipe_run(pipe, NULL), &err_uncertain);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_of_all_types_come_back),
        TEST(test_list_items_are_read_by_index),
        TEST(test_arguments_are_never_interpreted),
        TEST(test_values_with_nul_keep_their_length),
        TEST(test_error_answer_is_internal_and_connection_stays),
        TEST(test_script_flushed_is_loaded_again),
        TEST(test_script_crash_is_internal),
        TEST(test_pipe_of_which_one_is_refused_for_memory_is_unavailable),
        TEST(test_pipe_values_come_in_order_with_errors_inside),
        TEST(test_pipe_borrows_nothing),
        TEST(test_pipe_scripts_flushed_by_another_are_loaded_again),
        TEST(test_pipe_arguments_may_hold_any_bytes),
        TEST(test_pipes_in_one_exchange_come_out_each_by_itself),
        TEST(test_pipes_without_their_script_are_repeated_and_no_others),
        TEST(test_pipe_whose_script_is_refused_fails_alone),
        TEST(test_pipes_all_fail_when_the_server_is_away),
        TEST(test_wrong_count_is_refused_before_sending),
        TEST(test_wrong_counts_do_not_make_up_for_each_other),
        TEST(test_wrong_count_of_a_script_is_refused_before_sending),
        TEST(test_pipe_that_is_too_long_is_refused_before_sending),
        TEST(test_connection_killed_while_idle_is_replaced_unnoticed),
        TEST(test_scripts_survive_a_new_connection),
        TEST(test_server_away_is_unavailable_and_asked_rarely),
        TEST(test_url_may_name_a_database),
        TEST(test_server_that_was_away_for_long_is_found_within_a_second),
        TEST(test_server_away_is_not_tried_before_its_time),
        TEST(test_malformed_url_is_unavailable),
        TEST(test_answer_that_never_comes_is_uncertain),
        TEST(test_pipe_sent_in_part_is_uncertain),
    };
    return cmocka_run_group_tests_name("redis", tests, NULL, NULL);
}
