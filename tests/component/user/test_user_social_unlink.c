/* Social logins that are let go of, and accounts without a password. */
#include "tests/support/social_scene.h"

static const char *new_visitor_of_two(void)
{
    struct tokens tokens;
    const char *id = new_visitor();
    const struct social_link body = body_of(link_token_of(OAUTH_NAVER));
    assert_null(link_with(&body, &tokens));
    assert_string_equal(owner_of(&tokens), id);
    return id;
}

static void test_social_unlink_never_takes_the_last_way_in(void **state)
{
    (void)state;
    const char *id = new_visitor_of_two();
    assert_made(1, 2);
    assert_null(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_GOOGLE)); /* there was none */
    assert_null(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_KAKAO));
    assert_null(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_KAKAO));
    assert_ptr_equal(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_NAVER), &err_last_way_in);
    assert_made(1, 1);
}

static bool unlink_now(int number, const void *arg)
{
    return !social_unlink(ctx, &(struct session_owner){.user_id = arg}, number % 2 == 0 ? OAUTH_KAKAO : OAUTH_NAVER);
}

static void test_social_unlink_at_once_leaves_one_way_in(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        visitor.subject = fixture_uuid();
        identity.ci = fixture_uuid();
        const char *id = new_visitor_of_two();
        assert_in_range(at_once(unlink_now, id), 1, RIVALS - 1);
        assert_made(1, 1);
    }
}

static const struct db_stmt hold_account = {.name = "test_hold_account",
                                            .sql = "SELECT FROM users WHERE id = $1 FOR UPDATE"};

struct unlinking {
    const char *id;
    pid_t other;
};

/* One unlinking is under way, and has the row of the account. */
static const struct err *unlink_meanwhile(struct ctx *holder, void *arg)
{
    struct unlinking *work = arg;
    assert_null(DB_RUN(holder, &hold_account, NULL, DB_TEXT(work->id)));
    work->other = fork();
    if (work->other == 0) {
        ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(unlink_now(0, work->id) ? 0 : 1);
    }
    fixture_await_waiting(holder, 1);
    return NULL;
}

static void test_social_unlinkings_wait_for_each_other(void **state)
{
    (void)state;
    struct unlinking work = {.id = new_visitor_of_two()};
    int status;
    assert_null(db_transact(ctx, unlink_meanwhile, &work));
    waitpid(work.other, &status, 0);
    assert_int_equal(status, 0);
    assert_made(1, 1);
}

static void test_social_unlink_of_who_has_a_password_is_done(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens;
    identity.ci = person.id;
    const struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_null(link_with(&body, &tokens));
    assert_null(social_unlink(ctx, &(struct session_owner){.user_id = person.id}, OAUTH_KAKAO));
    struct social_outcome outcome;
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_true(!outcome.linked && mails_to(person.id, "SOCIAL_UNLINKED") == 1);
    (void)logged_in(&person);
}

static void test_password_that_is_none_cannot_be_changed_nor_logged_in_with(void **state)
{
    (void)state;
    struct tokens tokens;
    const struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_null(link_with(&body, &tokens));
    struct token_claims claims = claims_of(tokens.access_token);
    const struct session_owner owner = {claims.subject, claims.jti, claims.expires_s};
    const struct password_change change = {"", "a-New-passphrase-77"};
    assert_ptr_equal(password_change(ctx, &owner, client.ip, &change), &err_password_not_set);
    assert_ptr_equal(login(body.email, "", &tokens), &err_bad_credentials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VISIT(test_social_unlink_never_takes_the_last_way_in),
        VISIT(test_social_unlink_at_once_leaves_one_way_in),
        VISIT(test_social_unlinkings_wait_for_each_other),
        VISIT(test_social_unlink_of_who_has_a_password_is_done),
        VISIT(test_password_that_is_none_cannot_be_changed_nor_logged_in_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
