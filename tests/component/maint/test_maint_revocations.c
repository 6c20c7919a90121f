/* What a Redis that has lost everything is told again. */
#include <sys/wait.h>
#include <unistd.h>

#include "src/maint/job.h"
#include "src/user/revocations.h"
#include "src/user/session.h"
#include "tests/support/login_scene.h"

#define MANY 2500

static struct ctx *owner, *janitor;

static const struct db_stmt set_role = {
    .name = "test_set_role",
    .sql = "UPDATE user_service.users SET role = $2,"
           " demoted_at = CASE WHEN $2 = 'USER' THEN clock_timestamp() END WHERE id = $1"};
static const struct db_stmt end_many = {
    .name = "test_end_many",
    .sql = "INSERT INTO user_service.refresh_tokens"
           " (id, user_id, family, token_hash, access_jti, access_expires_at, issued_at, expires_at, revoked_at)"
           " SELECT uuidv7(), $1, uuidv7(), sha256(uuidv7()::text::bytea), uuidv7(),"
           " clock_timestamp() + interval '1 hour', clock_timestamp(), clock_timestamp() + interval '1 day',"
           " clock_timestamp() FROM generate_series(1, $2::integer)"};
static const struct db_stmt tokens_of = {
    .name = "test_tokens_of",
    .sql = "SELECT access_jti FROM user_service.refresh_tokens WHERE user_id = $1 AND revoked_at IS NOT NULL"};

static const struct db_stmt long_ago = {
    .name = "test_long_ago",
    .sql = "UPDATE user_service.refresh_tokens SET revoked_at = revoked_at - interval '2 days'"};
static const struct db_stmt users_long_ago = {
    .name = "test_users_long_ago", .sql = "UPDATE user_service.users SET demoted_at = demoted_at - interval '2 days'"};
static const struct db_stmt end_untold = {.name = "test_end_untold",
                                          .sql = "UPDATE user_service.refresh_tokens"
                                                 " SET revoked_at = clock_timestamp() - make_interval(secs => $2)"
                                                 " WHERE user_id = $1"};
static const struct db_stmt demote_untold = {
    .name = "test_demote_untold",
    .sql = "UPDATE user_service.users SET role = 'USER',"
           " demoted_at = clock_timestamp() - make_interval(secs => $2) WHERE id = $1"};

/* The database of Redis is this program's alone. */
static void lose_everything(void)
{
    assert_null(REDIS_RUN(ctx, NULL, "FLUSHDB"));
}

static int setup(void **state)
{
    begin(state);
    owner = fixture_ctx("boxoffice_admin", NEED_DB);
    janitor = fixture_ctx(revocations_job.role, NEED_DB | NEED_REDIS);
    lose_everything();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(&janitor);
    fixture_free(&owner);
    return end(state);
}

static int64_t run_job(void)
{
    int64_t done = 0;
    assert_null(revocations_job.run(janitor, &done));
    return done;
}

static void log_out(const struct person *person, const struct token_claims *claims)
{
    assert_null(session_logout(ctx, &(struct session_owner){person->id, claims->jti, claims->expires_s}));
}

static void test_ended_sessions_are_known_again_and_no_others(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second = logged_in(&person);
    const struct token_claims ended = claims_of(first.access_token), living = claims_of(second.access_token);
    log_out(&person, &ended);
    lose_everything();
    assert_null(token_check_revoked(ctx, ended.jti));
    assert_true(run_job() > 0);
    assert_ptr_equal(token_check_revoked(ctx, ended.jti), &err_token_revoked);
    assert_null(token_check_revoked(ctx, living.jti));
}

static void test_who_was_demoted_administers_no_more(void **state)
{
    (void)state;
    struct person person = new_person(), other = new_person();
    assert_null(DB_RUN(owner, &set_role, NULL, DB_TEXT(person.id), DB_TEXT("ADMIN")));
    assert_null(DB_RUN(owner, &set_role, NULL, DB_TEXT(other.id), DB_TEXT("ADMIN")));
    struct tokens demoted = logged_in(&person), administrator = logged_in(&other);
    const struct token_claims claims = claims_of(demoted.access_token), others = claims_of(administrator.access_token);
    assert_null(DB_RUN(owner, &set_role, NULL, DB_TEXT(person.id), DB_TEXT("USER")));
    assert_null(token_check_admin(ctx, &claims));
    (void)run_job();
    assert_ptr_equal(token_check_admin(ctx, &claims), &err_token_revoked);
    assert_null(token_check_admin(ctx, &others));
}

static void test_nothing_is_told_to_a_redis_that_has_lost_nothing(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    const struct token_claims claims = claims_of(tokens.access_token);
    log_out(&person, &claims);
    assert_null(DB_RUN0(owner, &long_ago, NULL));
    assert_null(DB_RUN0(owner, &users_long_ago, NULL));
    (void)run_job();
    assert_int_equal(run_job(), 0);
    lose_everything();
    assert_true(run_job() > 0);
}

/* Whoever ended it was killed before Redis was told. */
static void test_session_that_ended_untold_is_told_to_a_redis_that_has_lost_nothing(void **state)
{
    (void)state;
    (void)run_job();
    struct person person = new_person(), other = new_person();
    struct tokens tokens = logged_in(&person), others = logged_in(&other);
    const struct token_claims ended = claims_of(tokens.access_token), living = claims_of(others.access_token);
    assert_null(DB_RUN(owner, &end_untold, NULL, DB_TEXT(person.id), DB_INT(0)));
    assert_null(token_check_revoked(ctx, ended.jti));
    assert_true(run_job() > 0);
    assert_ptr_equal(token_check_revoked(ctx, ended.jti), &err_token_revoked);
    assert_null(token_check_revoked(ctx, living.jti));
}

/* Redis was away for twenty minutes, or the job was, and has lost nothing. */
static void test_what_was_changed_since_the_last_run_is_told_however_long_ago_that_was(void **state)
{
    (void)state;
    struct person person = new_person(), admin = new_person();
    (void)run_job();
    assert_null(DB_RUN(owner, &set_role, NULL, DB_TEXT(admin.id), DB_TEXT("ADMIN")));
    struct tokens tokens = logged_in(&person), admins = logged_in(&admin);
    const struct token_claims ended = claims_of(tokens.access_token), demoted = claims_of(admins.access_token);
    assert_null(DB_RUN(owner, &end_untold, NULL, DB_TEXT(person.id), DB_INT(900)));
    assert_null(DB_RUN(owner, &demote_untold, NULL, DB_TEXT(admin.id), DB_INT(900)));
    (void)run_job();
    assert_null(token_check_revoked(ctx, ended.jti)); /* as if it had been told then */
    const char *long_before = arena_int(ctx->arena, clock_now() / CLOCK_SECOND - 1200);
    assert_null(REDIS_RUN(ctx, NULL, "SET", "token:{remembered}", long_before));
    assert_true(run_job() > 0);
    assert_ptr_equal(token_check_revoked(ctx, ended.jti), &err_token_revoked);
    assert_ptr_equal(token_check_admin(ctx, &demoted), &err_token_revoked);
}

static void test_more_sessions_than_a_batch_are_known_again(void **state)
{
    (void)state;
    struct person person = new_person();
    const struct db_rows *rows;
    assert_null(DB_RUN(owner, &end_many, NULL, DB_TEXT(person.id), DB_INT(MANY)));
    assert_true(run_job() >= MANY);
    assert_null(DB_RUN(owner, &tokens_of, &rows, DB_TEXT(person.id)));
    assert_int_equal(db_count(rows), MANY);
    for (size_t i = 0; i < db_count(rows); i++) {
        assert_ptr_equal(token_check_revoked(ctx, db_str(rows, i, "access_jti")), &err_token_revoked);
    }
}

static int64_t keys_there(void)
{
    const struct redis_value *size;
    assert_null(REDIS_RUN(ctx, &size, "DBSIZE"));
    return size->integer;
}

static void test_a_loss_while_it_is_told_is_noticed(void **state)
{
    (void)state;
    struct person person = new_person();
    const struct db_rows *rows;
    int status;
    assert_null(DB_RUN(owner, &end_many, NULL, DB_TEXT(person.id), DB_INT(MANY)));
    pid_t teller = fork();
    if (teller == 0) {
        int64_t done = 0;
        struct ctx *own = fixture_ctx(revocations_job.role, NEED_DB | NEED_REDIS);
        (void)revocations_job.run(own, &done);
        _exit(0);
    }
    while (keys_there() < MANY / 5 && waitpid(teller, &status, WNOHANG) == 0) {
    }
    lose_everything();
    waitpid(teller, &status, 0);
    (void)run_job();
    assert_null(DB_RUN(owner, &tokens_of, &rows, DB_TEXT(person.id)));
    for (size_t i = 0; i < db_count(rows); i++) {
        assert_ptr_equal(token_check_revoked(ctx, db_str(rows, i, "access_jti")), &err_token_revoked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ended_sessions_are_known_again_and_no_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_was_demoted_administers_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_told_to_a_redis_that_has_lost_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_that_ended_untold_is_told_to_a_redis_that_has_lost_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_was_changed_since_the_last_run_is_told_however_long_ago_that_was,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_sessions_than_a_batch_are_known_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_loss_while_it_is_told_is_noticed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
