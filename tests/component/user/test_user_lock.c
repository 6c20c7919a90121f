/* How long a lock lasts, what is kept of it, and whom it does not concern. */
#include "tests/support/login_scene.h"

#define HOME "203.0.113.7"

static struct ctx *admin;

static int begin_all(void **state)
{
    admin = fixture_ctx("boxoffice_admin", NEED_DB);
    return begin(state);
}

static int end_all(void **state)
{
    fixture_free(&admin);
    return end(state);
}

static void age(const struct person *person, const char *interval)
{
    assert_null(DB_RUN(admin, &age_logins, NULL, DB_TEXT(person->id), DB_TEXT(interval)));
}

/* ---- what is kept ---- */

static const struct db_stmt refusals = {
    .name = "test_refusals",
    .sql = "SELECT count(*) AS total FROM login_history WHERE user_id = $1 AND result = 'LOCKED'"};

static void assert_refusals(const struct person *person, int64_t expected)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &refusals, &rows, DB_TEXT(person->id)));
    assert_int_equal(db_int(rows, 0, "total"), expected);
}

static void try_while_locked(const char *ip, const struct person *person)
{
    struct tokens unused;
    assert_ptr_equal(login_from(ip, person->email, PASSWORD, &unused), &err_account_locked);
}

/* A script that goes on trying writes no history without end. */
static void test_lock_leaves_one_row_a_quarter_of_an_hour_and_address(void **state)
{
    (void)state;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &make_locked, NULL, DB_TEXT(person.id)));
    try_while_locked(HOME, &person);
    try_while_locked(HOME, &person);
    assert_refusals(&person, 1);
    try_while_locked("203.0.113.8", &person);
    try_while_locked("no address", &person);
    try_while_locked("no address", &person);
    assert_refusals(&person, 3);
    age(&person, "14 minutes");
    try_while_locked(HOME, &person);
    assert_refusals(&person, 3);
    age(&person, "2 minutes");
    try_while_locked(HOME, &person);
    assert_refusals(&person, 4);
}

/* ---- whom it does not concern ---- */

static bool knows(const struct person *person)
{
    const struct client client = {HOME, "test agent"};
    struct login_account account;
    assert_null(login_find(ctx, person->email, &client, &account));
    return account.login.place == LOCKOUT_ADDRESS;
}

static void test_lock_concerns_a_known_place_again_after_90_days(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    assert_false(knows(&person));
    assert_null(login_from(HOME, person.email, PASSWORD, &unused));
    age(&person, "89 days");
    assert_true(knows(&person));
    age(&person, "2 days");
    assert_false(knows(&person));
}

/* ---- how long ---- */

static void test_lock_by_the_operator_tells_when_it_ends(void **state)
{
    (void)state;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &make_locked, NULL, DB_TEXT(person.id)));
    try_while_locked(HOME, &person);
    assert_in_range(ctx->retry_after_s, 3500, 3600);
}

/* The network has been counted for longer than the address is to be. */
static void test_lock_of_several_kinds_tells_when_the_last_of_them_ends(void **state)
{
    (void)state;
    struct person person = new_person();
    cfg_user.login_lock_s = 3600;
    fail_to_log_in("198.51.100.1", person.email, 1);
    cfg_user.login_lock_s = 600;
    fail_to_log_in("198.51.100.2", person.email, cfg_user.login_tries);
    try_while_locked("198.51.100.2", &person);
    assert_in_range(ctx->retry_after_s, 500, 600);
    for (int host = 3; host <= 4; host++) {
        fail_to_log_in(arena_printf(ctx->arena, "198.51.100.%d", host), person.email, cfg_user.login_tries);
    }
    fail_to_log_in("198.51.100.5", person.email, cfg_user.login_tries - 1);
    try_while_locked("198.51.100.2", &person);
    assert_in_range(ctx->retry_after_s, 3500, 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lock_leaves_one_row_a_quarter_of_an_hour_and_address, begin_all, end_all),
        cmocka_unit_test_setup_teardown(test_lock_concerns_a_known_place_again_after_90_days, begin_all, end_all),
        cmocka_unit_test_setup_teardown(test_lock_by_the_operator_tells_when_it_ends, begin_all, end_all),
        cmocka_unit_test_setup_teardown(test_lock_of_several_kinds_tells_when_the_last_of_them_ends, begin_all,
                                        end_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
