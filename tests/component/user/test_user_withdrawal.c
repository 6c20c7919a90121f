/* The end of an account; what the reservation service knows of its person is played by the function below. */
#include <sys/wait.h>
#include <unistd.h>

#include "src/contract/reservation_api.h"
#include "src/user/account.h"
#include "src/user/withdrawal.h"
#include "tests/support/capture.h"
#include "tests/support/login_scene.h"

static struct reservation_standing standing;
static const struct err *reservation;
static const struct session_owner *leaves_meanwhile; /* logs out while the reservation service is asked */
static struct reservation_standing bought;           /* after the reservation service was asked */

const struct err *reservation_api_standing(struct ctx *unused_ctx, const char *user_id,
                                           struct reservation_standing *standing_r)
{
    (void)unused_ctx;
    (void)user_id;
    *standing_r = standing;
    standing.tickets += bought.tickets;
    standing.pending += bought.pending;
    if (leaves_meanwhile) {
        assert_null(session_logout(ctx, leaves_meanwhile));
    }
    return reservation;
}

static int begin_free(void **state)
{
    standing = (struct reservation_standing){0};
    reservation = NULL;
    leaves_meanwhile = NULL;
    bought = standing;
    return begin(state);
}

static const struct err *withdraw_with(const struct person *person, const struct tokens *tokens, bool with_tickets)
{
    struct token_claims claims = claims_of(tokens->access_token);
    const struct session_owner owner = {person->id, claims.jti, claims.expires_s};
    return withdrawal(ctx, &owner, with_tickets);
}

static const struct err *leave(const struct person *person, const struct tokens *tokens)
{
    return withdraw_with(person, tokens, false);
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

static const struct db_stmt link_account = {
    .name = "test_link",
    .sql = "INSERT INTO oauth_accounts (user_id, provider, subject) VALUES ($1::uuid, 'KAKAO', $1::uuid::text)"};
static const struct db_stmt left_of = {
    .name = "test_left_of",
    .sql = "SELECT status, deleted_at IS NOT NULL AS dated,"
           " (SELECT count(*) FROM oauth_accounts WHERE user_id = users.id) AS links,"
           " (SELECT count(*) FROM refresh_tokens WHERE user_id = users.id AND revoked_at IS NULL) AS live"
           " FROM users WHERE id = $1"};

static void assert_left(const struct person *person, const char *status, int links, int live)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &left_of, &rows, DB_TEXT(person->id)));
    assert_string_equal(db_str(rows, 0, "status"), status);
    assert_int_equal(db_int(rows, 0, "links"), links);
    assert_int_equal(db_int(rows, 0, "live"), live);
}

static void test_withdrawal_ends_account_sessions_and_links_at_once(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens other = logged_in(&person), own = logged_in(&person), foreign = logged_in(&stranger), unused;
    struct profile profile;
    assert_null(DB_RUN(ctx, &link_account, NULL, DB_TEXT(person.id)));
    assert_null(DB_RUN(ctx, &link_account, NULL, DB_TEXT(stranger.id)));
    assert_null(leave(&person, &own));
    assert_left(&person, "DELETED", 0, 0);
    assert_ptr_equal(revoked(&own), &err_token_revoked);
    assert_ptr_equal(revoked(&other), &err_token_revoked);
    assert_ptr_equal(refresh(&own), &err_token_revoked);
    assert_ptr_equal(login(person.email, PASSWORD, &unused), &err_bad_credentials);
    assert_ptr_equal(account_profile(ctx, person.id, &profile), &err_token_revoked);
    assert_int_equal(mails_to(person.id, "WITHDRAWN"), 1);
    assert_left(&stranger, "ACTIVE", 1, 1);
    assert_null(revoked(&foreign));
}

static void test_withdrawal_with_tickets_or_a_purchase_is_refused_unless_asked_for(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person);
    standing.tickets = 1;
    assert_ptr_equal(leave(&person, &own), &err_tickets_remain);
    standing.pending = 1;
    assert_ptr_equal(leave(&person, &own), &err_purchase_pending);
    assert_ptr_equal(withdraw_with(&person, &own, true), &err_purchase_pending);
    reservation = &err_unavailable;
    assert_ptr_equal(withdraw_with(&person, &own, true), &err_unavailable);
    assert_left(&person, "ACTIVE", 0, 1);
    assert_null(revoked(&own));
    reservation = NULL;
    standing.pending = 0;
    assert_null(withdraw_with(&person, &own, true));
    assert_left(&person, "DELETED", 0, 0);
}

static const struct db_stmt make_old = {.name = "test_make_old",
                                        .sql = "UPDATE user_service.refresh_tokens SET family ="
                                               " uuidv7(make_interval(secs => -$2::bigint)) WHERE user_id = $1"};

/* A token that was taken long after the login ends nothing, however often it was refreshed. */
static void test_withdrawal_long_after_the_login_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person);
    struct ctx *owner = fixture_ctx("boxoffice_admin", NEED_DB);
    assert_null(DB_RUN(owner, &make_old, NULL, DB_TEXT(person.id), DB_INT(cfg_user.fresh_login_s + 5)));
    assert_ptr_equal(leave(&person, &own), &err_login_too_old);
    assert_left(&person, "ACTIVE", 0, 1);
    struct tokens again = logged_in(&person);
    const struct session_owner forged = {person.id, fixture_uuid(), clock_now() / CLOCK_SECOND + 60};
    assert_ptr_equal(withdrawal(ctx, &forged, false), &err_token_revoked);
    assert_null(leave(&person, &again));
    fixture_free(&owner);
}

/* As Redis is away, such a token passes every door. */
static void test_withdrawal_with_a_token_that_was_logged_out_is_refused_without_redis(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person), other = logged_in(&person);
    struct token_claims claims = claims_of(own.access_token);
    const struct session_owner owner = {person.id, claims.jti, claims.expires_s};
    assert_null(session_logout(ctx, &owner));
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    const struct err *e = withdrawal(ctx, &owner, false);
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_ptr_equal(e, &err_token_revoked);
    assert_left(&person, "ACTIVE", 0, 1);
    assert_null(revoked(&other));
}

static void test_withdrawal_during_a_logout_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person), other = logged_in(&person);
    struct token_claims claims = claims_of(own.access_token);
    const struct session_owner owner = {person.id, claims.jti, claims.expires_s};
    leaves_meanwhile = &owner;
    assert_ptr_equal(withdrawal(ctx, &owner, false), &err_token_revoked);
    leaves_meanwhile = NULL;
    assert_left(&person, "ACTIVE", 0, 1);
    assert_null(leave(&person, &other));
}

static void test_withdrawal_whose_blacklisting_failed_is_finished_by_its_repetition(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens other = logged_in(&person), own = logged_in(&person);
    struct token_claims claims = claims_of(own.access_token);
    const struct session_owner owner = {person.id, claims.jti, claims.expires_s};
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_ptr_equal(withdrawal(ctx, &owner, false), &err_uncertain); /* done, but nobody could be told */
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_left(&person, "DELETED", 0, 0);
    assert_null(revoked(&other));
    standing.tickets = standing.pending = 1; /* nobody is asked again */
    assert_null(leave(&person, &own));
    assert_ptr_equal(revoked(&other), &err_token_revoked);
    assert_ptr_equal(revoked(&own), &err_token_revoked);
    assert_null(leave(&person, &own));
}

static struct person buyer;

static void leave_as_buyer(void)
{
    struct tokens own = logged_in(&buyer);
    assert_null(leave(&buyer, &own));
}

/* A request that was let in before is finished after it was asked what would be lost: the operator is told whom to ask.
 */
static void test_withdrawal_during_a_purchase_is_told_to_the_operator(void **state)
{
    (void)state;
    static const struct reservation_standing both[] = {{.tickets = 1}, {.pending = 1}};
    log_init("test_user_withdrawal", LOG_LEVEL_WARN);
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        buyer = new_person();
        standing = (struct reservation_standing){0};
        bought = both[i];
        capture(leave_as_buyer);
        assert_left(&buyer, "DELETED", 0, 0);
        assert_non_null(strstr(captured, buyer.id));
        assert_non_null(strstr(captured, i == 0 ? err_tickets_remain.code : err_purchase_pending.code));
    }
    buyer = new_person();
    standing = bought = (struct reservation_standing){0};
    assert_int_equal(capture(leave_as_buyer), 0);
}

/* Whoever logs in, refreshes or withdraws at the same moment: no session outlives the account. */
static void test_withdrawal_among_logins_leaves_no_session(void **state)
{
    (void)state;
    enum { RIVALS = 6 };
    struct person person = new_person();
    struct tokens own = logged_in(&person), other = logged_in(&person);
    pid_t pids[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct tokens tokens;
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            const struct err *e = i < 2   ? leave(&person, &own)
                                  : i < 4 ? login(person.email, PASSWORD, &tokens)
                                          : refresh(&other);
            _exit(i < 2 && e ? 1 : 0);
        }
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_left(&person, "DELETED", 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_withdrawal_ends_account_sessions_and_links_at_once, begin_free, end),
        cmocka_unit_test_setup_teardown(test_withdrawal_with_tickets_or_a_purchase_is_refused_unless_asked_for,
                                        begin_free, end),
        cmocka_unit_test_setup_teardown(test_withdrawal_long_after_the_login_is_refused, begin_free, end),
        cmocka_unit_test_setup_teardown(test_withdrawal_with_a_token_that_was_logged_out_is_refused_without_redis,
                                        begin_free, end),
        cmocka_unit_test_setup_teardown(test_withdrawal_during_a_logout_is_refused, begin_free, end),
        cmocka_unit_test_setup_teardown(test_withdrawal_whose_blacklisting_failed_is_finished_by_its_repetition,
                                        begin_free, end),
        cmocka_unit_test_setup_teardown(test_withdrawal_during_a_purchase_is_told_to_the_operator, begin_free, end),
        cmocka_unit_test_setup_teardown(test_withdrawal_among_logins_leaves_no_session, begin_free, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
