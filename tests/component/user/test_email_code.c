/* Codes that prove an address; CAPTCHA and identity verification are played by the functions below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "src/providers/portone.h"
#include "src/providers/recaptcha.h"
#include "src/user/account.h"
#include "src/user/email_code.h"
#include "src/user/lockout.h"
#include "src/user/mail.h"
#include "src/user/terms.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "tests/support/fixture.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define IP "192.0.2.7"
#define STRANGER "198.51.100.1"
#define TRIES 5
#define AT_ONCE 8

static struct ctx *ctx, *admin;
static const char *email;

const struct err *recaptcha_verify(struct ctx *unused_ctx, const char *token, const char *client_ip)
{
    (void)unused_ctx, (void)token, (void)client_ip;
    return NULL;
}

const struct err *portone_identity(struct ctx *unused_ctx, const char *id, struct portone_identity *identity_r)
{
    (void)unused_ctx;
    *identity_r = (struct portone_identity){.verified = true,
                                            .status_text = "VERIFIED",
                                            .ci = id,
                                            .name = "김민수",
                                            .phone = "01012345678",
                                            .verified_at = clock_now()};
    return NULL;
}

static const char *new_email(void)
{
    return arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
}

static int begin(void **state)
{
    (void)state;
    static const struct cfg_section *const sections[] = {&cfg_user_section, &cfg_pii_section, &cfg_blind_section, NULL};
    const char *why = "";
    ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
    admin = fixture_ctx("boxoffice_admin", NEED_DB);
    setenv("BOX_BLIND_KEY", KEY, 1);
    setenv("BOX_PII_KEYS", "1:" KEY, 1);
    setenv("BOX_USER_BCRYPT_COST", "4", 1);
    assert_true(cfg_load(sections, &why));
    assert_true(user_settings_init(&why));
    assert_null(REDIS_RUN(ctx, NULL, "FLUSHDB")); /* this program's alone */
    email = new_email();
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&admin);
    fixture_free(&ctx);
    return 0;
}

static const struct db_stmt mails = {
    .name = "test_mails",
    .sql = "SELECT id, recipient, content, language, expires_at FROM user_service.mails WHERE kind = 'EMAIL_CODE'"
           " ORDER BY created_at DESC LIMIT 200"};
static const struct db_stmt one_mail = {.name = "test_one_mail",
                                        .sql = "SELECT id, recipient, content FROM user_service.mails WHERE id = $1"};

/* The code of the newest mail to `to`; *count_r: how many there are. "" when there is none. */
static const char *code_mailed(const char *to, int *count_r)
{
    const struct db_rows *rows, *row;
    const char *code = "";
    void *values;
    *count_r = 0;
    assert_null(DB_RUN0(admin, &mails, &rows));
    for (size_t i = 0; i < db_count(rows); i++) {
        const char *id = db_str(rows, i, "id");
        assert_null(DB_RUN(admin, &one_mail, &row, DB_TEXT(id)));
        const char *recipient = user_pii_open(ctx, "mails.recipient", id, row, "recipient");
        if (!recipient || strcmp(recipient, to) != 0) {
            continue;
        }
        const char *json = user_pii_open(ctx, "mails.content", id, row, "content");
        assert_null(json_read(ctx, json, strlen(json), &mail_values_shape, &values));
        code = *count_r == 0 ? ((struct mail *)values)->code : code;
        ++*count_r;
    }
    return code;
}

static const char *sent_code(const char *to)
{
    int count;
    assert_null(email_code_send(ctx, to, IP, "ko"));
    const char *code = code_mailed(to, &count);
    assert_int_equal(count, 1);
    return code;
}

static const struct err *verify(const char *address, const char *code, const char **token_r)
{
    const struct email_proof proof = {address, code};
    return email_code_verify(ctx, &proof, IP, token_r);
}

static const char *other_than(const char *code)
{
    return arena_printf(ctx->arena, "%c%s", code[0] == '9' ? '0' : code[0] + 1, code + 1);
}

static void fail_to_verify(const char *code, int times)
{
    const char *unused;
    for (int i = 0; i < times; i++) {
        assert_ptr_equal(verify(email, other_than(code), &unused), &err_email_code_invalid);
    }
}

/* Makes the codes of an address so many seconds older. */
static const struct db_stmt make_older = {
    .name = "test_make_older",
    .sql = "UPDATE user_service.email_codes SET sent_at = sent_at - make_interval(secs => $2::bigint),"
           " expires_at = expires_at - make_interval(secs => $2::bigint),"
           " verified_at = verified_at - make_interval(secs => $2::bigint) WHERE email_hash = $1"};

static void pass(int64_t seconds)
{
    assert_null(DB_RUN(admin, &make_older, NULL, user_pii_blind(ctx, "email", email), DB_INT(seconds)));
}

static struct agreement agreed[] = {{"SERVICE", 1, true}, {"PRIVACY", 1, true}, {"MARKETING", 1, false}};

static const struct err *sign_up(const char *address, const char *token, struct account *account_r)
{
    const struct sign_up input = {.email = address,
                                  .password = "correct horse",
                                  .name = "김민수",
                                  .phone = "010-1234-5678",
                                  .agreements = {agreed, 3},
                                  .recaptcha_token = "token",
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
    assert_null(email_code_send(ctx, email, IP, "ko")); /* an account makes no difference */
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
    assert_ptr_equal(email_code_send(ctx, "kim\r\nBcc: all@example.com", IP, "ko"), &err_invalid_request);
    const char *long_one = arena_printf(ctx->arena, "%0310d@example.com", 1);
    assert_ptr_equal(email_code_send(ctx, long_one, IP, "ko"), &err_invalid_request);
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
    assert_null(email_code_send(ctx, email, IP, "ko"));
    second = code_mailed(email, &count);
    assert_int_equal(count, 2);
    if (strcmp(first, second) != 0) {
        assert_ptr_equal(verify(email, first, &token), &err_email_code_invalid);
    }
    assert_null(verify(email, second, &token));
}

/* ---- limits ---- */

static void test_codes_to_one_address_are_a_minute_apart(void **state)
{
    (void)state;
    sent_code(email);
    assert_ptr_equal(email_code_send(ctx, email, IP, "ko"), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 1, 60);
    pass(61);
    assert_null(email_code_send(ctx, email, IP, "ko"));
}

static void test_codes_to_one_address_within_a_day_are_ten(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_null(email_code_send(ctx, email, IP, "ko"));
        pass(61);
    }
    assert_ptr_equal(email_code_send(ctx, email, IP, "ko"), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 80000, 86400);
    pass(86400);
    assert_null(email_code_send(ctx, email, IP, "ko"));
}

static void test_codes_for_one_client_and_its_network_are_limited_whatever_the_address(void **state)
{
    (void)state;
    cfg_user.email_codes_per_hour = 2;
    for (int host = 1; host <= 10; host++) {
        const char *ip = arena_printf(ctx->arena, "192.0.2.%d", host);
        assert_null(email_code_send(ctx, new_email(), ip, "ko"));
        assert_null(email_code_send(ctx, new_email(), ip, "ko"));
        assert_ptr_equal(email_code_send(ctx, new_email(), ip, "ko"), &err_too_many_requests);
    }
    assert_ptr_equal(email_code_send(ctx, new_email(), "192.0.2.11", "ko"), &err_too_many_requests);
    assert_null(email_code_send(ctx, new_email(), "198.51.100.1", "ko"));
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
    assert_null(email_code_send(ctx, email, STRANGER, "ko"));
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
        assert_null(email_code_send(ctx, email, STRANGER, "ko"));
        pass(61);
    }
    assert_ptr_equal(email_code_send(ctx, email, STRANGER, "ko"), &err_too_many_requests);
    assert_null(email_code_send(ctx, email, IP, "ko"));
}

static void test_codes_to_one_address_within_a_day_are_thirty_whoever_asks(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        assert_null(email_code_send(ctx, email, arena_printf(ctx->arena, "203.0.%d.1", i), "ko"));
    }
    assert_ptr_equal(email_code_send(ctx, email, IP, "ko"), &err_too_many_requests);
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
            const struct err *e = email_code_send(own, email, IP, "ko");
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
        _exit(email_code_send(own, email, IP, "ko") == NULL ? 0 : 1);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

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
        TEST(test_codes_to_one_address_are_a_minute_apart),
        TEST(test_codes_to_one_address_within_a_day_are_ten),
        TEST(test_codes_for_one_client_and_its_network_are_limited_whatever_the_address),
        TEST(test_code_of_an_owner_is_not_used_up_by_a_stranger),
        TEST(test_code_has_fifteen_tries_of_everybody),
        TEST(test_code_of_an_owner_is_the_one_that_was_asked_for_there),
        TEST(test_codes_of_a_stranger_keep_no_owner_from_asking),
        TEST(test_codes_to_one_address_within_a_day_are_thirty_whoever_asks),
        TEST(test_codes_asked_for_at_once_are_one_mail),
        TEST(test_codes_asked_for_at_once_wait_for_each_other),
        TEST(test_codes_are_forgotten_after_two_days),
    };
    return cmocka_run_group_tests_name("email_code", tests, NULL, NULL);
}
