/* Changing a password, and what of the sessions that began with the old one. */
#include <sys/wait.h>
#include <unistd.h>

#include "src/user/password_change.h"
#include "tests/support/login_scene.h"

#define NEW_PASSWORD "battery staple"

static struct session_owner owner_of(const struct person *person, const struct tokens *tokens)
{
    struct token_claims claims = claims_of(tokens->access_token);
    return (struct session_owner){person->id, claims.jti, claims.expires_s};
}

static const struct err *change(const struct person *person, const struct tokens *tokens, const char *current,
                                const char *new_password)
{
    const struct session_owner owner = owner_of(person, tokens);
    const struct password_change input = {current, new_password};
    return password_change(ctx, &owner, "192.0.2.7", &input);
}

static const struct err *revoked(const struct tokens *tokens)
{
    return token_check_revoked(ctx, claims_of(tokens->access_token).jti);
}

static const struct err *refresh(const struct tokens *tokens)
{
    const struct client client = {"192.0.2.7", "test agent"};
    struct tokens unused;
    return refresh_exchange(ctx, tokens->refresh_token, &client, &unused);
}

static void test_password_change_ends_all_other_sessions(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens other = logged_in(&person), own = logged_in(&person), foreign = logged_in(&stranger), unused;
    assert_null(change(&person, &own, PASSWORD, NEW_PASSWORD));
    assert_ptr_equal(revoked(&other), &err_token_revoked);
    assert_ptr_equal(refresh(&other), &err_token_revoked);
    assert_null(revoked(&own));
    assert_null(refresh(&own));
    assert_null(revoked(&foreign));
    assert_null(refresh(&foreign));
    assert_ptr_equal(login(person.email, PASSWORD, &unused), &err_bad_credentials);
    assert_null(login(person.email, NEW_PASSWORD, &unused));
}

/* The gateway sends a PUT again when the process that had it is gone. */
static void test_password_change_that_is_repeated_is_done(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person), unused;
    for (int64_t i = 0; i < cfg_user.login_tries + 2; i++) {
        assert_null(change(&person, &own, PASSWORD, NEW_PASSWORD));
    }
    assert_null(login(person.email, NEW_PASSWORD, &unused));
    assert_int_equal(mails_to(person.id, "PASSWORD_CHANGED"), 1);
}

static void test_password_change_whose_blacklisting_failed_is_finished_by_its_repetition(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person), other = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &own);
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    const struct password_change input = {PASSWORD, NEW_PASSWORD};
    /* Done, but nobody could be told. */
    assert_ptr_equal(password_change(ctx, &owner, "192.0.2.7", &input), &err_uncertain);
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_null(revoked(&other));
    assert_null(change(&person, &own, PASSWORD, NEW_PASSWORD));
    assert_ptr_equal(revoked(&other), &err_token_revoked);
    assert_null(revoked(&own));
}

static void test_password_change_that_is_refused_changes_nothing(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens other = logged_in(&person), own = logged_in(&person), unused;
    assert_ptr_equal(change(&person, &own, "wrong horse", NEW_PASSWORD), &err_bad_credentials);
    assert_ptr_equal(change(&person, &own, PASSWORD, "short"), &err_invalid_request);
    assert_ptr_equal(change(&person, &own, PASSWORD, PASSWORD), &err_invalid_request);
    assert_ptr_equal(change(&person, &own, PASSWORD, "iloveyou123"), &err_invalid_request);
    assert_ptr_equal(change(&person, &own, PASSWORD, NAME NAME "!!"), &err_invalid_request);
    assert_ptr_equal(change(&person, &own, PASSWORD, person.email), &err_invalid_request);
    assert_null(revoked(&other));
    assert_null(refresh(&other));
    assert_null(login(person.email, PASSWORD, &unused));
}

/* Whoever has taken an access token cannot try passwords with it without end. */
static void test_password_change_counts_wrong_passwords(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person), unused;
    for (int64_t i = 0; i < cfg_user.login_tries; i += 2) { /* each tries two passwords */
        assert_ptr_equal(change(&person, &own, "wrong horse", NEW_PASSWORD), &err_bad_credentials);
    }
    assert_ptr_equal(change(&person, &own, PASSWORD, NEW_PASSWORD), &err_account_locked);
    assert_ptr_equal(login(person.email, PASSWORD, &unused), &err_account_locked);
}

/* Whoever has taken an access token uses up none of the owner's tries once they are locked out. */
static void test_password_change_of_a_thief_leaves_the_owner_theirs(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &own);
    const struct password_change guess = {"wrong horse", NEW_PASSWORD};
    for (int i = 0; i < 20; i++) {
        const struct err *e = password_change(ctx, &owner, "198.51.100.66", &guess);
        assert_true(e == &err_bad_credentials || e == &err_account_locked);
    }
    assert_null(change(&person, &own, PASSWORD, NEW_PASSWORD));
}

/* Right ones cost as much. */
static void test_password_change_has_ten_tries_a_quarter_of_an_hour(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person);
    assert_null(change(&person, &own, PASSWORD, NEW_PASSWORD));
    for (int i = 1; i < 10; i++) {
        assert_null(change(&person, &own, PASSWORD, NEW_PASSWORD));
    }
    assert_ptr_equal(change(&person, &own, PASSWORD, NEW_PASSWORD), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 1, 900);
}

static void test_password_change_of_an_account_that_is_none_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person);
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(change(&person, &own, PASSWORD, NEW_PASSWORD), &err_token_revoked);
}

static void test_password_change_twice_at_once_is_done_once(void **state)
{
    (void)state;
    enum { RIVALS = 3 }; /* more, and the wrong passwords of those who came too late would lock the account */
    struct person person = new_person();
    struct tokens own = logged_in(&person), unused;
    pid_t pids[RIVALS];
    int done = 0;
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            _exit(change(&person, &own, PASSWORD, arena_printf(ctx->arena, "%s %d", NEW_PASSWORD, i)) ? RIVALS : i);
        }
    }
    int winner = RIVALS;
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) < RIVALS) {
            winner = WEXITSTATUS(status);
            done++;
        }
    }
    assert_int_equal(done, 1);
    assert_null(login(person.email, arena_printf(ctx->arena, "%s %d", NEW_PASSWORD, winner), &unused));
}

/* ---- a login under way ---- */

static const struct db_stmt hold_person = {.name = "test_hold_person",
                                           .sql = "SELECT FROM users WHERE id = $1 FOR UPDATE"};
static const struct db_stmt new_hash = {.name = "test_new_hash",
                                        .sql = "UPDATE users SET password_hash = $2 WHERE id = $1"};

/* What happens to the account meanwhile. */
typedef const struct err *turn_of_events(struct ctx *holder, const struct person *person);

struct overtaking {
    const struct person *person;
    turn_of_events *turn;
    pid_t login;
};

/* The login has found its password right, and waits for the row of its account. */
static const struct err *change_meanwhile(struct ctx *holder, void *arg)
{
    struct overtaking *work = arg;
    assert_null(DB_RUN(holder, &hold_person, NULL, DB_TEXT(work->person->id)));
    work->login = fork();
    if (work->login == 0) {
        struct tokens unused;
        ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(login(work->person->email, PASSWORD, &unused) == &err_conflict ? 0 : 1);
    }
    fixture_await_waiting(holder, 1);
    return work->turn(holder, work->person);
}

static void assert_overtaken_by(turn_of_events *turn)
{
    struct person person = new_person();
    struct overtaking work = {.person = &person, .turn = turn};
    int status;
    assert_null(db_transact(ctx, change_meanwhile, &work));
    assert_int_equal(waitpid(work.login, &status, 0), work.login);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct err *set_password(struct ctx *holder, const struct person *person)
{
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash(NEW_PASSWORD, 4, hash));
    return DB_RUN(holder, &new_hash, NULL, DB_TEXT(person->id), DB_TEXT(hash));
}

static void test_login_with_a_password_that_is_changed_meanwhile_is_refused(void **state)
{
    (void)state;
    assert_overtaken_by(set_password);
}

static const struct err *lock_account(struct ctx *holder, const struct person *person)
{
    return DB_RUN(holder, &make_locked, NULL, DB_TEXT(person->id));
}

static void test_login_of_an_account_that_is_locked_meanwhile_is_refused(void **state)
{
    (void)state;
    assert_overtaken_by(lock_account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_password_change_ends_all_other_sessions, begin, end),
        cmocka_unit_test_setup_teardown(test_password_change_that_is_repeated_is_done, begin, end),
        cmocka_unit_test_setup_teardown(test_password_change_whose_blacklisting_failed_is_finished_by_its_repetition,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_password_change_that_is_refused_changes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_password_change_counts_wrong_passwords, begin, end),
        cmocka_unit_test_setup_teardown(test_password_change_of_a_thief_leaves_the_owner_theirs, begin, end),
        cmocka_unit_test_setup_teardown(test_password_change_has_ten_tries_a_quarter_of_an_hour, begin, end),
        cmocka_unit_test_setup_teardown(test_password_change_of_an_account_that_is_none_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_password_change_twice_at_once_is_done_once, begin, end),
        cmocka_unit_test_setup_teardown(test_login_with_a_password_that_is_changed_meanwhile_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_login_of_an_account_that_is_locked_meanwhile_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
