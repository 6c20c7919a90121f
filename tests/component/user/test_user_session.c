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
#include "common/base/clock.h"
#include "common/crypto/password.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/providers/recaptcha.h"
#include "src/user/session.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "tests/support/fixture.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PASSWORD "correct horse"
#define PATIENCE_US (20 * CLOCK_SECOND)

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
    assert_null(session_refresh(ctx, first.refresh_token, &second));
    assert_string_not_equal(first.refresh_token, second.refresh_token);
    assert_null(session_refresh(ctx, second.refresh_token, &third));
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &token_kept, &rows, DB_TEXT(person.id), DB_TEXT(third.refresh_token)));
    assert_int_equal(db_int(rows, 0, "total"), 1);
}

static void test_refresh_of_a_replaced_token_ends_the_family(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, other = logged_in(&person), unused;
    assert_null(session_refresh(ctx, first.refresh_token, &second));
    assert_null(access_revoked(second.access_token));
    assert_ptr_equal(session_refresh(ctx, first.refresh_token, &unused), &err_refresh_reused);
    assert_ptr_equal(session_refresh(ctx, second.refresh_token, &unused), &err_token_revoked);
    assert_ptr_equal(access_revoked(first.access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(second.access_token), &err_token_revoked);
    assert_null(session_refresh(ctx, other.refresh_token, &unused));
}

static void test_refresh_with_anything_else_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    assert_ptr_equal(session_refresh(ctx, tokens.access_token, &unused), &err_token_invalid);
    assert_ptr_equal(session_refresh(ctx, "a.b.c", &unused), &err_token_invalid);
    struct token_claims unknown = {.subject = person.id, .family = fixture_uuid()};
    assert_ptr_equal(session_refresh(ctx, token_issue(ctx, TOKEN_REFRESH, &unknown), &unused), &err_token_invalid);
}

static void test_refresh_of_a_dormant_account_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(session_refresh(ctx, tokens.refresh_token, &unused), &err_account_dormant);
}

static void test_logout_ends_the_session_and_no_other(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), other = logged_in(&person), second, unused;
    assert_null(session_refresh(ctx, first.refresh_token, &second));
    struct token_claims claims = claims_of(second.access_token);
    const struct session_owner owner = {person.id, claims.jti, claims.expires_s};
    assert_null(session_logout(ctx, &owner));
    assert_null(session_logout(ctx, &owner));
    assert_ptr_equal(access_revoked(first.access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(second.access_token), &err_token_revoked);
    assert_ptr_equal(session_refresh(ctx, second.refresh_token, &unused), &err_token_revoked);
    assert_null(access_revoked(other.access_token));
    assert_null(session_refresh(ctx, other.refresh_token, &unused));
}

static const struct db_stmt live_tokens = {.name = "test_live_tokens",
                                           .sql = "SELECT count(*) AS total FROM refresh_tokens WHERE user_id = $1 "
                                                  "AND rotated_at IS NULL AND revoked_at IS NULL"};

/* One token used by several processes at once: one is served, the others are reuse, and since reuse ends the family no
 * live token is left, not even the winner's. */
static void test_refresh_of_one_token_at_once_leaves_no_live_token(void **state)
{
    (void)state;
    enum { RIVALS = 4 };
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    pid_t pids[RIVALS];
    int served = 0;
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            _exit(session_refresh(ctx, tokens.refresh_token, &unused) ? 1 : 0);
        }
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        served += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    assert_int_equal(served, 1);
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &live_tokens, &rows, DB_TEXT(person.id)));
    assert_int_equal(db_int(rows, 0, "total"), 0);
}

/* Somebody's lock keeps a refresh waiting between having used up the old token and adding the new one. */
static const struct db_stmt hold_user = {.name = "test_hold_user", .sql = "SELECT FROM users WHERE id = $1 FOR UPDATE"};
static const struct db_stmt waiting_for_locks = {.name = "test_waiting_for_locks",
                                                 .sql = "SELECT count(*) AS total FROM pg_locks WHERE NOT granted"};

static void await_waiting(struct ctx *holder, int count)
{
    const struct db_rows *rows;
    int64_t end = clock_monotonic() + PATIENCE_US;
    do {
        assert_true(clock_monotonic() < end);
        assert_null(DB_RUN0(holder, &waiting_for_locks, &rows));
    } while (db_int(rows, 0, "total") < count);
}

struct rivals {
    const char *user_id;
    const char *refresh_token;
    struct session_owner owner;
    pid_t refreshing, leaving;
};

static const struct err *refresh_then_log_out(struct ctx *holder, void *arg)
{
    struct rivals *rivals = arg;
    struct tokens unused;
    assert_null(DB_RUN(holder, &hold_user, NULL, DB_TEXT(rivals->user_id)));
    rivals->refreshing = fork();
    if (rivals->refreshing == 0) {
        ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(session_refresh(ctx, rivals->refresh_token, &unused) ? 1 : 0);
    }
    await_waiting(holder, 1);
    rivals->leaving = fork();
    if (rivals->leaving == 0) {
        ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(session_logout(ctx, &rivals->owner) ? 1 : 0);
    }
    await_waiting(holder, 2);
    return NULL;
}

static void test_logout_during_a_refresh_leaves_no_live_token(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    struct token_claims claims = claims_of(tokens.access_token);
    struct rivals rivals = {.user_id = person.id,
                            .refresh_token = tokens.refresh_token,
                            .owner = {person.id, claims.jti, claims.expires_s}};
    int refreshed, left;
    assert_null(db_transact(ctx, refresh_then_log_out, &rivals));
    assert_int_equal(waitpid(rivals.refreshing, &refreshed, 0), rivals.refreshing);
    assert_int_equal(waitpid(rivals.leaving, &left, 0), rivals.leaving);
    assert_int_equal(refreshed, 0);
    assert_int_equal(left, 0);
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &live_tokens, &rows, DB_TEXT(person.id)));
    assert_int_equal(db_int(rows, 0, "total"), 0);
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
        cmocka_unit_test_setup_teardown(test_refresh_of_one_token_at_once_leaves_no_live_token, begin, end),
        cmocka_unit_test_setup_teardown(test_logout_during_a_refresh_leaves_no_live_token, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
