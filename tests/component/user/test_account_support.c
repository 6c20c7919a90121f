/* What an operator sees of an account and does for its owner. */
#include "src/user/account_support.h"
#include "src/user/session.h"
#include "tests/support/login_scene.h"

#define HOME "203.0.113.7"

static int setup(void **state)
{
    begin(state);
    assert_null(REDIS_RUN(ctx, NULL, "FLUSHDB")); /* this program's alone */
    return 0;
}

static struct account_support support_of(const struct person *person)
{
    struct account_support account;
    assert_null(account_support_find(ctx, person->email, &account));
    assert_string_equal(account.id, person->id);
    return account;
}

static const struct lockout_count *count_of(const struct account_support *account, const char *where)
{
    for (size_t i = 0; i < account->count; i++) {
        if (strcmp(account->counts[i].where, where) == 0) {
            return &account->counts[i];
        }
    }
    return NULL;
}

static void test_account_is_shown_with_what_locks_it(void **state)
{
    (void)state;
    struct person person = new_person(), other = new_person();
    struct account_support before = support_of(&person);
    assert_string_equal(before.status, "ACTIVE");
    assert_int_equal(before.last_login_at, CLOCK_NONE);
    assert_int_equal(before.locked_until, CLOCK_NONE);
    assert_true(before.has_password && !before.proved && before.sessions == 0 && before.links == 0);
    (void)logged_in(&person);
    fail_to_log_in(HOME, person.email, 2);
    fail_to_log_in(HOME, other.email, 1);
    struct account_support after = support_of(&person);
    assert_int_equal(after.sessions, 1);
    assert_true(after.last_login_at > before.created_at);
    assert_int_equal(after.count, 3);
    static const char *const places[] = {HOME, "net:203.0.113.0", "all"};
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        const struct lockout_count *count = count_of(&after, places[i]);
        assert_non_null(count);
        assert_int_equal(count->tries, 2);
        assert_in_range(count->left_s, 1, cfg_user.login_lock_s);
    }
    assert_int_equal(count_of(&after, HOME)->most, cfg_user.login_tries);
    assert_true(count_of(&after, "all")->most > count_of(&after, "net:203.0.113.0")->most);
}

/* An attack from everywhere. */
static void test_what_locks_an_account_is_shown_among_any_number_of_tries(void **state)
{
    (void)state;
    struct person person = new_person();
    int places = (int)(20 * cfg_user.login_tries);
    for (int i = 0; i < places; i++) {
        fail_to_log_in(arena_printf(ctx->arena, "10.%d.0.1", i), person.email, 1);
    }
    struct account_support account = support_of(&person);
    assert_int_equal(account.count, ACCOUNT_SUPPORT_COUNTS_MAX);
    assert_int_equal(account.count_of_all, 2 * places + 1);
    assert_string_equal(account.counts[0].where, "all"); /* what keeps the owner out stands first */
    assert_int_equal(account.counts[0].tries, account.counts[0].most);
    assert_string_not_equal(account.counts[1].where, "all");
}

static const struct db_stmt new_password = {.name = "test_new_password",
                                            .sql = "UPDATE user_service.users SET password_hash = $2 WHERE id = $1"};

static void test_tries_at_another_password_are_none_of_this_one(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens unused;
    char hash[PASSWORD_HASH_SIZE];
    fail_to_log_in(HOME, person.email, cfg_user.login_tries);
    assert_true(password_hash("another horse", 4, hash));
    assert_null(DB_RUN(ctx, &new_password, NULL, DB_TEXT(person.id), DB_TEXT(hash)));
    assert_null(login_from(HOME, person.email, "another horse", &unused));
    assert_int_equal(support_of(&person).count_of_all, 0);
}

static void test_account_that_is_locked_is_unlocked_whatever_has_locked_it(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    int64_t until;
    fail_to_log_in(HOME, person.email, cfg_user.login_tries);
    assert_ptr_equal(login_from(HOME, person.email, PASSWORD, &unused), &err_account_locked);
    assert_null(account_support_unlock(ctx, person.email));
    assert_null(login_from(HOME, person.email, PASSWORD, &unused));
    assert_null(account_support_lock(ctx, person.email, 3600, &until));
    assert_in_range(until / CLOCK_SECOND, clock_now() / CLOCK_SECOND + 3500, clock_now() / CLOCK_SECOND + 3601);
    assert_int_equal(support_of(&person).locked_until, until);
    assert_ptr_equal(login_from(HOME, person.email, PASSWORD, &unused), &err_account_locked);
    assert_null(account_support_unlock(ctx, person.email));
    assert_null(account_support_unlock(ctx, person.email)); /* safe to repeat */
    assert_int_equal(support_of(&person).locked_until, CLOCK_NONE);
    assert_null(login_from(HOME, person.email, PASSWORD, &unused));
}

static void test_unlocking_counts_nobody_elses_passwords_anew(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person(), other = new_person();
    fail_to_log_in(HOME, other.email, cfg_user.login_tries);
    assert_null(account_support_unlock(ctx, person.email));
    assert_ptr_equal(login_from(HOME, other.email, PASSWORD, &unused), &err_account_locked);
}

static void test_sessions_are_ended_with_their_access_tokens(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    assert_null(account_support_end_sessions(ctx, person.email));
    assert_ptr_equal(token_check_revoked(ctx, claims_of(tokens.access_token).jti), &err_token_revoked);
    assert_int_equal(support_of(&person).sessions, 0);
    assert_null(account_support_end_sessions(ctx, person.email)); /* safe to repeat */
}

static void test_account_that_there_is_not_is_told(void **state)
{
    (void)state;
    static const char *const none[] = {"nobody@example.com", "no address", ""};
    struct account_support account;
    int64_t until;
    for (size_t i = 0; i < ARRAY_COUNT(none); i++) {
        assert_ptr_equal(account_support_find(ctx, none[i], &account), &err_not_found);
        assert_ptr_equal(account_support_lock(ctx, none[i], 60, &until), &err_not_found);
        assert_ptr_equal(account_support_unlock(ctx, none[i]), &err_not_found);
        assert_ptr_equal(account_support_end_sessions(ctx, none[i]), &err_not_found);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_account_is_shown_with_what_locks_it),
        TEST(test_what_locks_an_account_is_shown_among_any_number_of_tries),
        TEST(test_tries_at_another_password_are_none_of_this_one),
        TEST(test_account_that_is_locked_is_unlocked_whatever_has_locked_it),
        TEST(test_unlocking_counts_nobody_elses_passwords_anew),
        TEST(test_sessions_are_ended_with_their_access_tokens),
        TEST(test_account_that_there_is_not_is_told),
    };
    return cmocka_run_group_tests_name("account_support", tests, NULL, NULL);
}
