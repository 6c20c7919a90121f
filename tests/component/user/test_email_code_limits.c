/* How many codes there are, and of whom strangers take nothing. */
#include "tests/support/email_code_scene.h"

/* ---- limits ---- */

static void test_codes_to_one_address_are_a_minute_apart(void **state)
{
    (void)state;
    sent_code(email);
    assert_ptr_equal(ask(ctx, email, IP), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 50, 60);
    pass(40);
    assert_ptr_equal(ask(ctx, email, IP), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 1, 20);
    pass(21);
    assert_null(ask(ctx, email, IP));
}

static void test_codes_to_one_address_within_a_day_are_ten(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_null(ask_as_person(email, IP));
        pass(61);
    }
    assert_ptr_equal(ask_as_person(email, IP), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 80000, 86400);
    pass(86400);
    assert_null(ask(ctx, email, IP));
}

static void test_codes_for_one_client_and_its_network_are_limited_whatever_the_address(void **state)
{
    (void)state;
    cfg_user.email_codes_per_hour = 2;
    for (int host = 1; host <= 10; host++) {
        const char *ip = arena_printf(ctx->arena, "192.0.2.%d", host);
        assert_null(ask(ctx, new_email(), ip));
        assert_null(ask(ctx, new_email(), ip));
        assert_ptr_equal(ask(ctx, new_email(), ip), &err_too_many_requests);
    }
    assert_ptr_equal(ask(ctx, new_email(), "192.0.2.11"), &err_too_many_requests);
    assert_null(ask(ctx, new_email(), "198.51.100.1"));
}

/* ---- strangers ---- */

static const struct err *verify_from(const char *ip, const char *code, const char **token_r)
{
    const struct email_proof proof = {email, code};
    return email_code_verify(ctx, &proof, ip, token_r);
}

static void test_code_of_an_owner_is_not_used_up_by_a_stranger(void **state)
{
    (void)state;
    const char *token, *code = sent_code(email);
    for (int i = 0; i < TRIES + 1; i++) {
        assert_ptr_equal(verify_from(STRANGER, other_than(code), &token), &err_email_code_invalid);
    }
    assert_null(verify(email, code, &token));
}

static void test_code_has_fifteen_tries_of_everybody(void **state)
{
    (void)state;
    const char *token, *code = sent_code(email);
    for (int network = 0; network < 3; network++) {
        for (int i = 0; i < TRIES; i++) {
            const char *ip = arena_printf(ctx->arena, "203.0.%d.%d", network, i);
            assert_ptr_equal(verify_from(ip, other_than(code), &token), &err_email_code_invalid);
        }
    }
    assert_ptr_equal(verify_from("203.0.113.1", code, &token), &err_email_code_invalid);
    assert_null(verify(email, code, &token)); /* where it was asked for */
}

/* Nor does it become an older one. */
static void test_code_of_an_owner_is_the_one_that_was_asked_for_there(void **state)
{
    (void)state;
    const char *token, *code = sent_code(email);
    int count;
    assert_null(ask(ctx, email, STRANGER));
    const char *later = code_mailed(email, &count);
    assert_int_equal(count, 2);
    assert_null(verify(email, code, &token));
    if (strcmp(code, later) != 0) {
        assert_ptr_equal(verify_from(STRANGER, code, &token), &err_email_code_invalid);
    }
    assert_null(verify_from("198.51.100.9", later, &token)); /* of whoever is elsewhere, the latest */
}

static void test_codes_of_a_stranger_keep_no_owner_from_asking(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_null(ask_as_person(email, STRANGER));
        pass(61);
    }
    assert_ptr_equal(ask_as_person(email, STRANGER), &err_too_many_requests);
    assert_null(ask_as_person(email, IP));
}

static void test_codes_to_one_address_within_a_day_are_sixty_whoever_asks(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        assert_null(ask_as_person(email, arena_printf(ctx->arena, "203.0.%d.1", i)));
    }
    assert_ptr_equal(ask_as_person(email, IP), &err_too_many_requests);
}

/* ---- challenges ---- */

static void test_codes_to_one_address_within_a_day_are_three_without_a_challenge(void **state)
{
    (void)state;
    int count;
    for (int i = 0; i < 3; i++) {
        assert_null(email_code_send(ctx, &(struct email_request){email, "wrong"},
                                    arena_printf(ctx->arena, "203.0.%d.1", i), "ko"));
    }
    assert_int_equal(challenges, 0); /* nobody is asked for nothing */
    assert_ptr_equal(ask(ctx, email, IP), &err_captcha_failed);
    assert_string_equal(ctx->details->field, "recaptchaToken");
    assert_ptr_equal(email_code_send(ctx, &(struct email_request){email, "wrong"}, IP, "ko"), &err_captcha_failed);
    assert_int_equal(challenges, 1);
    code_mailed(email, &count);
    assert_int_equal(count, 3);
    assert_null(ask_as_person(email, IP));
    assert_null(ask(ctx, new_email(), IP)); /* another address is another matter */
    pass(86400);
    assert_null(ask(ctx, email, IP));
}

/* Of a mailbox that fills, however its addresses are spelt; each proves itself alone. */
static void test_codes_to_one_mailbox_are_limited_whatever_the_tag(void **state)
{
    (void)state;
    const char *at = strchr(email, '@'), *token;
    const char *name = arena_printf(ctx->arena, "%.*s", (int)(at - email), email);
    const char *code = sent_code(arena_printf(ctx->arena, "%s+tickets%s", name, at));
    assert_ptr_equal(ask(ctx, email, IP), &err_too_many_requests); /* within its minute */
    for (int i = 0; i < 2; i++) {
        assert_null(
            ask(ctx, arena_printf(ctx->arena, "%s+%d%s", name, i, at), arena_printf(ctx->arena, "203.0.%d.1", i)));
    }
    assert_ptr_equal(ask(ctx, arena_printf(ctx->arena, "%s+9%s", name, at), "203.0.9.1"), &err_captcha_failed);
    assert_ptr_equal(verify(email, code, &token), &err_email_code_invalid);
    assert_null(verify(arena_printf(ctx->arena, "%s+tickets%s", name, at), code, &token));
    assert_null(ask(ctx, arena_printf(ctx->arena, "+%s", new_email()), "203.0.9.1")); /* a name may begin with one */
}

static void test_codes_of_one_client_within_a_minute_are_twenty(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_null(ask(ctx, new_email(), IP));
    }
    assert_ptr_equal(ask(ctx, new_email(), IP), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 1, 60);
    assert_null(ask(ctx, new_email(), "192.0.2.8")); /* a neighbour */
}

static void test_challenge_is_not_used_up_for_a_code_that_is_refused_anyway(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_null(ask(ctx, email, arena_printf(ctx->arena, "203.0.%d.1", i)));
    }
    assert_null(ask_as_person(email, IP));
    challenges = 0;
    assert_ptr_equal(ask_as_person(email, IP), &err_too_many_requests); /* within its minute */
    assert_int_equal(challenges, 0);
}

static const struct db_stmt all_older = {
    .name = "test_all_older",
    .sql = "UPDATE user_service.email_codes SET sent_at = sent_at - interval '61 seconds',"
           " expires_at = expires_at - interval '61 seconds'"};

static void test_codes_of_a_minute_are_limited_without_a_challenge_whatever_the_address(void **state)
{
    (void)state;
    assert_null(DB_RUN0(admin, &all_older, NULL));
    cfg_user.email_codes_per_minute = 4;
    for (int i = 0; i < 4; i++) {
        assert_null(ask(ctx, new_email(), arena_printf(ctx->arena, "203.0.%d.1", i)));
    }
    assert_ptr_equal(ask(ctx, email, IP), &err_captcha_failed);
    assert_null(ask_as_person(email, IP));
    assert_null(DB_RUN0(admin, &all_older, NULL));
    assert_null(ask(ctx, new_email(), IP));
}

static void test_codes_asked_for_at_once_are_one_mail(void **state)
{
    (void)state;
    pid_t pids[AT_ONCE];
    int sent = 0, count;
    for (int i = 0; i < AT_ONCE; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct ctx *own = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            const struct err *e = ask(own, email, IP);
            _exit(e == NULL ? 0 : e == &err_too_many_requests ? 1 : 2);
        }
    }
    for (int i = 0; i < AT_ONCE; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_in_range(WEXITSTATUS(status), 0, 1);
        sent += status == 0;
    }
    assert_int_equal(sent, 1);
    assert_string_not_equal(code_mailed(email, &count), "");
    assert_int_equal(count, 1);
}

static const struct db_stmt hold_address = {
    .name = "test_hold_address",
    .sql = "SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 1)) AS locked"};

/* Somebody else is asking for a code to this address at this moment. */
static const struct err *ask_meanwhile(struct ctx *holder, void *arg)
{
    pid_t *asking = arg;
    assert_null(DB_RUN(holder, &hold_address, NULL, user_pii_blind(holder, "email", email)));
    *asking = fork();
    if (*asking == 0) {
        struct ctx *own = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(ask(own, email, IP) == NULL ? 0 : 1);
    }
    fixture_await_waiting(holder, 1);
    return NULL;
}

static void test_codes_asked_for_at_once_wait_for_each_other(void **state)
{
    (void)state;
    pid_t asking;
    int status;
    assert_null(db_transact(ctx, ask_meanwhile, &asking));
    waitpid(asking, &status, 0);
    assert_int_equal(status, 0);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_codes_to_one_address_are_a_minute_apart),
        TEST(test_codes_to_one_address_within_a_day_are_ten),
        TEST(test_codes_for_one_client_and_its_network_are_limited_whatever_the_address),
        TEST(test_code_of_an_owner_is_not_used_up_by_a_stranger),
        TEST(test_code_has_fifteen_tries_of_everybody),
        TEST(test_code_of_an_owner_is_the_one_that_was_asked_for_there),
        TEST(test_codes_of_a_stranger_keep_no_owner_from_asking),
        TEST(test_codes_to_one_address_within_a_day_are_sixty_whoever_asks),
        TEST(test_codes_to_one_address_within_a_day_are_three_without_a_challenge),
        TEST(test_codes_to_one_mailbox_are_limited_whatever_the_tag),
        TEST(test_codes_of_one_client_within_a_minute_are_twenty),
        TEST(test_challenge_is_not_used_up_for_a_code_that_is_refused_anyway),
        TEST(test_codes_of_a_minute_are_limited_without_a_challenge_whatever_the_address),
        TEST(test_codes_asked_for_at_once_are_one_mail),
        TEST(test_codes_asked_for_at_once_wait_for_each_other),
    };
    return cmocka_run_group_tests_name("email_code_limits", tests, NULL, NULL);
}
