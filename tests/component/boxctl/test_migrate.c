/* boxctl migrate, each test on a database of its own that migrate itself makes. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/db_url.h"
#include "src/boxctl/migrate.h"
#include "src/boxctl/settings.h"
#include "tests/support/fixture.h"

#define OWNER "boxoffice_admin"
#define PATIENCE_US (20 * CLOCK_SECOND)

struct state {
    struct boxctl box;
    const char *database;
    char dir[64];
};

/* ---- fixture ---- */

static void script(struct ctx *ctx, const char *sql)
{
    const char *why = "";
    if (db_script(ctx, sql, &why) != NULL) {
        fail_msg("%s", why);
    }
}

static int setup(void **state)
{
    struct state *st = calloc(1, sizeof *st);
    assert_non_null(st);
    st->box.ctx = fixture_ctx(OWNER, NEED_DB);
    st->database = strdup(arena_printf(st->box.ctx->arena, "test_migrate_%.8s%s", fixture_uuid(), fixture_uuid() + 24));
    st->box.owner = cfg_db;
    st->box.owner.url = strdup(db_url_at(st->box.ctx->arena, cfg_db.url, st->database));
    cfg_boxctl.secrets_dir = NULL; /* the roles belong to the whole server: their passwords stay as they are */
    strcpy(st->dir, "/tmp/test_migrate.XXXXXX");
    assert_non_null(mkdtemp(st->dir));
    *state = st;
    return 0;
}

static int teardown(void **state)
{
    struct state *st = *state;
    struct ctx *ctx = st->box.ctx;
    const char *why = "";
    assert_null(boxctl_connect_database(&st->box, "postgres", &why));
    script(ctx, arena_printf(ctx->arena, "DROP DATABASE IF EXISTS %s WITH (FORCE)", st->database));
    int status = system(arena_printf(ctx->arena, "rm -r '%s'", st->dir));
    free((char *)st->database);
    free((char *)st->box.owner.url);
    fixture_free(&st->box.ctx);
    free(st);
    return status;
}

static void write_file(struct state *st, const char *name, const char *sql)
{
    FILE *file = fopen(arena_printf(st->box.ctx->arena, "%s/%s", st->dir, name), "w");
    assert_non_null(file);
    fputs(sql, file);
    assert_int_equal(fclose(file), 0);
}

static enum boxctl_status migrate(struct state *st)
{
    return migrate_command.run(&st->box, 2, (char *[]){(char[]){"--dir"}, st->dir, NULL});
}

/* The text in the only column of the first row, as the owner; "" for NULL. */
static const char *ask(struct state *st, const char *sql)
{
    const char *why = "";
    const struct db_rows *rows;
    if (boxctl_connect(&st->box, NULL, &why) != NULL) {
        fail_msg("%s", why);
    }
    const struct db_stmt stmt = {.name = "test_ask",
                                 .sql = arena_printf(st->box.ctx->arena, "SELECT * FROM (%s) AS asked (answer)", sql)};
    assert_null(DB_RUN0(st->box.ctx, &stmt, &rows));
    const char *answer = db_str(rows, 0, "answer");
    return answer ? answer : "";
}

static void assert_answer(struct state *st, const char *sql, const char *expected)
{
    assert_string_equal(ask(st, sql), expected);
}

/* Waits until the query answers true. The database must exist. */
static void await(struct state *st, const char *sql)
{
    int64_t deadline = clock_monotonic() + PATIENCE_US;
    while (strcmp(ask(st, sql), "t") != 0) {
        if (clock_monotonic() > deadline) {
            fail_msg("never true: %s", sql);
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

/* Starts `boxctl migrate` as a process of its own. */
static pid_t start_migrate(struct state *st)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0) {
        return pid;
    }
    struct boxctl box = {.ctx = fixture_ctx(OWNER, 0), .owner = st->box.owner};
    enum boxctl_status status = migrate_command.run(&box, 2, (char *[]){(char[]){"--dir"}, st->dir, NULL});
    fflush(NULL);
    _exit((int)status);
}

static const char record[] = "SELECT string_agg(name, ' ' ORDER BY version) FROM common.schema_migrations";
static const char busy[] = "SELECT EXISTS (SELECT FROM pg_stat_activity"
                           " WHERE datname = current_database() AND wait_event = 'PgSleep')";

/* ---- applying ---- */

static void test_migrate_fresh_server_makes_database_and_applies_in_order(void **state)
{
    struct state *st = *state;
    write_file(st, "002_b.sql", "ALTER TABLE t ADD COLUMN b integer; INSERT INTO t (a, b) VALUES (1, 2);");
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_answer(st, "SELECT a || '/' || b FROM t", "1/2");
    assert_answer(st, record, "001_a.sql 002_b.sql");
}

static void test_migrate_again_changes_nothing(void **state)
{
    struct state *st = *state;
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    const char *before = ask(st, "SELECT applied_at::text FROM common.schema_migrations");
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_answer(st, "SELECT applied_at::text FROM common.schema_migrations", before);
}

static void test_migrate_new_file_later_is_applied_alone(void **state)
{
    struct state *st = *state;
    write_file(st, "010_a.sql", "CREATE TABLE t (a integer);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    write_file(st, "020_b.sql", "INSERT INTO t VALUES (7);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_answer(st, "SELECT count(*)::text FROM t", "1");
    assert_answer(st, record, "010_a.sql 020_b.sql");
}

/* ---- refusing ---- */

static void test_migrate_edited_past_file_refuses_all(void **state)
{
    struct state *st = *state;
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    write_file(st, "001_a.sql", "CREATE TABLE t (a bigint);");
    write_file(st, "002_b.sql", "CREATE TABLE u ();");
    assert_int_equal(migrate(st), BOXCTL_FAILED);
    assert_answer(st, record, "001_a.sql");
    assert_answer(st, "SELECT to_regclass('u')::text", "");
}

static void test_migrate_missing_past_file_refuses_all(void **state)
{
    struct state *st = *state;
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer);");
    write_file(st, "002_b.sql", "CREATE TABLE u ();");
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_int_equal(unlink(arena_printf(st->box.ctx->arena, "%s/001_a.sql", st->dir)), 0);
    write_file(st, "003_c.sql", "CREATE TABLE v ();");
    assert_int_equal(migrate(st), BOXCTL_FAILED);
    assert_answer(st, record, "001_a.sql 002_b.sql");
}

static void test_migrate_new_file_below_the_last_refuses_all(void **state)
{
    struct state *st = *state;
    write_file(st, "010_a.sql", "CREATE TABLE t (a integer);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    write_file(st, "005_late.sql", "CREATE TABLE u ();");
    assert_int_equal(migrate(st), BOXCTL_FAILED);
    assert_answer(st, record, "010_a.sql");
}

static void test_migrate_failing_file_leaves_nothing_of_itself(void **state)
{
    struct state *st = *state;
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer);");
    write_file(st, "002_b.sql", "CREATE TABLE u (); SELECT 1 / 0; CREATE TABLE v ();");
    write_file(st, "003_c.sql", "CREATE TABLE w ();");
    assert_int_equal(migrate(st), BOXCTL_FAILED);
    assert_answer(st, record, "001_a.sql");
    assert_answer(st, "SELECT concat(to_regclass('u'), to_regclass('v'), to_regclass('w'))", "");
    write_file(st, "002_b.sql", "CREATE TABLE u ();");
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_answer(st, record, "001_a.sql 002_b.sql 003_c.sql");
}

static void test_migrate_wrong_argument_is_usage(void **state)
{
    struct state *st = *state;
    assert_int_equal(migrate_command.run(&st->box, 1, (char *[]){(char[]){"--dir"}, NULL}), BOXCTL_USAGE);
    assert_int_equal(migrate_command.run(&st->box, 1, (char *[]){(char[]){"now"}, NULL}), BOXCTL_USAGE);
}

static void test_migrate_status_lists_and_changes_nothing(void **state)
{
    struct state *st = *state;
    char *args[] = {(char[]){"--status"}, (char[]){"--dir"}, st->dir, NULL};
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    write_file(st, "002_b.sql", "CREATE TABLE u ();");
    assert_int_equal(migrate_command.run(&st->box, 3, args), BOXCTL_OK);
    assert_answer(st, record, "001_a.sql");
    write_file(st, "001_a.sql", "CREATE TABLE t ();");
    assert_int_equal(migrate_command.run(&st->box, 3, args), BOXCTL_FAILED);
}

/* ---- processes ---- */

static void test_migrate_killed_half_way_leaves_nothing_of_the_file(void **state)
{
    struct state *st = *state;
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    write_file(st, "002_b.sql", "CREATE TABLE u (); SELECT pg_sleep(600);");
    pid_t pid = start_migrate(st);
    await(st, busy);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    /* The server would learn of it only when the sleep ends. */
    ask(st, "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            " AND datname = current_database()");
    await(st, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
              " AND pid <> pg_backend_pid() AND backend_type = 'client backend')");
    assert_answer(st, "SELECT to_regclass('u')::text", "");
    assert_answer(st, record, "001_a.sql");
    write_file(st, "002_b.sql", "CREATE TABLE u ();");
    assert_int_equal(migrate(st), BOXCTL_OK);
}

static void test_migrate_two_at_once_apply_each_file_once(void **state)
{
    struct state *st = *state;
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer);");
    assert_int_equal(migrate(st), BOXCTL_OK);
    write_file(st, "002_b.sql", "CREATE TABLE u (); INSERT INTO t VALUES (1); SELECT pg_sleep(1);");
    int status;
    pid_t pid = start_migrate(st);
    await(st, busy);
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), BOXCTL_OK);
    assert_answer(st, "SELECT count(*)::text FROM t", "1");
    assert_answer(st, record, "001_a.sql 002_b.sql");
}

static void test_migrate_two_at_once_on_a_fresh_server_both_succeed(void **state)
{
    struct state *st = *state;
    write_file(st, "001_a.sql", "CREATE TABLE t (a integer); INSERT INTO t VALUES (1);");
    int status;
    pid_t pid = start_migrate(st);
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_answer(st, "SELECT count(*)::text FROM t", "1");
}

/* ---- passwords ---- */

static void test_migrate_set_password_stores_a_verifier_that_logs_in(void **state)
{
    struct state *st = *state;
    struct ctx *ctx = st->box.ctx;
    const char *why = "", *role = arena_printf(ctx->arena, "%s_role", st->database);
    write_file(st, "001_a.sql", "SELECT;");
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_null(boxctl_connect(&st->box, NULL, &why));
    script(ctx, arena_printf(ctx->arena, "CREATE ROLE %s LOGIN", role));
    const struct err *err = migrate_set_password(ctx, role, "it's a \"test\"\\", &why);
    const char *stored =
        ask(st, arena_printf(ctx->arena, "SELECT rolpassword FROM pg_authid WHERE rolname = '%s'", role));
    struct cfg_db owner = cfg_db;
    cfg_db.url = db_url_as(ctx->arena, owner.url, role);
    cfg_db.password = "it's a \"test\"\\";
    db_free(&ctx->db);
    ctx->db = db_new();
    const struct err *login = db_ping(ctx);
    cfg_db = owner;
    assert_null(boxctl_connect(&st->box, NULL, &why));
    script(ctx, arena_printf(ctx->arena, "DROP ROLE %s", role));
    assert_null(err);
    assert_memory_equal(stored, "SCRAM-SHA-256$4096:", strlen("SCRAM-SHA-256$4096:"));
    assert_null(login);
}

/* ---- the project's own migrations ---- */

static const char uncommented[] =
    "SELECT string_agg(format('%s.%s', c.oid::regclass, a.attname), ' ')"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE n.nspname IN ('user_service', 'event_service', 'reservation_service', 'payment_service', 'common')"
    " AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition"
    " AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)";

static const char powerful[] =
    "SELECT string_agg(rolname, ' ') FROM pg_roles"
    " WHERE rolname IN ('user_service', 'event_service', 'reservation_service', 'payment_service', 'outbox_relay',"
    " 'gateway', 'user_admin', 'mailer', 'maintenance', 'key_keeper') AND (rolsuper OR rolcreaterole OR rolcreatedb OR "
    "rolbypassrls"
    " OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)"
    " OR has_database_privilege(oid, current_database(), 'TEMP')"
    " OR has_database_privilege(oid, current_database(), 'CREATE'))";

/* Every right of a service on a relation of another service's schema. */
static const char trespassing[] =
    "SELECT string_agg(r.rolname || ':' || c.oid::regclass, ' ')"
    " FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE r.rolname IN ('user_service', 'event_service', 'reservation_service', 'payment_service', 'outbox_relay',"
    " 'gateway') AND n.nspname LIKE '%\\_service' AND n.nspname <> r.rolname AND c.relkind IN ('r', 'p', 'v', 'm')"
    " AND has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')";

static void test_migrate_own_migrations_keep_the_rules_of_the_schema(void **state)
{
    struct state *st = *state;
    char dir[] = "sql";
    assert_int_equal(migrate_command.run(&st->box, 2, (char *[]){(char[]){"--dir"}, dir, NULL}), BOXCTL_OK);
    assert_answer(st, uncommented, "");
    assert_answer(st, powerful, "");
    assert_answer(st, trespassing, "");
}

/* ---- rows of a former time ---- */

static void copy_files(struct state *st, const char *pattern)
{
    assert_int_equal(system(arena_printf(st->box.ctx->arena, "cp %s '%s'", pattern, st->dir)), 0);
}

static const char former_text[] =
    "INSERT INTO event_service.venues (name, address, city) VALUES"
    " (' Arena' || U&'\\00A0\\200B', U&'\\1112\\1161\\11AB  1', U&'\\200B');"
    "INSERT INTO event_service.halls (venue_id, name, capacity, seat_template)"
    " SELECT id, typed, 1, '{\"rows\":[],\"seatsPerRow\":1,\"gradeMapping\":{}}'"
    " FROM event_service.venues, unnest(ARRAY['h1', 'h1 ', U&'h1\\200B', U&'\\3000h2', repeat('x', 199) || ' ',"
    " repeat('x', 200)]) AS typed;"
    "INSERT INTO event_service.events (venue_id, hall_id, title, artist, description)"
    " SELECT venue_id, id, U&'\\3164 ', repeat(U&'\\0958', 200), U&'\\1112\\1161\\11AB ' || chr(10)"
    " FROM event_service.halls WHERE name = 'h1';";

static void test_migrate_brings_text_of_old_rows_into_one_form(void **state)
{
    struct state *st = *state;
    copy_files(st, "sql/0*.sql");
    assert_int_equal(migrate(st), BOXCTL_OK);
    const char *why;
    assert_null(boxctl_connect(&st->box, NULL, &why));
    script(st->box.ctx, former_text);
    copy_files(st, "sql/110_text.sql");
    assert_int_equal(migrate(st), BOXCTL_OK);
    assert_answer(st, "SELECT name || '|' || address || '|' || (city = id::text) FROM event_service.venues",
                  "Arena|\uD55C 1|true");
    assert_answer(st,
                  "SELECT string_agg(left(replace(name, ' ' || id, ' ID'), 6), ',' ORDER BY id)"
                  " FROM event_service.halls",
                  "h1,h1 ID,h1 ID,h2,xxxxxx,xxxxxx");
    assert_answer(st, "SELECT count(DISTINCT name) FROM event_service.halls", "6");
    assert_answer(st,
                  "SELECT (title = id::text) || '|' || length(artist) || '|' || description FROM event_service.events",
                  "true|200|\uD55C \n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_migrate_fresh_server_makes_database_and_applies_in_order),
        TEST(test_migrate_again_changes_nothing),
        TEST(test_migrate_new_file_later_is_applied_alone),
        TEST(test_migrate_edited_past_file_refuses_all),
        TEST(test_migrate_missing_past_file_refuses_all),
        TEST(test_migrate_new_file_below_the_last_refuses_all),
        TEST(test_migrate_failing_file_leaves_nothing_of_itself),
        TEST(test_migrate_wrong_argument_is_usage),
        TEST(test_migrate_status_lists_and_changes_nothing),
        TEST(test_migrate_killed_half_way_leaves_nothing_of_the_file),
        TEST(test_migrate_two_at_once_apply_each_file_once),
        TEST(test_migrate_two_at_once_on_a_fresh_server_both_succeed),
        TEST(test_migrate_set_password_stores_a_verifier_that_logs_in),
        TEST(test_migrate_own_migrations_keep_the_rules_of_the_schema),
        TEST(test_migrate_brings_text_of_old_rows_into_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
