/* idempotency: the first answer again, also for two requests at once (PAY-004). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/idempotency.h"
#include "tests/support/fixture.h"

#define ROLE "reservation_service"
#define ROUTE "POST /reservations/hold"

static const struct db_stmt age_key = {
    .name = "test_age_key",
    .sql = "UPDATE idempotency_keys SET created_at = clock_timestamp() - interval '25 h'"
           " WHERE user_id = $1"};

static int setup(void **state)
{
    *state = fixture_ctx(ROLE, 0);
    return 0;
}

static int teardown(void **state)
{
    struct ctx *ctx = *state;
    fixture_free(&ctx);
    return 0;
}

struct work {
    struct idempotency idem;
    const char *answer;       /* stored when the work is done */
    const struct err *result; /* of the work */
    int ready_fd, go_fd;      /* > 0: tells, then waits, between work and commit */
    const char *stored;
    int runs;
};

static struct idempotency request(const char *user, const char *body)
{
    return (struct idempotency){
        .key = "0123456789abcdef", .user_id = user, .route = ROUTE, .body = body, .body_len = strlen(body)};
}

static const struct err *work_once(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct err *e = idempotency_begin(ctx, &work->idem, &work->stored);
    if (e != NULL || work->stored != NULL) {
        return e;
    }
    work->runs++;
    if (work->ready_fd > 0) {
        char byte = 0;
        assert_int_equal(write(work->ready_fd, &byte, 1), 1);
        assert_int_equal(read(work->go_fd, &byte, 1), 1);
    }
    e = idempotency_store(ctx, &work->idem, work->answer);
    return e != NULL ? e : work->result;
}

static void test_repetition_gets_the_first_answer(void **state)
{
    struct ctx *ctx = *state;
    struct work work = {.idem = request(fixture_uuid(), "{\"a\":1}"), .answer = "{\"id\": 7}"};
    assert_null(db_transact(ctx, work_once, &work));
    assert_null(work.stored);
    work.answer = "{\"id\": 8}";
    assert_null(db_transact(ctx, work_once, &work));
    assert_string_equal(work.stored, "{\"id\": 7}");
    assert_int_equal(work.runs, 1);
}

static void test_other_body_is_refused(void **state)
{
    struct ctx *ctx = *state;
    const char *user = fixture_uuid();
    struct work work = {.idem = request(user, "{\"a\":1}"), .answer = "{}"};
    assert_null(db_transact(ctx, work_once, &work));
    work.idem = request(user, "{\"a\":2}");
    assert_ptr_equal(db_transact(ctx, work_once, &work), &err_idempotency_key_reused);
}

static void test_key_belongs_to_user_and_route(void **state)
{
    struct ctx *ctx = *state;
    struct work work = {.idem = request(fixture_uuid(), "{}"), .answer = "{}"};
    assert_null(db_transact(ctx, work_once, &work));
    work.idem.route = "POST /payments";
    assert_null(db_transact(ctx, work_once, &work));
    work.idem.user_id = fixture_uuid();
    assert_null(db_transact(ctx, work_once, &work));
    assert_int_equal(work.runs, 3);
}

static void test_failed_request_leaves_nothing_behind(void **state)
{
    struct ctx *ctx = *state;
    struct work work = {.idem = request(fixture_uuid(), "{}"), .answer = "{}", .result = &err_conflict};
    assert_ptr_equal(db_transact(ctx, work_once, &work), &err_conflict);
    work.result = NULL;
    assert_null(db_transact(ctx, work_once, &work));
    assert_int_equal(work.runs, 2);
}

static void test_key_older_than_a_day_is_new(void **state)
{
    struct ctx *ctx = *state;
    struct work work = {.idem = request(fixture_uuid(), "{\"a\":1}"), .answer = "{}"};
    assert_null(db_transact(ctx, work_once, &work));
    assert_null(DB_RUN(ctx, &age_key, NULL, DB_TEXT(work.idem.user_id)));
    work.idem.body = "{\"a\":2}";
    assert_null(db_transact(ctx, work_once, &work));
    assert_int_equal(work.runs, 2);
}

static void test_no_key_does_the_work_each_time(void **state)
{
    struct ctx *ctx = *state;
    struct work work = {.idem = request(fixture_uuid(), "{}"), .answer = "{}"};
    work.idem.key = NULL;
    assert_null(db_transact(ctx, work_once, &work));
    assert_null(db_transact(ctx, work_once, &work));
    assert_int_equal(work.runs, 2);
}

/* The first request stops before its commit, the second one is refused, then the first goes on. */
static void test_two_at_once_work_once(void **state)
{
    struct ctx *ctx = *state;
    int ready[2];
    int go[2];
    char byte;
    int status;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    struct work work = {.idem = request(fixture_uuid(), "{}"), .answer = "{\"by\": \"first\"}"};
    pid_t first = fork();
    assert_true(first >= 0);
    if (first == 0) {
        struct ctx *own = fixture_ctx(ROLE, 0);
        work.ready_fd = ready[1];
        work.go_fd = go[0];
        bool done = db_transact(own, work_once, &work) == NULL && work.runs == 1;
        fixture_free(&own);
        _exit(done ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct work second = {.idem = work.idem, .answer = "{\"by\": \"second\"}"};
    assert_ptr_equal(db_transact(ctx, work_once, &second), &err_idempotency_key_in_use);
    assert_int_equal(write(go[1], "", 1), 1);
    assert_int_equal(waitpid(first, &status, 0), first);
    assert_int_equal(status, 0);
    assert_null(db_transact(ctx, work_once, &second));
    assert_int_equal(second.runs, 0);
    assert_string_equal(second.stored, "{\"by\": \"first\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_repetition_gets_the_first_answer),
        TEST(test_other_body_is_refused),
        TEST(test_key_belongs_to_user_and_route),
        TEST(test_failed_request_leaves_nothing_behind),
        TEST(test_key_older_than_a_day_is_new),
        TEST(test_no_key_does_the_work_each_time),
        TEST(test_two_at_once_work_once),
    };
    return cmocka_run_group_tests_name("idempotency", tests, NULL, NULL);
}
