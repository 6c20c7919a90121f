/* Requests that share a batch and its exchanges with Redis: each gets its own answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/fcgi_client.h"
#include "tests/support/fcgi_pool.h"

#define TOGETHER 20

static int set_up(void **state)
{
    int status = pool_set_up(state);
    setenv("BOX_CONNECTIONS", "64", 1);
    pool_use_redis();
    return status;
}

static void ask(int fd, const char *path)
{
    client_send_head(fd, KEEP_CONN, "GET", path, "");
    client_send_record(fd, STDIN, NULL, 0);
}

static void ask_for_word(int fd, int number)
{
    char path[32];
    snprintf(path, sizeof path, "/word/w%d", number);
    ask(fd, path);
}

static void assert_word(int fd, int number)
{
    char both[32];
    snprintf(both, sizeof both, "w%d w%d", number, number);
    client_assert_answer(fd, 200, both);
}

/* They come while the process is at work, among some that ask nothing of Redis. */
static void test_each_of_a_batch_gets_its_own_answers(void **state)
{
    (void)state;
    int fds[TOGETHER];
    pool_start();
    for (int i = 0; i < TOGETHER; i++) {
        fds[i] = client_open();
        ask_for_word(fds[i], i);
        assert_word(fds[i], i);
    }
    int busy = client_open();
    ask(busy, "/wait");
    pool_await_entered();
    for (int i = 0; i < TOGETHER; i++) {
        if (i % 5 == 4) {
            ask(fds[i], "/nothing");
        } else {
            ask_for_word(fds[i], 100 + i);
        }
    }
    pool_let_leave();
    client_assert_answer(busy, 200, "waited");
    for (int i = TOGETHER - 1; i >= 0; i--) {
        if (i % 5 == 4) {
            client_assert_answer(fds[i], 404, "");
        } else {
            assert_word(fds[i], 100 + i);
        }
        close(fds[i]);
    }
    close(busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_of_a_batch_gets_its_own_answers, set_up, pool_tear_down),
    };
    return cmocka_run_group_tests_name("fcgi batches", tests, pool_make_folder, pool_remove_folder);
}
