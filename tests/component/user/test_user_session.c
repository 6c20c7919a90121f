/* Login, refresh and logout on a real database and Redis; the CAPTCHA is played by the function below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/password.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/user.h"
#include "src/providers/recaptcha.h"
#include "src/user/logins.h"
#include "src/user/session.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "tests/support/fixture.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PASSWORD "correct horse"

static struct ctx *ctx;
static const struct err *captcha;

const struct err *recaptcha_verify(struct ctx *unused_ctx, const char *token, const char *client_ip)
{
    (void)unused_ctx;
    (void)token;
    (void)client_ip;
    return captcha;
}

static void load_settings(void)
{
    static const struct cfg_section *const sections[] = {&cfg_user_section, &cfg_blind_section, &cfg_token_section,
                                                         NULL};
    const char *why = "";
    setenv("BOX_BLIND_KEY", KEY, 1);
    setenv("BOX_PII_KEYS", "1:" KEY, 1);
    setenv("BOX_USER_BCRYPT_COST", "4", 1);
    setenv("BOX_JWT_KEYS", "k1:0123456789abcdef0123456789abcdef", 1);
    assert_true(cfg_load(sections, &why));
    assert_true(user_settings_init(&why));
    assert_true(token_init(&why));
}

static int begin(void **state)
{
    (void)state;
    ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
    load_settings();
    captcha = NULL;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&ctx);
    return 0;
}

struct person {
    const char *id;
    const char *email;
};

static struct person new_person(void)
{
    struct person person = {fixture_uuid(), arena_printf(ctx->arena, "%s@example.com", fixture_uuid())};
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash(PASSWORD, 4, hash));
    assert_null(DB_RUN(ctx, &sql_user_insert, NULL, DB_TEXT(person.id), DB_TEXT("x"),
                       user_pii_blind(ctx, "email", person.email), DB_TEXT("x"), DB_TEXT("x"),
                       user_pii_blind(ctx, "phone", "01012345678"), DB_TEXT("x"), user_pii_blind(ctx, "ci", person.id),
                       DB_NULL, DB_TEXT(hash)));
    return person;
}

static const struct err *login(const char *email, const char *password, struct tokens *tokens_r)
{
    const struct login input = {email, password, "token"};
    const struct client client = {"192.0.2.7", "test agent"};
    return session_login(ctx, &input, &client, tokens_r);
}

static const struct err *refresh(const char *refresh_token, struct tokens *tokens_r)
{
    const struct client client = {"192.0.2.8", "refreshing agent"};
    return session_refresh(ctx, refresh_token, &client, tokens_r);
}

static struct tokens logged_in(const struct person *person)
{
    struct tokens tokens;
    assert_null(login(person->email, PASSWORD, &tokens));
    return tokens;
}

static struct token_claims claims_of(const char *access_token)
{
    struct token_claims claims;
    assert_null(token_verify(ctx, TOKEN_ACCESS, access_token, &claims));
    return claims;
}

static const struct err *access_revoked(const char *access_token)
{
    return token_check_revoked(ctx, claims_of(access_token).jti);
}

static const struct db_stmt last_login = {
    .name = "test_last_login",
    .sql = "SELECT result, host(ip) AS address, user_agent, method FROM login_history "
           "WHERE user_id = $1 ORDER BY id DESC LIMIT 1"};

static void assert_recorded(const struct person *person, const char *result)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &last_login, &rows, DB_TEXT(person->id)));
    assert_int_equal(db_count(rows), 1);
    assert_string_equal(db_str(rows, 0, "result"), result);
    assert_string_equal(db_str(rows, 0, "address"), "192.0.2.7");
    assert_string_equal(db_str(rows, 0, "user_agent"), "test agent");
    assert_string_equal(db_str(rows, 0, "method"), "PASSWORD");
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
    assert_ptr_equal(login("nobody@example.com", PASSWORD, &tokens), &err_bad_credentials);
    assert_ptr_equal(login("not an address", PASSWORD, &tokens), &err_bad_credentials);
}

static void test_login_without_captcha_is_refused(void **state)
{
    (void)state;
    struct tokens tokens;
    struct person person = new_person();
    captcha = &err_captcha_failed;
    assert_ptr_equal(login(person.email, PASSWORD, &tokens), &err_captcha_failed);
}

static const struct db_stmt make_dormant = {.name = "test_make_dormant",
                                            .sql = "UPDATE users SET status = 'DORMANT' WHERE id = $1"};
static const struct db_stmt make_locked = {
    .name = "test_make_locked",
    .sql = "UPDATE users SET locked_until = clock_timestamp() + interval '1 hour' WHERE id = $1"};
static const struct db_stmt revive = {.name = "test_revive", .sql = "UPDATE users SET status = 'ACTIVE' WHERE id = $1"};
static const struct db_stmt withdraw = {
    .name = "test_withdraw",
    .sql = "UPDATE users SET status = 'DELETED', deleted_at = clock_timestamp() WHERE id = $1"};

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

static const struct db_stmt token_kept = {.name = "test_token_kept",
                                          .sql = "SELECT count(*) AS total FROM refresh_tokens WHERE user_id = $1 "
                                                 "AND token_hash = sha256(convert_to($2, 'UTF8'))"};

static void test_refresh_of_the_live_token_replaces_it(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, third;
    assert_null(refresh(first.refresh_token, &second));
    assert_string_not_equal(first.refresh_token, second.refresh_token);
    assert_null(refresh(second.refresh_token, &third));
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &token_kept, &rows, DB_TEXT(person.id), DB_TEXT(third.refresh_token)));
    assert_int_equal(db_int(rows, 0, "total"), 1);
}

/* As if as much time had passed since every exchange of this person's tokens. */
static void grace_is_over(const struct person *person)
{
    static const struct db_stmt age = {
        .name = "test_age_exchanges",
        .sql =
            "UPDATE refresh_tokens SET rotated_at = rotated_at - make_interval(secs => $2::bigint) WHERE user_id = $1"};
    assert_null(DB_RUN(ctx, &age, NULL, DB_TEXT(person->id), DB_INT(cfg_user.refresh_grace_s)));
}

static void assert_same_pair(const struct tokens *pair, const struct tokens *expected)
{
    assert_string_equal(pair->access_token, expected->access_token);
    assert_string_equal(pair->refresh_token, expected->refresh_token);
}

static void test_refresh_whose_answer_was_lost_gets_it_again(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, again, third;
    assert_null(refresh(first.refresh_token, &second));
    assert_null(refresh(first.refresh_token, &again));
    assert_same_pair(&again, &second);
    assert_in_range(again.expires_in, cfg_token.access_s - 30, cfg_token.access_s);
    assert_null(access_revoked(again.access_token));
    assert_null(refresh(again.refresh_token, &third));
}

static void test_refresh_with_a_token_whose_next_was_used_ends_the_family(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, third, unused;
    assert_null(refresh(first.refresh_token, &second));
    assert_null(refresh(second.refresh_token, &third));
    assert_ptr_equal(refresh(first.refresh_token, &unused), &err_refresh_reused);
    assert_ptr_equal(refresh(third.refresh_token, &unused), &err_token_revoked);
    assert_ptr_equal(access_revoked(third.access_token), &err_token_revoked);
}

static void test_refresh_is_not_repeated_for_an_account_that_is_none_any_more(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, unused;
    assert_null(refresh(first.refresh_token, &second));
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(refresh(first.refresh_token, &unused), &err_token_revoked);
    assert_ptr_equal(refresh(second.refresh_token, &unused), &err_token_revoked);
}

static void test_refresh_of_a_replaced_token_ends_the_family(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, other = logged_in(&person), unused;
    assert_null(refresh(first.refresh_token, &second));
    assert_null(access_revoked(second.access_token));
    grace_is_over(&person);
    assert_ptr_equal(refresh(first.refresh_token, &unused), &err_refresh_reused);
    assert_ptr_equal(refresh(second.refresh_token, &unused), &err_token_revoked);
    assert_ptr_equal(access_revoked(first.access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(second.access_token), &err_token_revoked);
    assert_null(refresh(other.refresh_token, &unused));
}

static void test_refresh_with_anything_else_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    assert_ptr_equal(refresh(tokens.access_token, &unused), &err_token_invalid);
    assert_ptr_equal(refresh("a.b.c", &unused), &err_token_invalid);
    struct token_claims unknown = {.subject = person.id, .family = fixture_uuid()};
    assert_ptr_equal(refresh(token_issue(ctx, TOKEN_REFRESH, &unknown), &unused), &err_token_invalid);
}

static void test_refresh_of_a_dormant_account_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(refresh(tokens.refresh_token, &unused), &err_account_dormant);
}

static void test_logout_ends_the_session_and_no_other(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), other = logged_in(&person), second, unused;
    assert_null(refresh(first.refresh_token, &second));
    struct token_claims claims = claims_of(second.access_token);
    const struct session_owner owner = {person.id, claims.jti, claims.expires_s};
    assert_null(session_logout(ctx, &owner));
    assert_null(session_logout(ctx, &owner));
    assert_ptr_equal(access_revoked(first.access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(second.access_token), &err_token_revoked);
    assert_ptr_equal(refresh(second.refresh_token, &unused), &err_token_revoked);
    assert_null(access_revoked(other.access_token));
    assert_null(refresh(other.refresh_token, &unused));
}

static const struct db_stmt live_tokens = {.name = "test_live_tokens",
                                           .sql = "SELECT count(*) AS total FROM refresh_tokens WHERE user_id = $1 "
                                                  "AND rotated_at IS NULL AND revoked_at IS NULL"};

/* One token used by several processes at once: all are served, and one live token is left. */
static void test_refresh_of_one_token_at_once_leaves_one_live_token(void **state)
{
    (void)state;
    enum { RIVALS = 4 };
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    pid_t pids[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            _exit(refresh(tokens.refresh_token, &unused) ? 1 : 0);
        }
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &live_tokens, &rows, DB_TEXT(person.id)));
    assert_int_equal(db_int(rows, 0, "total"), 1);
}

/* ---- the person's own view ---- */

static struct session_owner owner_of(const struct person *person, const struct tokens *tokens)
{
    struct token_claims claims = claims_of(tokens->access_token);
    return (struct session_owner){person->id, claims.jti, claims.expires_s};
}

static const struct session_view *sessions_of(const struct session_owner *owner, size_t expected)
{
    static const struct page all = {0, 100};
    struct json_list list;
    int64_t total;
    assert_null(session_list(ctx, owner, &all, &list, &total));
    assert_int_equal(list.count, expected);
    assert_int_equal(total, expected);
    return list.items;
}

static void test_session_list_shows_each_session_once_as_last_used(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens old = logged_in(&person), other = logged_in(&person), used;
    logged_in(&stranger);
    assert_null(refresh(old.refresh_token, &used));
    const struct session_owner by_old = owner_of(&person, &old), by_used = owner_of(&person, &used);
    const struct session_view *views = sessions_of(&by_old, 2);
    int mine = views[0].current ? 0 : 1;
    assert_int_equal(views[mine].current, 1);
    assert_int_equal(views[1 - mine].current, 0);
    assert_string_equal(views[mine].ip, "192.0.2.8");
    assert_string_equal(views[mine].user_agent, "refreshing agent");
    assert_string_equal(views[1 - mine].ip, "192.0.2.7");
    assert_true(views[mine].created_at <= views[mine].last_used_at + CLOCK_SECOND);
    assert_int_equal(views[mine].expires_at, views[mine].last_used_at + cfg_token.refresh_s * CLOCK_SECOND);
    assert_string_equal(sessions_of(&by_used, 2)[mine].id, views[mine].id);
    const struct session_owner by_other = owner_of(&person, &other);
    assert_int_equal(sessions_of(&by_other, 2)[1 - mine].current, 1);
}

static void test_session_end_ends_that_one_and_only_ones_own(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens first = logged_in(&person), other = logged_in(&person), unused;
    const struct session_owner owner = owner_of(&person, &first);
    const struct session_view *views = sessions_of(&owner, 2);
    const char *id = views[views[0].current ? 1 : 0].id;
    assert_ptr_equal(session_end(ctx, stranger.id, id), &err_not_found);
    assert_ptr_equal(session_end(ctx, person.id, fixture_uuid()), &err_not_found);
    assert_null(access_revoked(other.access_token));
    assert_null(session_end(ctx, person.id, id));
    assert_null(session_end(ctx, person.id, id));
    assert_ptr_equal(access_revoked(other.access_token), &err_token_revoked);
    assert_ptr_equal(refresh(other.refresh_token, &unused), &err_token_revoked);
    assert_null(access_revoked(first.access_token));
    sessions_of(&owner, 1);
}

static void test_session_end_all_ends_every_session_of_one_person(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens sessions[] = {logged_in(&person), logged_in(&person), logged_in(&person)}, unused;
    struct tokens foreign = logged_in(&stranger);
    const struct session_owner owner = owner_of(&person, &sessions[1]);
    assert_null(session_end_all(ctx, &owner));
    for (size_t i = 0; i < ARRAY_COUNT(sessions); i++) {
        assert_ptr_equal(access_revoked(sessions[i].access_token), &err_token_revoked);
        assert_ptr_equal(refresh(sessions[i].refresh_token, &unused), &err_token_revoked);
    }
    assert_null(session_end_all(ctx, &owner));
    assert_null(access_revoked(foreign.access_token));
    assert_null(refresh(foreign.refresh_token, &unused));
}

static void test_revoked_token_is_remembered_for_the_rest_of_its_life(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &tokens);
    const struct redis_value *left;
    assert_null(session_logout(ctx, &owner));
    assert_null(REDIS_RUN(ctx, &left, "TTL", arena_printf(ctx->arena, "token:revoked:%s", owner.jti)));
    assert_in_range(left->integer, cfg_token.access_s, cfg_token.access_s + 30);
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
        cmocka_unit_test_setup_teardown(test_refresh_of_the_live_token_replaces_it, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_of_a_replaced_token_ends_the_family, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_with_anything_else_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_of_a_dormant_account_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_logout_ends_the_session_and_no_other, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_of_one_token_at_once_leaves_one_live_token, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_whose_answer_was_lost_gets_it_again, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_with_a_token_whose_next_was_used_ends_the_family, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_is_not_repeated_for_an_account_that_is_none_any_more, begin, end),
        cmocka_unit_test_setup_teardown(test_session_list_shows_each_session_once_as_last_used, begin, end),
        cmocka_unit_test_setup_teardown(test_session_end_ends_that_one_and_only_ones_own, begin, end),
        cmocka_unit_test_setup_teardown(test_session_end_all_ends_every_session_of_one_person, begin, end),
        cmocka_unit_test_setup_teardown(test_revoked_token_is_remembered_for_the_rest_of_its_life, begin, end),
        cmocka_unit_test_setup_teardown(test_logins_list_shows_ones_own_latest_first, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
