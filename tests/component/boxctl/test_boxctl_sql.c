/* boxctl's other commands that use the database, on the migrated one of the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/registry.h"
#include "src/boxctl/settings.h"
#include "tests/support/fixture.h"

#define OWNER "boxoffice_admin"

static void load(const struct cfg_section *const *sections)
{
    const char *why = "";
    if (!cfg_load(sections, &why)) {
        fail_msg("%s", why);
    }
}

static int setup(void **state)
{
    struct boxctl *box = calloc(1, sizeof *box);
    assert_non_null(box);
    box->ctx = fixture_ctx(OWNER, NEED_DB | NEED_REDIS);
    box->owner = cfg_db;
    load(SECTIONS(&cfg_boxctl_section));
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    struct boxctl *box = *state;
    fixture_free(&box->ctx);
    free(box);
    return 0;
}

static void connect_as(struct boxctl *box, const char *role)
{
    const char *why = "";
    if (boxctl_connect(box, role, &why) != NULL) {
        fail_msg("%s: %s", role, why);
    }
}

static enum boxctl_status run(struct boxctl *box, const struct command *command, char *first, char *second)
{
    char *args[] = {first, second, NULL};
    load(command->settings);
    if (command->role != NULL) {
        connect_as(box, command->role);
    }
    return command->run(box, (first != NULL) + (second != NULL), args);
}

/* ---- check-sql ---- */

static void test_check_sql_every_statement_is_good_for_its_role(void **state)
{
    assert_int_equal(run(*state, &check_sql_command, NULL, NULL), BOXCTL_OK);
}

/* The check itself must be able to fail. */
static void test_db_check_forbidden_or_wrong_statement_is_an_error(void **state)
{
    struct boxctl *box = *state;
    const char *why = "";
    connect_as(box, "event_service");
    assert_null(
        db_check(box->ctx, &(struct db_stmt){.name = "test_own", .sql = "SELECT id FROM events WHERE id = $1"}, &why));
    assert_non_null(db_check(
        box->ctx, &(struct db_stmt){.name = "test_foreign", .sql = "SELECT id FROM user_service.users WHERE id = $1"},
        &why));
    assert_non_null(strstr(why, "permission denied"));
    assert_non_null(
        db_check(box->ctx, &(struct db_stmt){.name = "test_column", .sql = "SELECT nothing FROM events"}, &why));
    assert_non_null(strstr(why, "nothing"));
}

static void test_registry_statement_names_are_unique(void **state)
{
    (void)state;
    for (const struct registry_row *a = registry_statements; a->table != NULL; a++) {
        for (size_t i = 0; i < a->table->count; i++) {
            for (const struct registry_row *b = a; b->table != NULL; b++) {
                for (size_t j = b == a ? i + 1 : 0; j < b->table->count; j++) {
                    assert_string_not_equal(a->table->stmts[i]->name, b->table->stmts[j]->name);
                }
            }
        }
    }
}

/* ---- outbox ---- */

static void test_outbox_status_answers(void **state)
{
    char status[] = "status";
    assert_int_equal(run(*state, &outbox_command, status, NULL), BOXCTL_OK);
    assert_int_equal(run(*state, &outbox_command, NULL, NULL), BOXCTL_USAGE);
}

/* The relay may read and mark, not invent, alter or remove. */
static void test_outbox_relay_may_only_mark(void **state)
{
    static const struct {
        const char *sql;
        bool allowed;
    } cases[] = {
        {"SELECT envelope FROM common.outbox_events", true},
        {"UPDATE common.outbox_events SET published_at = clock_timestamp(), attempts = 1, last_error = '' WHERE id = "
         "$1",
         true},
        {"UPDATE common.outbox_events SET envelope = '{}' WHERE id = $1", false},
        {"DELETE FROM common.outbox_events WHERE id = $1", false},
        {"SELECT event_id FROM common.processed_events", false},
    };
    struct boxctl *box = *state;
    connect_as(box, "outbox_relay");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *why = "";
        const struct err *err = db_check(box->ctx, &(struct db_stmt){.name = "test_relay", .sql = cases[i].sql}, &why);
        assert_int_equal(err == NULL, cases[i].allowed);
    }
}

/* ---- seed ---- */

static int64_t count(struct boxctl *box, const char *sql)
{
    const struct db_rows *rows;
    connect_as(box, "event_service");
    const struct db_stmt stmt = {.name = "test_count",
                                 .sql = arena_printf(box->ctx->arena, "SELECT * FROM (%s) AS asked (answer)", sql)};
    assert_null(DB_RUN0(box->ctx, &stmt, &rows));
    return db_int(rows, 0, "answer");
}

static const char made[] = "SELECT (SELECT count(*) FROM venues) + (SELECT count(*) FROM halls)"
                           " + (SELECT count(*) FROM events) + (SELECT count(*) FROM event_schedules)"
                           " + (SELECT count(*) FROM seats) AS total";
static const char demo_seats[] = "SELECT count(*) AS total FROM seats JOIN event_schedules s ON s.id = schedule_id"
                                 " JOIN events e ON e.id = event_id AND e.status = 'OPEN'"
                                 " JOIN venues v ON v.id = venue_id AND v.name = 'Boxoffice Demo Arena'"
                                 " WHERE clock_timestamp() BETWEEN sale_start_at AND sale_end_at";

static void test_seed_demo_twice_makes_two_open_sales_once(void **state)
{
    char demo[] = "demo";
    assert_int_equal(run(*state, &seed_command, demo, NULL), BOXCTL_OK);
    assert_int_equal(count(*state, demo_seats), 50040);
    int64_t before = count(*state, made);
    assert_int_equal(run(*state, &seed_command, demo, NULL), BOXCTL_OK);
    assert_int_equal(count(*state, made), before);
}

static void test_seed_other_word_is_usage(void **state)
{
    char other[] = "production";
    assert_int_equal(run(*state, &seed_command, other, NULL), BOXCTL_USAGE);
}

/* ---- config ---- */

static void test_registry_setting_names_are_unique(void **state)
{
    (void)state;
    for (const struct cfg_section *const *a = registry_sections; *a != NULL; a++) {
        for (size_t i = 0; i < (*a)->count; i++) {
            for (const struct cfg_section *const *b = a; *b != NULL; b++) {
                for (size_t j = b == a ? i + 1 : 0; j < (*b)->count; j++) {
                    assert_string_not_equal((*a)->keys[i].name, (*b)->keys[j].name);
                }
            }
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_check_sql_every_statement_is_good_for_its_role),
        TEST(test_db_check_forbidden_or_wrong_statement_is_an_error),
        cmocka_unit_test(test_registry_statement_names_are_unique),
        TEST(test_outbox_status_answers),
        TEST(test_outbox_relay_may_only_mark),
        TEST(test_seed_demo_twice_makes_two_open_sales_once),
        TEST(test_seed_other_word_is_usage),
        cmocka_unit_test(test_registry_setting_names_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
