/* The way back into an account that sleeps; the identity verification is played by the function below. */
#include <sys/wait.h>
#include <unistd.h>

#include "src/providers/portone.h"
#include "src/user/reactivation.h"
#include "tests/support/login_scene.h"

static struct portone_identity identity;
static const struct err *provider;

const struct err *portone_identity(struct ctx *unused_ctx, const char *verification_id,
                                   struct portone_identity *identity_r)
{
    (void)unused_ctx;
    (void)verification_id;
    *identity_r = identity;
    return provider;
}

static const char *verify(const struct person *person)
{
    provider = NULL;
    identity = (struct portone_identity){
        .verified = true, .status_text = "VERIFIED", .ci = person->id, .name = NAME, .verified_at = clock_now()};
    return fixture_uuid();
}

static struct person sleeper(void)
{
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(person.id)));
    return person;
}

/* No network twice: each has its limit. */
static const char *new_ip(void)
{
    const char *random = fixture_uuid() + 24;
    return arena_printf(ctx->arena, "2001:db8:%.4s:%.4s::1", random, random + 4);
}

static const struct err *wake_from(const char *ip, const char *email, const char *password, const char *verification,
                                   struct tokens *tokens_r)
{
    const struct reactivation input = {email, password, verification};
    const struct client client = {ip, "test agent"};
    return reactivation(ctx, &input, &client, tokens_r);
}

static const struct err *wake(const char *email, const char *password, const char *verification,
                              struct tokens *tokens_r)
{
    return wake_from(new_ip(), email, password, verification, tokens_r);
}

static const struct db_stmt state_of = {
    .name = "test_state_of",
    .sql = "SELECT status, last_login_at > clock_timestamp() - interval '1 minute' AS stamped,"
           " (SELECT count(*) FROM refresh_tokens WHERE user_id = users.id AND revoked_at IS NULL) AS sessions,"
           " (SELECT string_agg(result, ' ' ORDER BY created_at) FROM login_history WHERE user_id = users.id) AS logins"
           " FROM users WHERE id = $1"};

static const struct db_rows *find_state(const struct person *person)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &state_of, &rows, DB_TEXT(person->id)));
    return rows;
}

static void assert_asleep(const struct person *person)
{
    const struct db_rows *rows = find_state(person);
    assert_string_equal(db_str(rows, 0, "status"), "DORMANT");
    assert_int_equal(db_int(rows, 0, "sessions"), 0);
}

static void test_reactivation_wakes_the_account_and_begins_a_session(void **state)
{
    (void)state;
    struct person person = sleeper(), other = sleeper();
    struct tokens tokens, unused;
    assert_ptr_equal(login(person.email, PASSWORD, &unused), &err_account_dormant);
    assert_null(wake(person.email, PASSWORD, verify(&person), &tokens));
    assert_string_equal(claims_of(tokens.access_token).subject, person.id);
    const struct db_rows *rows = find_state(&person);
    assert_string_equal(db_str(rows, 0, "status"), "ACTIVE");
    assert_true(db_bool(rows, 0, "stamped"));
    assert_int_equal(db_int(rows, 0, "sessions"), 1);
    assert_string_equal(db_str(rows, 0, "logins"), "DORMANT SUCCESS");
    assert_null(login(person.email, PASSWORD, &unused));
    assert_asleep(&other);
}

static void test_reactivation_without_the_password_is_refused_as_a_login(void **state)
{
    (void)state;
    struct person person = sleeper();
    const char *nobody = arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
    struct tokens unused;
    assert_ptr_equal(wake(person.email, "wrong horse", verify(&person), &unused), &err_bad_credentials);
    assert_ptr_equal(wake(nobody, PASSWORD, verify(&person), &unused), &err_identity_not_verified);
    assert_ptr_equal(wake("no address", PASSWORD, verify(&person), &unused), &err_identity_not_verified);
    assert_asleep(&person);
    assert_string_equal(db_str(find_state(&person), 0, "logins"), "BAD_PASSWORD");
}

static void test_reactivation_counts_wrong_passwords_as_a_login_does(void **state)
{
    (void)state;
    struct person person = sleeper();
    struct tokens unused;
    const char *ip = new_ip();
    for (int64_t i = 0; i < cfg_user.login_tries; i++) {
        assert_ptr_equal(wake_from(ip, person.email, "wrong horse", verify(&person), &unused), &err_bad_credentials);
    }
    assert_ptr_equal(wake_from(ip, person.email, PASSWORD, verify(&person), &unused), &err_account_locked);
    assert_ptr_equal(login_from(ip, person.email, PASSWORD, &unused), &err_account_locked);
    assert_asleep(&person);
}

/* Who has found out a password, and is somebody else. */
static void test_reactivation_by_another_person_is_refused(void **state)
{
    (void)state;
    struct person person = sleeper(), thief = sleeper();
    struct tokens unused;
    const char *verification = verify(&thief);
    assert_ptr_equal(wake(person.email, PASSWORD, verification, &unused), &err_identity_not_verified);
    assert_asleep(&person);
    struct person awake = new_person();
    assert_ptr_equal(wake(awake.email, PASSWORD, verification, &unused), &err_identity_not_verified);
    assert_null(wake(thief.email, PASSWORD, verification, &unused)); /* it has not been used up */
}

/* Accounts are not spoken of to whoever is verified as nobody. */
static void test_reactivation_without_a_good_verification_is_refused_before_the_password(void **state)
{
    (void)state;
    struct person person = sleeper();
    struct tokens unused;
    const char *verification = verify(&person);
    identity.verified = false;
    assert_ptr_equal(wake(person.email, PASSWORD, verification, &unused), &err_identity_not_verified);
    assert_ptr_equal(wake(person.email, "wrong horse", verification, &unused), &err_identity_not_verified);
    verification = verify(&person);
    identity.verified_at -= (cfg_user.identity_s + 1) * CLOCK_SECOND;
    assert_ptr_equal(wake(person.email, PASSWORD, verification, &unused), &err_identity_not_verified);
    verify(&person);
    provider = &err_unavailable;
    assert_ptr_equal(wake(person.email, PASSWORD, verification, &unused), &err_unavailable);
    assert_asleep(&person);
}

static void test_reactivation_uses_a_verification_once_but_for_its_own_repetition(void **state)
{
    (void)state;
    struct person person = sleeper();
    struct tokens tokens;
    const char *verification = verify(&person);
    assert_null(wake(person.email, PASSWORD, verification, &tokens));
    assert_null(wake(person.email, PASSWORD, verification, &tokens)); /* an answer that was lost */
    assert_int_equal(db_int(find_state(&person), 0, "sessions"), 2);
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(wake(person.email, PASSWORD, verification, &tokens), &err_identity_not_verified);
    assert_null(wake(person.email, PASSWORD, verify(&person), &tokens));
}

static void test_reactivation_of_a_withdrawn_account_is_refused(void **state)
{
    (void)state;
    struct person person = sleeper();
    struct tokens unused;
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(wake(person.email, PASSWORD, verify(&person), &unused), &err_identity_not_verified);
}

static void test_reactivation_is_limited_by_address(void **state)
{
    (void)state;
    struct person nobody = {fixture_uuid(), "nobody@example.com"};
    struct tokens unused;
    const char *ip = new_ip();
    const struct err *e = NULL;
    int asked = 0;
    while (e != &err_too_many_requests && asked < 100) {
        e = wake_from(ip, arena_printf(ctx->arena, "%d@example.com", asked), PASSWORD, verify(&nobody), &unused);
        asked++;
    }
    assert_ptr_equal(e, &err_too_many_requests);
    assert_int_equal(asked, 21);
}

static void test_reactivation_twice_at_once_wakes_once(void **state)
{
    (void)state;
    enum { RIVALS = 4 };
    struct person person = sleeper();
    const char *verification = verify(&person);
    pid_t pids[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct tokens tokens;
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            _exit(wake(person.email, PASSWORD, verification, &tokens) ? 1 : 0);
        }
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    const struct db_rows *rows = find_state(&person);
    assert_string_equal(db_str(rows, 0, "status"), "ACTIVE");
    assert_int_equal(db_int(rows, 0, "sessions"), RIVALS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reactivation_wakes_the_account_and_begins_a_session, begin, end),
        cmocka_unit_test_setup_teardown(test_reactivation_without_the_password_is_refused_as_a_login, begin, end),
        cmocka_unit_test_setup_teardown(test_reactivation_counts_wrong_passwords_as_a_login_does, begin, end),
        cmocka_unit_test_setup_teardown(test_reactivation_by_another_person_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_reactivation_without_a_good_verification_is_refused_before_the_password,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_reactivation_uses_a_verification_once_but_for_its_own_repetition, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_reactivation_of_a_withdrawn_account_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_reactivation_is_limited_by_address, begin, end),
        cmocka_unit_test_setup_teardown(test_reactivation_twice_at_once_wakes_once, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
