/* db against a real PostgreSQL: values, errors by SQLSTATE, transactions, lost connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "tests/support/fixture.h"

#define ROLE "reservation_service"

static const struct db_stmt echo = {
    .name = "test_echo",
    .sql = "SELECT $1::text AS text, $2::bigint AS int, $3::boolean AS bool, $4::timestamptz AS time,"
           " $5::bytea AS bytes, $6::uuid[] AS uuids"};
static const struct db_stmt backend_pid = {.name = "test_backend_pid", .sql = "SELECT pg_backend_pid()"};
static const struct db_stmt terminate = {.name = "test_terminate", .sql = "SELECT pg_terminate_backend($1::int, 5000)"};
static const struct db_stmt key_add = {.name = "test_key_add",
                                       .sql = "INSERT INTO idempotency_keys (user_id, route, key, fingerprint)"
                                              " VALUES ($1, 'TEST', 'k', '')"};
static const struct db_stmt key_count = {.name = "test_key_count",
                                         .sql = "SELECT count(*) FROM idempotency_keys WHERE user_id = $1"};
static const struct db_stmt raise_retry = {.name = "test_raise_retry",
                                           .sql = "DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END$$"};
static const struct db_stmt raise_ours = {.name = "test_raise_ours",
                                          .sql = "DO $$BEGIN RAISE EXCEPTION USING ERRCODE = 'BX042'; END$$"};
static const struct db_stmt wrong = {.name = "test_wrong", .sql = "SELECT no_such_column"};
static const struct db_stmt nap = {.name = "test_nap", .sql = "SELECT pg_sleep(30)"};
static const struct db_stmt forbidden = {.name = "test_forbidden", .sql = "SELECT id FROM common.outbox_events"};
static const struct db_stmt dying_read = {.name = "test_dying_read",
                                          .sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                                 " WHERE pid = pg_backend_pid()",
                                          .kind = DB_READ};
static const struct db_stmt dying_call = {
    .name = "test_dying_call", .sql = "SELECT done FROM pg_terminate_backend(pg_backend_pid()) AS call (done)"};
static const struct db_stmt dying_write = {.name = "test_dying_write",
                                           .sql = "WITH added AS (INSERT INTO idempotency_keys"
                                                  " (user_id, route, key, fingerprint) VALUES ($1, 'TEST', 'k', '')"
                                                  " RETURNING pg_backend_pid() AS pid)"
                                                  " SELECT pg_terminate_backend(pid) FROM added"};

struct pair {
    struct ctx *ctx;
    struct ctx *other; /* a second session of the same role */
};

static int begin(void **state, const char *role)
{
    static struct pair pair;
    pair = (struct pair){fixture_ctx(role, 0), fixture_ctx(role, 0)};
    *state = &pair;
    return 0;
}

static int setup(void **state)
{
    return begin(state, ROLE);
}

/* Services may take no such locks (sql/120_own_columns.sql). */
static int setup_locks(void **state)
{
    return begin(state, "boxoffice_admin");
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    fixture_free(&pair->ctx);
    fixture_free(&pair->other);
    return 0;
}

static int64_t pid_of(struct ctx *ctx)
{
    const struct db_rows *rows;
    assert_null(DB_RUN0(ctx, &backend_pid, &rows));
    return db_int(rows, 0, "pg_backend_pid");
}

static void kill_session(struct ctx *other, int64_t pid)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(other, &terminate, &rows, DB_INT(pid)));
    assert_true(db_bool(rows, 0, "pg_terminate_backend"));
}

static int64_t keys_of(struct ctx *ctx, const char *user)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &key_count, &rows, DB_TEXT(user)));
    return db_int(rows, 0, "count");
}

/* ---- values ---- */

static void test_values_of_all_types_come_back(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const int64_t at = INT64_C(1780308000123456);
    const char *ids[] = {"018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"};
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &echo, &rows, DB_TEXT("a'b\\ \"한글\" %s"), DB_INT(INT64_MIN), DB_BOOL(true), DB_TIME(at),
                       DB_BYTES("\0\x01\xff'", 4), DB_UUIDS(ids, 2)));
    assert_int_equal(db_count(rows), 1);
    assert_string_equal(db_str(rows, 0, "text"), "a'b\\ \"한글\" %s");
    assert_true(db_int(rows, 0, "int") == INT64_MIN);
    assert_true(db_bool(rows, 0, "bool"));
    assert_true(db_time(rows, 0, "time") == at);
    size_t len;
    assert_memory_equal(db_bytes(ctx, rows, 0, "bytes", &len), "\0\x01\xff'", 4);
    assert_int_equal(len, 4);
    assert_string_equal(db_str(rows, 0, "uuids"),
                        "{018f0000-0000-7000-8000-000000000001,018f0000-0000-7000-8000-000000000002}");
}

static void test_values_null_come_back_as_null(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const struct db_rows *rows;
    size_t len;
    assert_null(DB_RUN(ctx, &echo, &rows, DB_TEXT(NULL), DB_NULL, DB_NULL, DB_TIME(CLOCK_NONE), DB_BYTES(NULL, 0),
                       DB_UUIDS(NULL, 0)));
    assert_null(db_str(rows, 0, "text"));
    assert_true(db_null(rows, 0, "int"));
    assert_int_equal(db_int(rows, 0, "int"), 0);
    assert_false(db_bool(rows, 0, "bool"));
    assert_true(db_time(rows, 0, "time") == CLOCK_NONE);
    assert_null(db_bytes(ctx, rows, 0, "bytes", &len));
    assert_string_equal(db_str(rows, 0, "uuids"), "{}");
}

static void test_uuids_hostile_element_is_refused(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const char *ids[] = {"x},{y"};
    assert_ptr_equal(DB_RUN(ctx, &echo, NULL, DB_NULL, DB_NULL, DB_NULL, DB_NULL, DB_NULL, DB_UUIDS(ids, 1)),
                     &err_internal);
}

static void test_time_infinity_comes_back(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &echo, &rows, DB_NULL, DB_NULL, DB_NULL, DB_TIME(INT64_MAX), DB_NULL, DB_UUIDS(NULL, 0)));
    assert_true(db_time(rows, 0, "time") == INT64_MAX);
}

static void test_columns_without_a_name_of_their_own_are_refused(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    static const struct db_stmt twice = {.name = "test_twice", .sql = "SELECT 1 AS one, 2 AS one"};
    static const struct db_stmt nameless = {.name = "test_nameless", .sql = "SELECT 1 AS one, 1 + 1, 2 + 2"};
    const char *why = "";
    assert_non_null(db_check(ctx, &twice, &why));
    assert_string_equal(why, "column 2 has no name of its own: 'one'");
    assert_non_null(db_check(ctx, &nameless, &why));
    assert_string_equal(why, "column 2 has no name: it needs an AS");
    assert_null(db_check(ctx, &echo, &why));
}

static void test_column_that_the_statement_lacks_ends_the_process(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const struct db_rows *rows;
    assert_null(DB_RUN0(ctx, &backend_pid, &rows));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        db_int(rows, 0, "no_such_column");
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- side by side ---- */

static void test_statements_of_two_sessions_are_under_way_together(void **state)
{
    struct pair *pair = *state;
    const struct db_rows *rows;
    const char *user = fixture_uuid();
    assert_null(DB_RUN(pair->other, &key_add, NULL, DB_TEXT(user)));
    assert_null(DB_SEND(pair->ctx, &key_count, DB_TEXT(user)));
    assert_null(DB_SEND(pair->other, &key_count, DB_TEXT(fixture_uuid())));
    assert_null(db_receive(pair->ctx, &rows));
    assert_int_equal(db_int(rows, 0, "count"), 1);
    assert_null(db_receive(pair->other, &rows));
    assert_int_equal(db_int(rows, 0, "count"), 0);
}

static void test_statement_before_the_answer_to_another_ends_the_process(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        (void)!DB_SEND(ctx, &key_count, DB_TEXT(fixture_uuid()));
        (void)!db_ping(ctx);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- errors ---- */

static void test_unique_violation_names_its_constraint(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const char *user = fixture_uuid();
    assert_null(DB_RUN(ctx, &key_add, NULL, DB_TEXT(user)));
    assert_ptr_equal(DB_RUN(ctx, &key_add, NULL, DB_TEXT(user)), &err_db_unique);
    assert_string_equal(db_constraint(ctx), "idempotency_keys_pkey");
    assert_null(db_ping(ctx));
    assert_string_equal(db_constraint(ctx), "");
}

static void test_raised_code_is_reported(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    assert_ptr_equal(DB_RUN0(ctx, &raise_ours, NULL), &err_db_raised);
    assert_string_equal(db_raised(ctx), "BX042");
}

static void test_other_failure_is_internal(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    assert_ptr_equal(DB_RUN0(ctx, &wrong, NULL), &err_internal);
    assert_ptr_equal(DB_RUN0(ctx, &forbidden, NULL), &err_internal);
    assert_null(db_ping(ctx));
}

static void test_statement_too_slow_is_unavailable(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    db_free(&ctx->db);
    cfg_db.statement_ms = 50;
    ctx->db = db_new();
    assert_ptr_equal(DB_RUN0(ctx, &nap, NULL), &err_unavailable);
    assert_null(db_ping(ctx));
}

static void test_check_tells_wrong_column_and_missing_right(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const char *why = "";
    assert_null(db_check(ctx, &key_add, &why));
    assert_non_null(db_check(ctx, &wrong, &why));
    assert_non_null(strstr(why, "no_such_column"));
    assert_non_null(db_check(ctx, &forbidden, &why));
    assert_non_null(strstr(why, "permission denied"));
}

static void test_script_runs_all_or_nothing(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const char *user = fixture_uuid();
    const char *sql = arena_printf(ctx->arena,
                                   "INSERT INTO idempotency_keys (user_id, route, key, fingerprint)"
                                   " VALUES ('%s', 'TEST', 'k', '');",
                                   user);
    const char *why = "";
    assert_non_null(db_script(ctx, arena_printf(ctx->arena, "%s SELECT 1/0;", sql), &why));
    assert_non_null(strstr(why, "division by zero"));
    assert_int_equal(keys_of(ctx, user), 0);
    assert_null(db_script(ctx, sql, &why));
    assert_int_equal(keys_of(ctx, user), 1);
}

/* ---- transactions ---- */

struct work {
    const char *user;
    struct ctx *other;
    int runs;
    int fail_until; /* runs that end with a serialization failure */
};

static const struct err *add_then_fail(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct err *e = DB_RUN(ctx, &key_add, NULL, DB_TEXT(work->user));
    return e != NULL ? e : &err_conflict;
}

static void test_transaction_error_rolls_back(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    struct work work = {.user = fixture_uuid()};
    assert_ptr_equal(db_transact(ctx, add_then_fail, &work), &err_conflict);
    assert_int_equal(keys_of(ctx, work.user), 0);
}

static const struct err *add_with_collisions(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct err *e = DB_RUN(ctx, &key_add, NULL, DB_TEXT(work->user));
    if (e == NULL && ++work->runs <= work->fail_until) {
        e = DB_RUN0(ctx, &raise_retry, NULL);
    }
    return e;
}

static void test_transaction_serialization_failure_is_repeated(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    struct work work = {.user = fixture_uuid(), .fail_until = 2};
    assert_null(db_transact(ctx, add_with_collisions, &work));
    assert_int_equal(work.runs, 3);
    assert_int_equal(keys_of(ctx, work.user), 1);
}

static void test_transaction_endless_collision_gives_up(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    struct work work = {.user = fixture_uuid(), .fail_until = 1000};
    assert_ptr_equal(db_transact(ctx, add_with_collisions, &work), &err_db_serialization);
    assert_int_equal(work.runs, 6);
    assert_int_equal(keys_of(ctx, work.user), 0);
}

static const struct err *swallow_error(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct err *e = DB_RUN(ctx, &key_add, NULL, DB_TEXT(work->user));
    assert_non_null(DB_RUN0(ctx, &raise_ours, NULL));
    return e;
}

static void test_transaction_swallowed_error_is_not_success(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    struct work work = {.user = fixture_uuid()};
    assert_ptr_equal(db_transact(ctx, swallow_error, &work), &err_internal);
    assert_int_equal(keys_of(ctx, work.user), 0);
}

/* ---- lost connections ---- */

static void test_connection_killed_while_idle_is_replaced_unnoticed(void **state)
{
    struct pair *pair = *state;
    const char *user = fixture_uuid();
    int64_t pid = pid_of(pair->ctx);
    kill_session(pair->other, pid);
    assert_null(DB_RUN(pair->ctx, &key_add, NULL, DB_TEXT(user)));
    assert_int_not_equal(pid_of(pair->ctx), pid);
    assert_int_equal(keys_of(pair->ctx, user), 1);
}

static const struct err *lose_then_write(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    work->runs++;
    const struct err *e = DB_RUN(ctx, &key_add, NULL, DB_TEXT(work->user));
    kill_session(work->other, pid_of(ctx));
    return e != NULL ? e : DB_RUN(ctx, &key_add, NULL, DB_TEXT(fixture_uuid()));
}

static void test_connection_killed_in_transaction_changes_nothing(void **state)
{
    struct pair *pair = *state;
    struct work work = {.user = fixture_uuid(), .other = pair->other};
    assert_ptr_equal(db_transact(pair->ctx, lose_then_write, &work), &err_unavailable);
    assert_int_equal(work.runs, 1);
    assert_int_equal(keys_of(pair->ctx, work.user), 0);
}

static const struct err *write_then_lose(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const struct err *e = DB_RUN(ctx, &key_add, NULL, DB_TEXT(work->user));
    kill_session(work->other, pid_of(ctx));
    return e;
}

static void test_connection_killed_before_commit_answer_is_uncertain(void **state)
{
    struct pair *pair = *state;
    struct work work = {.user = fixture_uuid(), .other = pair->other};
    assert_ptr_equal(db_transact(pair->ctx, write_then_lose, &work), &err_uncertain);
    assert_null(db_ping(pair->ctx));
}

static void test_connection_lost_in_a_read_is_unavailable(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    assert_ptr_equal(DB_RUN0(ctx, &dying_read, NULL), &err_unavailable);
    assert_null(db_ping(ctx));
}

static void test_connection_lost_in_a_write_is_uncertain(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    assert_ptr_equal(DB_RUN(ctx, &dying_write, NULL, DB_TEXT(fixture_uuid())), &err_uncertain);
    assert_ptr_equal(DB_RUN0(ctx, &dying_call, NULL), &err_uncertain);
    assert_null(db_ping(ctx));
}

static void test_server_away_is_unavailable_and_asked_rarely(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    db_free(&ctx->db);
    cfg_db.url = "postgresql://" ROLE "@/none?host=/nonexistent";
    ctx->db = db_new();
    int64_t started = clock_monotonic();
    for (int i = 0; i < 10000; i++) {
        assert_ptr_equal(db_ping(ctx), &err_unavailable);
    }
    assert_true(clock_monotonic() - started < 5 * CLOCK_SECOND);
}

/* One that has found the server away speaks for those beside it. */
static void test_server_away_is_asked_by_one_of_several(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx, *other = ((struct pair *)*state)->other;
    const char *there = cfg_db.url;
    db_free(&ctx->db);
    db_free(&other->db);
    cfg_db.url = "postgresql://" ROLE "@/none?host=/nonexistent";
    ctx->db = db_new();
    cfg_db.url = there;
    other->db = db_new_beside(ctx->db); /* that could connect */
    assert_ptr_equal(db_ping(ctx), &err_unavailable);
    assert_ptr_equal(db_ping(other), &err_unavailable);
    db_free(&other->db);
}

/* ---- advisory locks ---- */

static int64_t fresh_key(void)
{
    return clock_now() ^ (int64_t)(uintptr_t)&echo;
}

static void test_lock_is_held_by_one_session(void **state)
{
    struct pair *pair = *state;
    int64_t key = fresh_key();
    bool held = false;
    assert_null(db_try_lock(pair->ctx, key, &held));
    assert_true(held);
    assert_null(db_try_lock(pair->ctx, key, &held));
    assert_true(held);
    assert_null(db_try_lock(pair->other, key, &held));
    assert_false(held);
}

static void test_lock_lost_with_its_session_is_noticed(void **state)
{
    struct pair *pair = *state;
    int64_t key = fresh_key();
    bool held = false;
    assert_null(db_try_lock(pair->ctx, key, &held));
    kill_session(pair->other, pid_of(pair->ctx));
    assert_null(db_try_lock(pair->other, key, &held));
    assert_true(held);
    assert_ptr_equal(DB_RUN(pair->ctx, &key_add, NULL, DB_TEXT(fixture_uuid())), &err_unavailable);
    assert_null(db_try_lock(pair->ctx, key, &held));
    assert_false(held);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_of_all_types_come_back),
        TEST(test_values_null_come_back_as_null),
        TEST(test_uuids_hostile_element_is_refused),
        TEST(test_time_infinity_comes_back),
        TEST(test_columns_without_a_name_of_their_own_are_refused),
        TEST(test_column_that_the_statement_lacks_ends_the_process),
        TEST(test_statements_of_two_sessions_are_under_way_together),
        TEST(test_statement_before_the_answer_to_another_ends_the_process),
        TEST(test_unique_violation_names_its_constraint),
        TEST(test_raised_code_is_reported),
        TEST(test_other_failure_is_internal),
        TEST(test_statement_too_slow_is_unavailable),
        TEST(test_check_tells_wrong_column_and_missing_right),
        TEST(test_script_runs_all_or_nothing),
        TEST(test_transaction_error_rolls_back),
        TEST(test_transaction_serialization_failure_is_repeated),
        TEST(test_transaction_endless_collision_gives_up),
        TEST(test_transaction_swallowed_error_is_not_success),
        TEST(test_connection_killed_while_idle_is_replaced_unnoticed),
        TEST(test_connection_killed_in_transaction_changes_nothing),
        TEST(test_connection_killed_before_commit_answer_is_uncertain),
        TEST(test_connection_lost_in_a_read_is_unavailable),
        TEST(test_connection_lost_in_a_write_is_uncertain),
        TEST(test_server_away_is_unavailable_and_asked_rarely),
        TEST(test_server_away_is_asked_by_one_of_several),
        cmocka_unit_test_setup_teardown(test_lock_is_held_by_one_session, setup_locks, teardown),
        cmocka_unit_test_setup_teardown(test_lock_lost_with_its_session_is_noticed, setup_locks, teardown),
    };
    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
