/* Logging in, and what is kept of it. */
#include "src/user/logins.h"
#include "tests/support/login_scene.h"

static const struct db_stmt last_login = {
    .name = "test_last_login",
    .sql = "SELECT result, host(ip) AS address, user_agent, method FROM login_history "
           "WHERE user_id = $1 ORDER BY id DESC LIMIT 1"};

static void assert_recorded_from(const struct person *person, const char *result, const char *ip)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &last_login, &rows, DB_TEXT(person->id)));
    assert_int_equal(db_count(rows), 1);
    assert_string_equal(db_str(rows, 0, "result"), result);
    assert_string_equal(db_str(rows, 0, "address"), ip);
    assert_string_equal(db_str(rows, 0, "user_agent"), "test agent");
    assert_string_equal(db_str(rows, 0, "method"), "PASSWORD");
}

static void assert_recorded(const struct person *person, const char *result)
{
    assert_recorded_from(person, result, "192.0.2.7");
}

static void test_login_with_the_right_password_gives_tokens(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    struct token_claims claims = claims_of(tokens.access_token);
    assert_string_equal(claims.subject, person.id);
    assert_string_equal(claims.role, "USER");
    assert_int_equal(tokens.expires_in, cfg_token.access_s);
    assert_string_equal(tokens.token_type, "Bearer");
    assert_recorded(&person, "SUCCESS");
}

static void test_login_with_a_wrong_password_or_email_is_refused_alike(void **state)
{
    (void)state;
    struct tokens tokens;
    struct person person = new_person();
    assert_ptr_equal(login(person.email, "wrong horse", &tokens), &err_bad_credentials);
    assert_recorded(&person, "BAD_PASSWORD");
    const char *nobody = arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
    assert_ptr_equal(login(nobody, PASSWORD, &tokens), &err_bad_credentials);
}

static void test_login_without_captcha_is_refused(void **state)
{
    (void)state;
    struct tokens tokens;
    struct person person = new_person();
    captcha = &err_captcha_failed;
    assert_ptr_equal(login(person.email, PASSWORD, &tokens), &err_captcha_failed);
}

static const struct db_stmt revive = {.name = "test_revive", .sql = "UPDATE users SET status = 'ACTIVE' WHERE id = $1"};

static void test_login_of_a_dormant_account_is_told_only_with_the_password(void **state)
{
    (void)state;
    struct tokens tokens;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(login(person.email, "wrong horse", &tokens), &err_bad_credentials);
    assert_ptr_equal(login(person.email, PASSWORD, &tokens), &err_account_dormant);
    assert_recorded(&person, "DORMANT");
}

static void test_login_of_a_locked_account_is_refused_whatever_the_password(void **state)
{
    (void)state;
    struct tokens tokens;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &make_locked, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(login(person.email, "wrong horse", &tokens), &err_account_locked);
    assert_ptr_equal(login(person.email, PASSWORD, &tokens), &err_account_locked);
    assert_recorded(&person, "LOCKED");
}

static void test_login_of_a_withdrawn_account_is_refused_and_stays_so(void **state)
{
    (void)state;
    struct tokens tokens;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(login(person.email, PASSWORD, &tokens), &err_bad_credentials);
    assert_ptr_equal(DB_RUN(ctx, &revive, NULL, DB_TEXT(person.id)), &err_db_raised);
    assert_string_equal(db_raised(ctx), "BX010");
}

/* ---- many wrong passwords ---- */

static void assert_locked(const char *ip, const char *email)
{
    struct tokens unused;
    ctx->retry_after_s = 0;
    assert_ptr_equal(login_from(ip, email, PASSWORD, &unused), &err_account_locked);
    assert_in_range(ctx->retry_after_s, 1, cfg_user.login_lock_s);
}

static void test_login_is_locked_where_too_many_were_wrong_and_nowhere_else(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person(), other = new_person();
    fail_to_log_in("198.51.100.1", person.email, cfg_user.login_tries);
    assert_locked("198.51.100.1", person.email);
    assert_recorded_from(&person, "LOCKED", "198.51.100.1");
    assert_null(login_from("198.51.100.1", other.email, PASSWORD, &unused));
    assert_null(login_from("198.51.100.2", person.email, PASSWORD, &unused));
}

static void test_login_is_locked_alike_for_an_address_of_nobody(void **state)
{
    (void)state;
    const char *nobody = arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
    fail_to_log_in("198.51.100.1", nobody, cfg_user.login_tries);
    assert_locked("198.51.100.1", nobody);
}

static void test_login_is_locked_in_a_network_and_everywhere(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person(), other = new_person();
    fail_to_log_in("198.51.100.200", person.email, 1);
    fail_to_log_in("198.51.100.4", person.email, cfg_user.login_tries - 1);
    for (int host = 1; host <= 3; host++) {
        fail_to_log_in(arena_printf(ctx->arena, "198.51.100.%d", host), person.email, cfg_user.login_tries);
    }
    for (int host = 1; host <= 4; host++) {
        fail_to_log_in(arena_printf(ctx->arena, "2001:db8:1:%d::1", host), other.email, cfg_user.login_tries);
    }
    assert_locked("198.51.100.200", person.email);
    assert_locked("2001:db8:1:ffff::1", other.email);
    assert_null(login_from("2001:db8:2:1::1", other.email, PASSWORD, &unused));
    for (int network = 1; network <= 16; network++) {
        fail_to_log_in(arena_printf(ctx->arena, "10.0.%d.1", network), person.email, cfg_user.login_tries);
    }
    assert_locked("203.0.113.1", person.email);
}

/* Who has one address of a /64 has all of them. */
static void test_login_counts_what_is_tried_from_one_64_together(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    for (int host = 1; host <= cfg_user.login_tries; host++) {
        fail_to_log_in(arena_printf(ctx->arena, "2001:db8:9:1::%d", host), person.email, 1);
    }
    assert_locked("2001:db8:9:1:ffff::", person.email);
    assert_null(login_from("2001:db8:9:2::1", person.email, PASSWORD, &unused));
    for (int neighbour = 3; neighbour < 6; neighbour++) {
        fail_to_log_in(arena_printf(ctx->arena, "2001:db8:9:%d::1", neighbour), person.email, cfg_user.login_tries);
    }
    assert_locked("2001:db8:9:6::1", person.email);
    assert_null(
        login_from("2001:db8:9:2:1:2:3:4", person.email, PASSWORD, &unused)); /* its own, whatever it is today */
}

/* Whoever guesses at an account cannot keep its owner out where the owner has been before. */
static void test_login_from_a_known_address_is_not_locked_by_strangers(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    assert_null(login_from("203.0.113.7", person.email, PASSWORD, &unused));
    for (int host = 10; host < 14; host++) {
        fail_to_log_in(arena_printf(ctx->arena, "203.0.113.%d", host), person.email, cfg_user.login_tries);
    }
    assert_locked("203.0.113.8", person.email);
    assert_null(login_from("203.0.113.7", person.email, PASSWORD, &unused));
    fail_to_log_in("203.0.113.7", person.email, cfg_user.login_tries);
    assert_locked("203.0.113.7", person.email);
}

/* A phone's address changes within its network. */
static void test_login_from_a_known_network_is_not_locked_by_strangers_elsewhere(void **state)
{
    (void)state;
    struct tokens unused;
    static const char *const homes[][2] = {{"192.0.2.7", "192.0.2.200"}, {"2001:db8:7::1", "2001:db8:7:1::1"}};
    static const char *const others[] = {"192.0.3.0", "2001:db8:8::1"};
    for (size_t i = 0; i < ARRAY_COUNT(homes); i++) {
        struct person person = new_person();
        assert_null(login_from(homes[i][0], person.email, PASSWORD, &unused));
        for (int64_t tried = 0; tried < 20 * cfg_user.login_tries; tried += cfg_user.login_tries) {
            fail_to_log_in(arena_printf(ctx->arena, "10.%lld.0.1", (long long)tried), person.email,
                           cfg_user.login_tries);
        }
        assert_locked(others[i], person.email);
        assert_null(login_from(homes[i][1], person.email, PASSWORD, &unused));
    }
}

static void test_login_from_a_known_network_is_locked_by_its_neighbours_only(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    assert_null(login_from("203.0.113.7", person.email, PASSWORD, &unused));
    for (int host = 10; host < 14; host++) {
        fail_to_log_in(arena_printf(ctx->arena, "203.0.113.%d", host), person.email, cfg_user.login_tries);
    }
    assert_locked("203.0.113.8", person.email);
    assert_null(login_from("203.0.113.7", person.email, PASSWORD, &unused));
}

static void test_logins_of_one_account_are_limited(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person(), other = new_person();
    for (int i = 0; i < 120; i++) {
        assert_null(login(person.email, PASSWORD, &unused));
    }
    assert_ptr_equal(login(person.email, PASSWORD, &unused), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 1, 3600);
    assert_ptr_equal(login(person.email, "wrong horse", &unused), &err_bad_credentials);
    assert_null(login(other.email, PASSWORD, &unused));
}

static void test_login_with_the_right_password_forgets_the_wrong_ones(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    for (int i = 0; i < 3; i++) {
        fail_to_log_in("198.51.100.9", person.email, cfg_user.login_tries - 1);
        assert_null(login_from("198.51.100.9", person.email, PASSWORD, &unused));
    }
}

/* What is tried while it is locked makes it no longer. */
static void test_login_lock_ends_when_its_time_is_over(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    cfg_user.login_lock_s = 2;
    fail_to_log_in("198.51.100.1", person.email, cfg_user.login_tries);
    const struct err *e;
    do {
        e = login_from("198.51.100.1", person.email, PASSWORD, &unused);
    } while (e == &err_account_locked);
    assert_null(e);
}

static void test_login_without_redis_is_not_locked(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    redis_free(&ctx->redis);
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    fail_to_log_in("198.51.100.1", person.email, cfg_user.login_tries + 1);
    assert_null(login_from("198.51.100.1", person.email, PASSWORD, &unused));
}

static void test_logins_list_shows_ones_own_latest_first(void **state)
{
    (void)state;
    static const char *const expected[] = {"SUCCESS", "BAD_PASSWORD", "SUCCESS"};
    static const struct page first = {0, 2}, second = {1, 2};
    struct tokens unused;
    struct person person = new_person(), stranger = new_person();
    logged_in(&person);
    assert_ptr_equal(login(person.email, "wrong horse", &unused), &err_bad_credentials);
    logged_in(&person);
    logged_in(&stranger);
    size_t seen = 0;
    for (const struct page *page = &first; page; page = page == &first ? &second : NULL) {
        struct json_list list;
        int64_t total;
        assert_null(logins_list(ctx, person.id, page, &list, &total));
        assert_int_equal(total, ARRAY_COUNT(expected));
        const struct login_view *views = list.items;
        for (size_t i = 0; i < list.count; i++) {
            assert_string_equal(views[i].result, expected[seen++]);
            assert_string_equal(views[i].method, "PASSWORD");
            assert_string_equal(views[i].ip, "192.0.2.7");
            assert_string_equal(views[i].user_agent, "test agent");
        }
    }
    assert_int_equal(seen, ARRAY_COUNT(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_login_with_the_right_password_gives_tokens, begin, end),
        cmocka_unit_test_setup_teardown(test_login_with_a_wrong_password_or_email_is_refused_alike, begin, end),
        cmocka_unit_test_setup_teardown(test_login_without_captcha_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_login_of_a_dormant_account_is_told_only_with_the_password, begin, end),
        cmocka_unit_test_setup_teardown(test_login_of_a_locked_account_is_refused_whatever_the_password, begin, end),
        cmocka_unit_test_setup_teardown(test_login_of_a_withdrawn_account_is_refused_and_stays_so, begin, end),
        cmocka_unit_test_setup_teardown(test_login_is_locked_where_too_many_were_wrong_and_nowhere_else, begin, end),
        cmocka_unit_test_setup_teardown(test_login_is_locked_alike_for_an_address_of_nobody, begin, end),
        cmocka_unit_test_setup_teardown(test_login_is_locked_in_a_network_and_everywhere, begin, end),
        cmocka_unit_test_setup_teardown(test_login_counts_what_is_tried_from_one_64_together, begin, end),
        cmocka_unit_test_setup_teardown(test_login_from_a_known_address_is_not_locked_by_strangers, begin, end),
        cmocka_unit_test_setup_teardown(test_login_from_a_known_network_is_not_locked_by_strangers_elsewhere, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_login_from_a_known_network_is_locked_by_its_neighbours_only, begin, end),
        cmocka_unit_test_setup_teardown(test_logins_of_one_account_are_limited, begin, end),
        cmocka_unit_test_setup_teardown(test_login_with_the_right_password_forgets_the_wrong_ones, begin, end),
        cmocka_unit_test_setup_teardown(test_login_lock_ends_when_its_time_is_over, begin, end),
        cmocka_unit_test_setup_teardown(test_login_without_redis_is_not_locked, begin, end),
        cmocka_unit_test_setup_teardown(test_logins_list_shows_ones_own_latest_first, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
