/* Social logins: there and back, and into an account. */
#include "tests/support/social_scene.h"

/* ---- attempts ---- */

static void test_social_attempt_comes_back_once_to_its_browser(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct social_begun way = begun(), other = begun();
    assert_null(finish(OAUTH_KAKAO, way.url, way.browser, &outcome));
    assert_ptr_equal(finish(OAUTH_KAKAO, way.url, way.browser, &outcome), &err_social_state);
    assert_ptr_equal(finish(OAUTH_KAKAO, other.url, way.browser, &outcome), &err_social_state);
    assert_ptr_equal(finish(OAUTH_KAKAO, other.url, other.browser, &outcome), &err_social_state); /* it was used up */
    assert_ptr_equal(finish(OAUTH_NAVER, begun().url, way.browser, &outcome), &err_social_state);
    assert_int_equal(codes_redeemed, 1);
}

static void test_social_attempt_that_is_none_is_refused(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct social_begun way = begun();
    static char long_text[300];
    memset(long_text, 'x', sizeof long_text - 1);
    const char *const texts[] = {NULL, "", "x", long_text};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_ptr_equal(finish(OAUTH_KAKAO, texts[i], way.browser, &outcome), &err_social_state);
    }
    assert_ptr_equal(finish(OAUTH_KAKAO, begun().url, NULL, &outcome), &err_social_state);
    assert_ptr_equal(finish(OAUTH_KAKAO, begun().url, "", &outcome), &err_social_state);
    assert_int_equal(codes_redeemed, 0);
    assert_null(finish(OAUTH_KAKAO, way.url, way.browser, &outcome));
}

static void test_social_attempt_of_another_provider_is_refused(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct social_begun way = begun();
    assert_ptr_equal(finish(OAUTH_GOOGLE, way.url, way.browser, &outcome), &err_social_state);
    assert_int_equal(codes_redeemed, 0);
}

static void test_social_attempt_ends_by_itself(void **state)
{
    (void)state;
    struct social_begun way = begun();
    const struct redis_value *left;
    assert_null(REDIS_RUN(ctx, &left, "TTL", social_key(ctx, "attempt", way.url)));
    assert_in_range(left->integer, 1, SOCIAL_ATTEMPT_S);
    const char *token = link_token_of(OAUTH_KAKAO);
    assert_null(REDIS_RUN(ctx, &left, "TTL", social_key(ctx, "link", token)));
    assert_in_range(left->integer, 1, SOCIAL_LINK_S);
}

static void test_social_login_that_the_provider_refuses_changes_nothing(void **state)
{
    (void)state;
    static const struct err *const errors[] = {&err_oauth_refused, &err_unavailable, &err_bad_gateway};
    struct social_outcome outcome = {.link_token = "untouched"};
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        provider = errors[i];
        assert_ptr_equal(visit_as(OAUTH_KAKAO, &outcome), errors[i]);
        assert_string_equal(outcome.link_token, "untouched");
    }
    provider = NULL;
    struct social_begun way = begun();
    const struct social_return denied = {.code = "a code", .state = way.url, .error = "access_denied"};
    codes_redeemed = 0;
    assert_ptr_equal(social_finish(ctx, OAUTH_KAKAO, &denied, way.browser, &client, &outcome), &err_oauth_refused);
    way = begun();
    const struct social_return odd = {.code = "c\xC3\xB3"
                                              "de\r\n",
                                      .state = way.url};
    assert_ptr_equal(social_finish(ctx, OAUTH_KAKAO, &odd, way.browser, &client, &outcome), &err_oauth_refused);
    assert_int_equal(codes_redeemed, 0);
}

static void test_social_login_without_redis_is_unavailable(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct social_begun way = begun(), unused;
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_ptr_equal(social_begin(ctx, OAUTH_KAKAO, client.ip, NULL, &unused), &err_unavailable);
    assert_ptr_equal(finish(OAUTH_KAKAO, way.url, way.browser, &outcome), &err_unavailable);
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_null(finish(OAUTH_KAKAO, way.url, way.browser, &outcome));
}

static void test_social_offer_keeps_what_a_form_could_take(void **state)
{
    (void)state;
    struct social_outcome outcome;
    visitor.email = "KIM@Example.com";
    visitor.name = "  김  민수 ";
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_string_equal(outcome.email, "kim@example.com");
    assert_string_equal(outcome.name, "김 민수");
    static char long_name[300];
    memset(long_name, 'x', sizeof long_name - 1);
    const char *const names[] = {NULL, "", " ", "a\u202eb", "a\r\nb", "a\tb\x01", long_name};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        visitor.email = "not an address\r\nBcc: x";
        visitor.name = names[i];
        assert_null(visit_as(OAUTH_KAKAO, &outcome));
        assert_null(outcome.email);
        if (i != 4) { /* white space is a space */
            assert_null(outcome.name);
        }
    }
}

/* ---- linking ---- */

static void test_social_link_of_a_new_person_makes_an_account(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct profile profile;
    const char *id = new_visitor();
    assert_made(1, 1);
    assert_null(account_profile(ctx, id, &profile));
    assert_string_equal(profile.name, NAME);
    assert_string_equal(profile.phone, PHONE);
    assert_string_equal(profile.linked_providers, "[\"KAKAO\"]");
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_true(outcome.linked);
    assert_string_equal(owner_of(&outcome.tokens), id);
}

static void test_social_link_that_is_refused_leaves_nothing(void **state)
{
    (void)state;
    struct tokens tokens = {.access_token = "untouched"};
    const char *token = link_token_of(OAUTH_KAKAO);
    struct social_link body = body_of("no token");
    assert_ptr_equal(link_with(&body, &tokens), &err_link_token_invalid);
    body = body_of(token);
    body.email = NULL;
    assert_ptr_equal(link_with(&body, &tokens), &err_invalid_request);
    body = body_of(token);
    body.agreements.count = 0;
    assert_ptr_equal(link_with(&body, &tokens), &err_terms_required);
    body = body_of(token);
    body.name = "이몽룡";
    assert_ptr_equal(link_with(&body, &tokens), &err_identity_not_verified);
    struct person other = new_person();
    body = body_of(token);
    body.email = other.email;
    assert_ptr_equal(link_with(&body, &tokens), &err_email_taken);
    identity.verified = false;
    body = body_of(token);
    assert_ptr_equal(link_with(&body, &tokens), &err_identity_not_verified);
    identity.verified = true;
    assert_made(0, 0);
    assert_string_equal(tokens.access_token, "untouched");
}

/* Each costs a call to PortOne. */
static void test_social_link_has_ten_tries_a_token(void **state)
{
    (void)state;
    struct tokens tokens;
    const struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    identity.verified = false;
    for (int i = 0; i < 10; i++) {
        assert_ptr_equal(link_with(&body, &tokens), &err_identity_not_verified);
    }
    identity.verified = true;
    assert_ptr_equal(link_with(&body, &tokens), &err_too_many_requests);
}

static void test_social_link_goes_to_the_account_of_the_person(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens;
    identity.ci = person.id; /* as the scene has it */
    struct social_link body = {.link_token = link_token_of(OAUTH_KAKAO), .identity_verification_id = fixture_uuid()};
    assert_null(link_with(&body, &tokens));
    assert_string_equal(owner_of(&tokens), person.id);
    assert_null(link_with(&body, &tokens)); /* the answer was lost */
    assert_true(strcmp(owner_of(&tokens), person.id) == 0 && mails_to(person.id, "SOCIAL_LINKED") == 1);

    visitor.subject = fixture_uuid(); /* the same person's other login there */
    body = (struct social_link){.link_token = link_token_of(OAUTH_KAKAO), .identity_verification_id = fixture_uuid()};
    assert_ptr_equal(link_with(&body, &tokens), &err_social_other);
}

static void test_social_login_is_one_accounts(void **state)
{
    (void)state;
    struct tokens tokens;
    const char *token = link_token_of(OAUTH_KAKAO);
    struct social_link body = body_of(token);
    assert_null(link_with(&body, &tokens));
    struct person other = new_person();
    identity.ci = other.id;
    body = body_of(token);
    assert_ptr_equal(link_with(&body, &tokens), &err_social_linked);
    identity.ci = fixture_uuid(); /* nobody's yet */
    body = body_of(token);
    assert_ptr_equal(link_with(&body, &tokens), &err_social_linked);
    assert_made(0, 0);
}

static void test_social_link_uses_its_verification_up(void **state)
{
    (void)state;
    struct tokens tokens;
    struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_null(link_with(&body, &tokens));
    body.link_token = link_token_of(OAUTH_NAVER);
    assert_ptr_equal(link_with(&body, &tokens), &err_identity_not_verified);
    assert_made(1, 1);
}

static void test_social_link_of_one_subject_is_of_one_provider(void **state)
{
    (void)state;
    struct social_outcome outcome;
    (void)new_visitor();
    assert_null(visit_as(OAUTH_GOOGLE, &outcome));
    assert_false(outcome.linked);
}

static bool link_now(int number, const void *arg)
{
    (void)number;
    struct tokens tokens;
    return !link_with(arg, &tokens);
}

static void test_social_link_at_once_makes_one_account(void **state)
{
    (void)state;
    const struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_int_equal(at_once(link_now, &body), RIVALS);
    assert_made(1, 1);
}

/* ---- accounts that may not be logged in to ---- */

static const struct db_stmt last_result = {
    .name = "test_last_result",
    .sql = "SELECT method, result FROM login_history WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1"};

static void assert_last_login(const char *id, const char *result)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &last_result, &rows, DB_TEXT(id)));
    assert_string_equal(db_str(rows, 0, "method"), "KAKAO");
    assert_string_equal(db_str(rows, 0, "result"), result);
}

static void test_social_login_of_a_locked_or_sleeping_account_is_refused(void **state)
{
    (void)state;
    struct social_outcome outcome;
    const char *id = new_visitor();
    assert_last_login(id, "SUCCESS");
    assert_null(DB_RUN(ctx, &make_locked, NULL, DB_TEXT(id)));
    assert_ptr_equal(visit_as(OAUTH_KAKAO, &outcome), &err_account_locked);
    assert_in_range(ctx->retry_after_s, 3590, 3600);
    assert_last_login(id, "LOCKED");

    visitor.subject = fixture_uuid();
    identity.ci = fixture_uuid();
    id = new_visitor();
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(id)));
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_true(!outcome.linked && outcome.dormant);
    assert_last_login(id, "DORMANT");
    assert_made(1, 1);
}

static void test_social_link_of_its_verified_owner_wakes_an_account(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct tokens tokens;
    const char *id = new_visitor();
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(id)));
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    struct social_link body = body_of(outcome.link_token);
    const char *own = identity.ci;
    identity.ci = fixture_uuid(); /* somebody else */
    assert_non_null(link_with(&body, &tokens));
    assert_last_login(id, "DORMANT");
    identity.ci = own;
    body.identity_verification_id = fixture_uuid();
    assert_null(link_with(&body, &tokens));
    assert_last_login(id, "SUCCESS");
    assert_null(link_with(&body, &tokens)); /* its answer was lost */
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_true(outcome.linked);

    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(id)));
    visitor.subject = fixture_uuid(); /* by another provider */
    body = body_of(link_token_of(OAUTH_NAVER));
    body.identity_verification_id = fixture_uuid();
    assert_null(link_with(&body, &tokens));
    assert_string_equal(owner_of(&tokens), id);
}

static void test_social_login_of_a_closed_account_is_nobodys(void **state)
{
    (void)state;
    struct social_outcome outcome;
    const char *id = new_visitor();
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(id)));
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_false(outcome.linked);
    assert_ptr_equal(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_KAKAO), &err_token_revoked);
}

static void test_social_provider_is_one_that_is_on(void **state)
{
    (void)state;
    enum oauth_provider which;
    assert_null(social_provider("kakao", &which));
    assert_int_equal(which, OAUTH_KAKAO);
    assert_ptr_equal(social_provider("facebook", &which), &err_not_found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VISIT(test_social_attempt_comes_back_once_to_its_browser),
        VISIT(test_social_attempt_that_is_none_is_refused),
        VISIT(test_social_attempt_of_another_provider_is_refused),
        VISIT(test_social_attempt_ends_by_itself),
        VISIT(test_social_login_that_the_provider_refuses_changes_nothing),
        VISIT(test_social_login_without_redis_is_unavailable),
        VISIT(test_social_offer_keeps_what_a_form_could_take),
        VISIT(test_social_link_of_a_new_person_makes_an_account),
        VISIT(test_social_link_that_is_refused_leaves_nothing),
        VISIT(test_social_link_has_ten_tries_a_token),
        VISIT(test_social_link_goes_to_the_account_of_the_person),
        VISIT(test_social_login_is_one_accounts),
        VISIT(test_social_link_uses_its_verification_up),
        VISIT(test_social_link_of_one_subject_is_of_one_provider),
        VISIT(test_social_link_at_once_makes_one_account),
        VISIT(test_social_login_of_a_locked_or_sleeping_account_is_refused),
        VISIT(test_social_link_of_its_verified_owner_wakes_an_account),
        VISIT(test_social_login_of_a_closed_account_is_nobodys),
        VISIT(test_social_provider_is_one_that_is_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
