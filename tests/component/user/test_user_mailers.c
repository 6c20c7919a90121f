/* Several mailers, and one that dies. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/mailer_scene.h"

static void test_mailer_that_is_killed_in_the_middle_loses_no_mail(void **state)
{
    (void)state;
    write_code("kim@example.com");
    box->fault = (struct mail_fault){.at = ".", .how = MAIL_HANGS, .keep = true, .times = 1};
    cfg_smtp.timeout_ms = 30000;
    pid_t pid = fork();
    if (pid == 0) {
        struct ctx *own = fixture_ctx("mailer", NEED_DB); /* a connection of its own */
        bool more;
        _exit(mailer_send(mailer_new(), own, &more) == NULL ? 0 : 1);
    }
    while (box->failed == 0) {
        usleep(1000);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(box->count, 1);
    assert_mail(0, (struct state){"WAITING", "", 1});
    assert_false(send_one()); /* it is taken */
    assert_null(DB_RUN0(admin, &due_now, NULL));
    assert_true(send_one());
    assert_mail(0, (struct state){"SENT", "", 2});
    assert_int_equal(box->count, 2);
    const char *ids[2];
    for (int i = 0; i < 2; i++) {
        ids[i] = strstr(box->mails[i], "Message-ID: <");
        assert_non_null(ids[i]);
    }
    assert_memory_equal(ids[0], ids[1], strcspn(ids[0], "\r"));
}

/* Sends a code that somebody else takes while the server fails as told. */
static void send_while_another_takes(struct mail_fault fault)
{
    static const struct db_stmt taken_by_another = {.name = "test_taken_by_another",
                                                    .sql = "UPDATE user_service.mails SET attempts = attempts + 1"};
    write_code("kim@example.com");
    box->fault = fault;
    pid_t pid = fork();
    if (pid == 0) {
        struct ctx *own = fixture_ctx("boxoffice_admin", NEED_DB);
        while (box->failed == 0) {
            usleep(1000);
        }
        const struct err *e = DB_RUN0(own, &taken_by_another, NULL);
        box->go_on = true;
        _exit(e == NULL ? 0 : 1);
    }
    assert_true(send_one());
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void test_mailer_that_was_thought_dead_puts_nothing_off(void **state)
{
    (void)state;
    send_while_another_takes((struct mail_fault){.at = ".", .how = MAIL_HANGS, .times = 1});
    assert_mail(0, (struct state){"WAITING", "", 2});
}

static void test_mailer_that_was_thought_dead_ends_nothing(void **state)
{
    (void)state;
    cfg_smtp.timeout_ms = 30000;
    send_while_another_takes((struct mail_fault){.at = ".", .how = MAIL_WAITS, .keep = true, .times = 1});
    assert_int_equal(box->count, 1);
    assert_mail(0, (struct state){"WAITING", "", 2});
}

static const struct db_stmt hold_mail = {.name = "test_hold_mail", .sql = "SELECT FROM user_service.mails FOR UPDATE"};

/* Another mailer is taking it at this moment. */
static const struct err *send_meanwhile(struct ctx *holder, void *unused)
{
    (void)unused;
    assert_null(DB_RUN0(holder, &hold_mail, NULL));
    assert_false(send_one());
    return NULL;
}

static void test_mailer_passes_over_what_another_is_taking(void **state)
{
    (void)state;
    write_code("kim@example.com");
    assert_null(db_transact(admin, send_meanwhile, NULL));
    assert_mail(0, (struct state){"WAITING", "", 0});
    assert_true(send_one());
    assert_mail(0, (struct state){"SENT", "", 1});
}

static void test_mailers_side_by_side_send_each_mail_once(void **state)
{
    (void)state;
    static const int mails = 12, mailers = 3;
    pid_t pids[3];
    for (int i = 0; i < mails; i++) {
        write_code(arena_printf(ctx->arena, "kim%d@example.com", i));
    }
    for (int i = 0; i < mailers; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct ctx *own = fixture_ctx("mailer", NEED_DB);
            struct mailer *one = mailer_new();
            bool more = true;
            const struct err *e = NULL;
            for (int turn = 0; !e && more && turn < 2 * mails; turn++) {
                more = false;
                e = mailer_send(one, own, &more);
            }
            _exit(e == NULL ? 0 : 1);
        }
    }
    for (int i = 0; i < mailers; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(box->count, mails);
    for (int i = 0; i < mails; i++) {
        assert_mail((size_t)i, (struct state){"SENT", "", 1});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mailer_that_is_killed_in_the_middle_loses_no_mail),
        TEST(test_mailer_that_was_thought_dead_puts_nothing_off),
        TEST(test_mailer_that_was_thought_dead_ends_nothing),
        TEST(test_mailer_passes_over_what_another_is_taking),
        TEST(test_mailers_side_by_side_send_each_mail_once),
    };
    return cmocka_run_group_tests_name("user_mailers", tests, NULL, NULL);
}
