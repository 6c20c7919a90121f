/* Codes that prove an address. */
#include "tests/support/email_code_scene.h"

static struct agreement agreed[] = {{"SERVICE", 1, true}, {"PRIVACY", 1, true}, {"MARKETING", 1, false}};

static const struct err *sign_up(const char *address, const char *token, struct account *account_r)
{
    const struct sign_up input = {.email = address,
                                  .password = "correct horse",
                                  .name = "김민수",
                                  .phone = "010-1234-5678",
                                  .agreements = {agreed, 3},
                                  .recaptcha_token = "solved",
                                  .identity_verification_id = fixture_uuid(),
                                  .email_verification_token = token};
    return account_sign_up(ctx, &input, "127.0.0.1", account_r);
}

/* ---- the way it is meant ---- */

static const struct db_stmt verified = {
    .name = "test_verified", .sql = "SELECT email_verified_at IS NOT NULL AS verified FROM users WHERE id = $1"};

static bool is_verified(const struct account *account)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &verified, &rows, DB_TEXT(account->id)));
    return db_bool(rows, 0, "verified");
}

static void test_code_proves_the_address_of_a_new_account(void **state)
{
    (void)state;
    const char *token;
    struct account account, other;
    assert_null(verify(email, sent_code(email), &token));
    assert_null(sign_up(email, token, &account));
    assert_true(is_verified(&account));
    assert_null(sign_up(new_email(), NULL, &other));
    assert_false(is_verified(&other));
}

static const struct db_stmt kept = {
    .name = "test_kept",
    .sql = "SELECT position(convert_to($2, 'UTF8') IN code_hash) + position(convert_to($2, 'UTF8') IN token_hash)"
           " + position(convert_to($3, 'UTF8') IN token_hash) AS readable FROM email_codes WHERE email_hash = $1"};

static void test_code_and_token_are_kept_as_hashes_only(void **state)
{
    (void)state;
    const char *token, *code = sent_code(email);
    const struct db_rows *rows;
    assert_null(verify(email, code, &token));
    assert_null(DB_RUN(ctx, &kept, &rows, user_pii_blind(ctx, "email", email), DB_TEXT(code), DB_TEXT(token)));
    assert_int_equal(db_count(rows), 1);
    assert_int_equal(db_int(rows, 0, "readable"), 0);
    assert_int_equal(strlen(token), 43);
}

/* ---- guessing ---- */

static void test_code_has_five_tries(void **state)
{
    (void)state;
    const char *token, *code = sent_code(email);
    fail_to_verify(code, TRIES - 1);
    assert_null(verify(email, code, &token));
    fail_to_verify(code, 1);
    assert_ptr_equal(verify(email, code, &token), &err_email_code_invalid);
}

/* Each of several processes at once: true when its code was taken. */
static int verify_at_once(const char *code)
{
    pid_t pids[AT_ONCE];
    int taken = 0;
    for (int i = 0; i < AT_ONCE; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct ctx *own = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            const struct email_proof proof = {email, code};
            const char *token;
            _exit(email_code_verify(own, &proof, IP, &token) == NULL ? 0 : 1);
        }
    }
    for (int i = 0; i < AT_ONCE; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        taken += status == 0;
    }
    return taken;
}

static const struct db_stmt tries = {.name = "test_tries",
                                     .sql = "SELECT attempts FROM email_codes WHERE email_hash = $1"};

static void test_code_has_five_tries_from_many_processes_at_once(void **state)
{
    (void)state;
    const char *token, *code = sent_code(email);
    const struct db_rows *rows;
    assert_int_equal(verify_at_once(other_than(code)), 0);
    assert_null(DB_RUN(ctx, &tries, &rows, user_pii_blind(ctx, "email", email)));
    assert_int_equal(db_int(rows, 0, "attempts"), TRIES);
    assert_ptr_equal(verify(email, code, &token), &err_email_code_invalid);
}

static void test_code_of_another_address_is_none(void **state)
{
    (void)state;
    const char *token, *theirs = new_email(), *code = sent_code(email), *their_code = sent_code(theirs);
    if (strcmp(code, their_code) != 0) {
        assert_ptr_equal(verify(email, their_code, &token), &err_email_code_invalid);
    }
    assert_null(verify(email, code, &token));
    struct account account;
    assert_ptr_equal(sign_up(theirs, token, &account), &err_invalid_request);
    assert_null(sign_up(email, token, &account));
}

static void test_code_that_was_never_sent_is_answered_alike(void **state)
{
    (void)state;
    const char *token;
    assert_ptr_equal(verify(email, "012345", &token), &err_email_code_invalid);
    struct account account;
    assert_null(sign_up(email, NULL, &account));
    assert_ptr_equal(verify(email, "012345", &token), &err_email_code_invalid);
    assert_null(ask(ctx, email, IP)); /* an account makes no difference */
}

static void test_code_of_another_form_is_refused(void **state)
{
    (void)state;
    static const char *const codes[] = {"", "12345", "1234567", "12345a", "１２３４５６", " 12345", "-12345", "+12345"};
    const char *token;
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        assert_ptr_equal(verify(email, codes[i], &token), &err_invalid_request);
    }
    assert_ptr_equal(verify("kim", "012345", &token), &err_invalid_request);
    assert_ptr_equal(ask(ctx, "kim\r\nBcc: all@example.com", IP), &err_invalid_request);
    const char *long_one = arena_printf(ctx->arena, "%0310d@example.com", 1);
    assert_ptr_equal(ask(ctx, long_one, IP), &err_invalid_request);
}

/* ---- once, and in time ---- */

static void test_code_that_is_entered_again_gives_the_same_token_until_it_is_used(void **state)
{
    (void)state;
    const char *first, *again, *code = sent_code(email);
    struct account account;
    assert_null(verify(email, code, &first));
    for (int i = 0; i < 2 * TRIES; i++) {
        assert_null(verify(email, code, &again));
        assert_string_equal(again, first);
    }
    assert_in_range(verify_at_once(code), 1, AT_ONCE);
    assert_null(verify(email, code, &again));
    assert_null(sign_up(email, first, &account));
    assert_ptr_equal(verify(email, code, &again), &err_email_code_invalid);
    assert_ptr_equal(sign_up(email, first, &account), &err_invalid_request);
}

static void test_token_stays_when_the_sign_up_fails(void **state)
{
    (void)state;
    const char *token;
    struct account account;
    assert_null(verify(email, sent_code(email), &token));
    agreed[0].version = 999;
    assert_ptr_equal(sign_up(email, token, &account), &err_terms_required);
    agreed[0].version = 1;
    assert_null(sign_up(email, token, &account));
}

static void test_code_and_token_end(void **state)
{
    (void)state;
    const char *token, *code = sent_code(email);
    struct account account;
    pass(590);
    assert_null(verify(email, code, &token));
    pass(20);
    assert_ptr_equal(verify(email, code, &token), &err_email_code_invalid);
    pass(1790);
    assert_ptr_equal(sign_up(email, token, &account), &err_invalid_request);
}

static void test_new_code_ends_the_last(void **state)
{
    (void)state;
    const char *token, *first = sent_code(email), *second;
    int count;
    pass(61);
    assert_null(ask(ctx, email, IP));
    second = code_mailed(email, &count);
    assert_int_equal(count, 2);
    if (strcmp(first, second) != 0) {
        assert_ptr_equal(verify(email, first, &token), &err_email_code_invalid);
    }
    assert_null(verify(email, second, &token));
}

/* ---- what is over ---- */

static const struct db_stmt purge = {.name = "test_purge", .sql = "SELECT user_service.purge(1000) AS gone"};

static void test_codes_are_forgotten_after_two_days(void **state)
{
    (void)state;
    const struct db_rows *rows;
    sent_code(email);
    pass(47 * 3600);
    assert_null(DB_RUN0(admin, &purge, NULL));
    assert_null(DB_RUN(ctx, &tries, &rows, user_pii_blind(ctx, "email", email)));
    assert_int_equal(db_count(rows), 1);
    pass(2 * 3600);
    assert_null(DB_RUN0(admin, &purge, NULL));
    assert_null(DB_RUN(ctx, &tries, &rows, user_pii_blind(ctx, "email", email)));
    assert_int_equal(db_count(rows), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_code_proves_the_address_of_a_new_account),
        TEST(test_code_and_token_are_kept_as_hashes_only),
        TEST(test_code_has_five_tries),
        TEST(test_code_has_five_tries_from_many_processes_at_once),
        TEST(test_code_of_another_address_is_none),
        TEST(test_code_that_was_never_sent_is_answered_alike),
        TEST(test_code_of_another_form_is_refused),
        TEST(test_code_that_is_entered_again_gives_the_same_token_until_it_is_used),
        TEST(test_token_stays_when_the_sign_up_fails),
        TEST(test_code_and_token_end),
        TEST(test_new_code_ends_the_last),
        TEST(test_codes_are_forgotten_after_two_days),
    };
    return cmocka_run_group_tests_name("email_code", tests, NULL, NULL);
}
