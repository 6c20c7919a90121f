/* Sign-up and profile on a real database; CAPTCHA and identity verification are played by the functions below. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/auth/token.h"
#include "common/base/clock.h"
#include "common/io/db.h"
#include "src/providers/portone.h"
#include "src/providers/recaptcha.h"
#include "src/user/account.h"
#include "src/user/terms.h"
#include "src/user/user_admin.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "tests/support/fixture.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct ctx *ctx;
static const struct err *captcha;
static const struct err *provider;
static struct portone_identity identity;
static pthread_barrier_t *barrier; /* shared with forked rivals; NULL: no race */

const struct err *recaptcha_verify(struct ctx *unused_ctx, const char *token, const char *client_ip)
{
    (void)unused_ctx;
    (void)token;
    (void)client_ip;
    return captcha;
}

const struct err *portone_identity(struct ctx *unused_ctx, const char *verification_id,
                                   struct portone_identity *identity_r)
{
    (void)unused_ctx;
    (void)verification_id;
    if (barrier) {
        pthread_barrier_wait(barrier);
    }
    *identity_r = identity;
    return provider;
}

static void load_settings(void)
{
    static const struct cfg_section *const sections[] = {&cfg_user_section, &cfg_pii_section, &cfg_blind_section, NULL};
    const char *why = "";
    setenv("BOX_BLIND_KEY", KEY, 1);
    setenv("BOX_PII_KEYS", "1:" KEY, 1);
    setenv("BOX_USER_BCRYPT_COST", "4", 1);
    assert_true(cfg_load(sections, &why));
    assert_true(user_settings_init(&why));
}

static int begin(void **state)
{
    (void)state;
    ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
    load_settings();
    captcha = provider = NULL;
    barrier = NULL;
    identity = (struct portone_identity){.verified = true,
                                         .status_text = "VERIFIED",
                                         .ci = fixture_uuid(),
                                         .di = "di",
                                         .name = "김민수",
                                         .phone = "01012345678",
                                         .verified_at = clock_now()};
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&ctx);
    return 0;
}

static struct agreement agreed[] = {{"SERVICE", 1, true}, {"PRIVACY", 1, true}, {"MARKETING", 1, false}};

static struct sign_up input_for(const char *email)
{
    return (struct sign_up){.email = email,
                            .password = "correct horse",
                            .name = "김민수",
                            .phone = "010-1234-5678",
                            .agreements = {agreed, 3},
                            .recaptcha_token = "token",
                            .identity_verification_id = fixture_uuid()};
}

static const char *new_email(void)
{
    return arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
}

static const struct err *sign_up(const char *email, struct account *account_r)
{
    const struct sign_up input = input_for(email);
    return account_sign_up(ctx, &input, "127.0.0.1", account_r);
}

static const struct db_stmt stored = {
    .name = "test_user_stored",
    .sql = "SELECT position(convert_to($2, 'UTF8') IN email) > 0 AS readable, "
           "(SELECT count(*) FROM terms_agreements WHERE user_id = users.id) AS agreements, "
           "password_hash, length(ci_hash) AS ci_bytes FROM users WHERE id = $1"};

static void test_sign_up_of_a_new_person_is_stored_sealed(void **state)
{
    (void)state;
    struct account account;
    const char *email = new_email();
    assert_null(sign_up(email, &account));
    assert_string_equal(account.email, email);
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &stored, &rows, DB_TEXT(account.id), DB_TEXT(email)));
    assert_false(db_bool(rows, 0, "readable"));
    assert_int_equal(db_int(rows, 0, "agreements"), 3);
    assert_memory_equal(db_str(rows, 0, "password_hash"), "$2b$04$", 7);
    assert_int_equal(db_int(rows, 0, "ci_bytes"), 32);
}

static void test_sign_up_with_a_password_of_ones_own_data_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"김민수김민수!!", "0101234567812345678", "iloveyou123"};
    struct account account;
    struct sign_up input = input_for(new_email());
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        input.password = bad[i];
        assert_ptr_equal(account_sign_up(ctx, &input, "127.0.0.1", &account), &err_invalid_request);
    }
    input.password = input.email;
    assert_ptr_equal(account_sign_up(ctx, &input, "127.0.0.1", &account), &err_invalid_request);
}

static void test_profile_of_a_new_person_is_read_back(void **state)
{
    (void)state;
    struct account account;
    struct profile profile;
    const char *email = new_email();
    assert_null(sign_up(email, &account));
    assert_null(account_profile(ctx, account.id, &profile));
    assert_string_equal(profile.email, email);
    assert_string_equal(profile.name, "김민수");
    assert_string_equal(profile.phone, "01012345678");
    assert_string_equal(profile.role, "USER");
    assert_string_equal(profile.linked_providers, "[]");
    assert_ptr_equal(account_profile(ctx, fixture_uuid(), &profile), &err_token_revoked);
}

static const struct db_stmt swap_rows = {
    .name = "test_swap_rows",
    .sql = "UPDATE users SET email = other.email FROM users AS other "
           "WHERE users.id IN ($1::uuid, $2::uuid) AND other.id IN ($1::uuid, $2::uuid) AND users.id <> other.id"};
static const struct db_stmt swap_columns = {.name = "test_swap_columns",
                                            .sql = "UPDATE users SET name = phone, phone = name WHERE id = $1"};

static void test_sealed_value_moved_to_another_row_cannot_be_opened(void **state)
{
    (void)state;
    struct account one, other;
    struct profile profile;
    assert_null(sign_up(new_email(), &one));
    identity.ci = fixture_uuid();
    assert_null(sign_up(new_email(), &other));
    assert_null(DB_RUN(ctx, &swap_rows, NULL, DB_TEXT(one.id), DB_TEXT(other.id)));
    assert_ptr_equal(account_profile(ctx, one.id, &profile), &err_internal);
    assert_ptr_equal(account_profile(ctx, other.id, &profile), &err_internal);
    assert_null(DB_RUN(ctx, &swap_rows, NULL, DB_TEXT(one.id), DB_TEXT(other.id)));
    assert_null(account_profile(ctx, one.id, &profile));
}

static void test_sealed_value_moved_to_another_column_cannot_be_opened(void **state)
{
    (void)state;
    struct account account;
    struct profile profile;
    assert_null(sign_up(new_email(), &account));
    assert_null(DB_RUN(ctx, &swap_columns, NULL, DB_TEXT(account.id)));
    assert_ptr_equal(account_profile(ctx, account.id, &profile), &err_internal);
    assert_null(DB_RUN(ctx, &swap_columns, NULL, DB_TEXT(account.id)));
    assert_null(account_profile(ctx, account.id, &profile));
}

static void test_blind_indexes_of_two_kinds_are_unequal(void **state)
{
    (void)state;
    struct db_arg email = user_pii_blind(ctx, "email", "01012345678");
    struct db_arg same = user_pii_blind(ctx, "email", "01012345678");
    struct db_arg phone = user_pii_blind(ctx, "phone", "01012345678");
    struct db_arg another = user_pii_blind(ctx, "email", "01012345679");
    assert_memory_equal(email.text, same.text, email.len);
    assert_memory_not_equal(email.text, phone.text, email.len);
    assert_memory_not_equal(email.text, another.text, email.len);
}

static void test_sign_up_uses_its_verification_up(void **state)
{
    (void)state;
    struct account account;
    struct sign_up first = input_for(new_email()), second = input_for(new_email());
    assert_null(account_sign_up(ctx, &first, "127.0.0.1", &account));
    second.identity_verification_id = first.identity_verification_id;
    identity.ci = fixture_uuid();
    assert_ptr_equal(account_sign_up(ctx, &second, "127.0.0.1", &account), &err_identity_not_verified);
    second.identity_verification_id = fixture_uuid();
    assert_null(account_sign_up(ctx, &second, "127.0.0.1", &account));
}

static void test_sign_up_whose_answer_was_lost_is_answered_again(void **state)
{
    (void)state;
    struct account account, again = {0};
    struct sign_up input = input_for(new_email());
    assert_null(account_sign_up(ctx, &input, "127.0.0.1", &account));
    assert_null(account_sign_up(ctx, &input, "127.0.0.1", &again));
    assert_string_equal(again.id, account.id);
    assert_string_equal(again.email, account.email);
    captcha = &err_captcha_failed;
    assert_non_null(account_sign_up(ctx, &input, "127.0.0.1", &again));
    captcha = NULL;
    struct sign_up guess = input;
    guess.password = "another-Horse-8-battery";
    assert_non_null(account_sign_up(ctx, &guess, "127.0.0.1", &again));
    guess = input;
    guess.identity_verification_id = fixture_uuid();
    assert_ptr_equal(account_sign_up(ctx, &guess, "127.0.0.1", &again), &err_email_taken);
}

static const struct db_stmt used_long_ago = {
    .name = "test_used_long_ago",
    .sql = "UPDATE user_service.identity_uses SET used_at = used_at - interval '11 minutes' WHERE user_id = $1"};

/* Who learns the verification's id can try no more passwords than at a login, and only for a while. */
static void test_sign_up_that_is_repeated_is_no_way_to_guess_a_password(void **state)
{
    (void)state;
    struct account account, again = {0};
    struct sign_up input = input_for(new_email()), late = input_for(new_email()), guess = input;
    assert_null(account_sign_up(ctx, &input, "192.0.2.1", &account));
    guess.password = "another-Horse-8-battery";
    for (int64_t i = 0; i < cfg_user.login_tries; i++) {
        assert_non_null(account_sign_up(ctx, &guess, "192.0.2.1", &again));
    }
    assert_non_null(account_sign_up(ctx, &input, "192.0.2.1", &again));
    assert_int_equal(ctx->retry_after_s, 0);
    assert_null(account_sign_up(ctx, &input, "198.51.100.1", &again));
    identity.ci = fixture_uuid();
    assert_null(account_sign_up(ctx, &late, "192.0.2.1", &account));
    struct ctx *admin = fixture_ctx("boxoffice_admin", NEED_DB);
    assert_null(DB_RUN(admin, &used_long_ago, NULL, DB_TEXT(account.id)));
    fixture_free(&admin);
    assert_non_null(account_sign_up(ctx, &late, "192.0.2.1", &again));
}

static void test_email_of_an_account_is_no_longer_available(void **state)
{
    (void)state;
    struct account account;
    bool available;
    const char *email = new_email();
    assert_null(account_email_available(ctx, email, "none", &available));
    assert_true(available);
    assert_null(sign_up(email, &account));
    char *shout = arena_strdup(ctx->arena, email);
    for (char *c = shout; *c; c++) {
        if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
    assert_null(account_email_available(ctx, shout, "none", &available));
    assert_false(available);
    assert_ptr_equal(account_email_available(ctx, "nobody", "none", &available), &err_invalid_request);
}

static void test_email_is_not_asked_about_for_a_list_of_people(void **state)
{
    (void)state;
    enum { CHECKS = 60 };
    const char *random = fixture_uuid() + 24;
    const char *ip = arena_printf(ctx->arena, "2001:db8:%.4s:%.4s::1", random, random + 4);
    bool available;
    for (int i = 0; i < CHECKS; i++) {
        assert_null(account_email_available(ctx, "nobody@example.com", ip, &available));
    }
    assert_ptr_equal(account_email_available(ctx, "nobody@example.com", ip, &available), &err_too_many_requests);
}

static void test_sign_up_with_a_taken_email_or_person_is_refused(void **state)
{
    (void)state;
    struct account account;
    const char *email = new_email();
    assert_null(sign_up(email, &account));
    assert_ptr_equal(sign_up(email, &account), &err_email_taken);
    assert_ptr_equal(sign_up(new_email(), &account), &err_person_already_registered);
}

static void assert_not_verified(const char *email, const char *phone, const char *field)
{
    char kept[64]; /* the address may lie in what ctx_begin() forgets */
    struct account account;
    struct sign_up input = input_for(strcpy(kept, email));
    input.phone = phone;
    ctx_begin(ctx, NULL, NULL);
    assert_ptr_equal(account_sign_up(ctx, &input, "127.0.0.1", &account), &err_identity_not_verified);
    assert_string_equal(ctx->details->field, field);
}

static void test_sign_up_tells_nothing_of_accounts_before_the_identity(void **state)
{
    (void)state;
    struct account account;
    char email[64];
    assert_null(sign_up(strcpy(email, new_email()), &account));
    provider = &err_not_found;
    assert_not_verified(email, "01012345678", "identityVerificationId");
    provider = NULL;
    identity.ci = NULL;
    assert_not_verified(email, "01012345678", "identityVerificationId");
    identity.ci = fixture_uuid();
    assert_not_verified(email, "01099999999", "phone");
    assert_ptr_equal(sign_up(email, &account), &err_email_taken);
}

static void test_sign_up_takes_name_and_phone_in_any_spelling_of_the_agency(void **state)
{
    (void)state;
    struct account account;
    struct profile profile;
    identity.name = " \u1100\u1175\u11B7 \u3000\uBBFC\uC218"; /* NFD, and two spaces */
    identity.phone = "821012345678";
    struct sign_up input = input_for(new_email());
    input.name = "김 민수";
    assert_null(account_sign_up(ctx, &input, "127.0.0.1", &account));
    assert_null(account_profile(ctx, account.id, &profile));
    assert_string_equal(profile.name, "김 민수");
    assert_string_equal(profile.phone, "01012345678");
}

static void test_sign_up_with_a_name_or_phone_that_is_not_verified_is_refused(void **state)
{
    (void)state;
    struct account account;
    assert_not_verified(new_email(), "010-9999-9999", "phone");
    identity.phone = "no number";
    assert_not_verified(new_email(), "010-1234-5678", "phone");
    identity.name = "김민수\u200B";
    assert_not_verified(new_email(), "010-1234-5678", "name");
    identity.name = "김민수";
    identity.phone = NULL; /* the contract with the agency may not include it */
    assert_null(sign_up(new_email(), &account));
}

static const struct db_stmt count_users = {.name = "test_user_count", .sql = "SELECT count(*) AS total FROM users"};

static int64_t users(void)
{
    const struct db_rows *rows;
    assert_null(DB_RUN0(ctx, &count_users, &rows));
    return db_int(rows, 0, "total");
}

static void test_sign_up_that_fails_at_any_step_leaves_nothing(void **state)
{
    (void)state;
    struct account account;
    int64_t before = users();
    captcha = &err_captcha_failed;
    assert_ptr_equal(sign_up(new_email(), &account), &err_captcha_failed);
    captcha = NULL;
    provider = &err_not_found;
    assert_ptr_equal(sign_up(new_email(), &account), &err_identity_not_verified);
    provider = &err_unavailable;
    assert_ptr_equal(sign_up(new_email(), &account), &err_unavailable);
    provider = NULL;
    identity.verified = false;
    assert_ptr_equal(sign_up(new_email(), &account), &err_identity_not_verified);
    identity.verified = true;
    identity.name = "김철수";
    assert_ptr_equal(sign_up(new_email(), &account), &err_identity_not_verified);
    identity.name = "김민수";
    identity.verified_at -= (cfg_user.identity_s + 1) * CLOCK_SECOND;
    assert_ptr_equal(sign_up(new_email(), &account), &err_identity_not_verified);
    identity.verified_at = clock_now();
    identity.ci = NULL;
    assert_ptr_equal(sign_up(new_email(), &account), &err_identity_not_verified);
    assert_int_equal(users(), before);
}

static void test_sign_up_without_required_terms_is_refused_before_the_captcha(void **state)
{
    (void)state;
    struct account account;
    struct sign_up input = input_for(new_email());
    captcha = &err_captcha_failed;
    input.agreements.count = 1;
    assert_ptr_equal(account_sign_up(ctx, &input, "127.0.0.1", &account), &err_terms_required);
}

static void test_sign_up_wants_a_proved_address_where_that_is_set(void **state)
{
    (void)state;
    struct account account;
    cfg_user.signup_email_proof = true;
    assert_ptr_equal(sign_up(new_email(), &account), &err_invalid_request);
    assert_string_equal(ctx->details->field, "emailVerificationToken");
    cfg_user.signup_email_proof = false;
    assert_null(sign_up(new_email(), &account));
}

static void test_sign_up_with_bad_fields_names_each(void **state)
{
    (void)state;
    struct account account;
    struct sign_up input = input_for("kim");
    input.password = "short";
    input.phone = "phone-number";
    input.email_verification_token = "forged";
    assert_ptr_equal(account_sign_up(ctx, &input, "127.0.0.1", &account), &err_invalid_request);
    int fields = 0;
    for (const struct ctx_detail *detail = ctx->details; detail; detail = detail->next) {
        fields++;
    }
    assert_int_equal(fields, 4);
}

static void test_role_given_by_the_operator_shows_in_the_profile(void **state)
{
    (void)state;
    struct account account;
    struct profile profile;
    const char *email = new_email();
    assert_null(sign_up(email, &account));
    struct ctx *admin = fixture_ctx("user_admin", NEED_DB | NEED_REDIS);
    assert_ptr_equal(user_set_role(admin, email, "ADMIN", false), &err_conflict);
    assert_null(account_profile(ctx, account.id, &profile));
    assert_string_equal(profile.role, "USER");
    assert_null(user_set_role(admin, email, "ADMIN", true));
    assert_null(account_profile(ctx, account.id, &profile));
    assert_string_equal(profile.role, "ADMIN");
    assert_ptr_equal(user_set_role(admin, new_email(), "ADMIN", true), &err_not_found);
    const struct token_claims claims = {
        .subject = account.id, .jti = fixture_uuid(), .role = "ADMIN", .issued_s = clock_now() / CLOCK_SECOND};
    assert_null(user_set_role(admin, email, "USER", false));
    assert_ptr_equal(token_check_admin(ctx, &claims), &err_token_revoked);
    assert_null(user_set_role(admin, email, "ADMIN", true));
    assert_null(token_check_admin(ctx, &claims));
    assert_non_null(user_set_role(ctx, email, "USER", false));
    fixture_free(&admin);
}

/* ---- two at once ---- */

enum { RIVALS = 2 };

/* What a rival reports by its exit status. */
static int outcome(const struct err *e)
{
    return !e ? 0 : e == &err_email_taken ? 1 : e == &err_person_already_registered ? 2 : 3;
}

static const char *same_verification; /* of all rivals; NULL: each has its own */

/* A rival process with its own connection signs up; all have proved who they are before any inserts. */
static pid_t start_rival(const char *email, const char *ci)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    struct account account;
    ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
    identity.ci = ci;
    struct sign_up input = input_for(email);
    input.identity_verification_id = same_verification ? same_verification : input.identity_verification_id;
    _exit(outcome(account_sign_up(ctx, &input, "127.0.0.1", &account)));
}

static void race(const char *const emails[RIVALS], const char *const cis[RIVALS], int tally[4])
{
    pthread_barrierattr_t shared;
    barrier = mmap(NULL, sizeof *barrier, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(barrier, MAP_FAILED);
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(barrier, &shared, RIVALS);
    pid_t pids[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = start_rival(emails[i], cis[i]);
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        tally[WEXITSTATUS(status)]++;
    }
    munmap(barrier, sizeof *barrier);
    barrier = NULL;
}

static void test_sign_up_of_one_email_twice_at_once_lets_one_win(void **state)
{
    (void)state;
    const char *email = new_email();
    int tally[4] = {0};
    race((const char *[]){email, email}, (const char *[]){fixture_uuid(), fixture_uuid()}, tally);
    assert_int_equal(tally[0], 1);
    assert_int_equal(tally[1], 1);
}

static void test_sign_up_that_is_sent_twice_at_once_is_one_and_is_told_so(void **state)
{
    (void)state;
    const char *email = new_email(), *ci = fixture_uuid();
    int tally[4] = {0};
    same_verification = fixture_uuid();
    race((const char *[]){email, email}, (const char *[]){ci, ci}, tally);
    same_verification = NULL;
    assert_int_equal(tally[0], RIVALS);
}

static void test_sign_up_of_one_person_twice_at_once_lets_one_win(void **state)
{
    (void)state;
    const char *ci = fixture_uuid();
    int tally[4] = {0};
    race((const char *[]){new_email(), new_email()}, (const char *[]){ci, ci}, tally);
    assert_int_equal(tally[0], 1);
    assert_int_equal(tally[2], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sign_up_of_a_new_person_is_stored_sealed, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_with_a_password_of_ones_own_data_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_profile_of_a_new_person_is_read_back, begin, end),
        cmocka_unit_test_setup_teardown(test_sealed_value_moved_to_another_row_cannot_be_opened, begin, end),
        cmocka_unit_test_setup_teardown(test_sealed_value_moved_to_another_column_cannot_be_opened, begin, end),
        cmocka_unit_test_setup_teardown(test_blind_indexes_of_two_kinds_are_unequal, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_uses_its_verification_up, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_whose_answer_was_lost_is_answered_again, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_that_is_repeated_is_no_way_to_guess_a_password, begin, end),
        cmocka_unit_test_setup_teardown(test_email_of_an_account_is_no_longer_available, begin, end),
        cmocka_unit_test_setup_teardown(test_email_is_not_asked_about_for_a_list_of_people, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_with_a_taken_email_or_person_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_tells_nothing_of_accounts_before_the_identity, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_takes_name_and_phone_in_any_spelling_of_the_agency, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_with_a_name_or_phone_that_is_not_verified_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_that_fails_at_any_step_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_without_required_terms_is_refused_before_the_captcha, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_wants_a_proved_address_where_that_is_set, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_with_bad_fields_names_each, begin, end),
        cmocka_unit_test_setup_teardown(test_role_given_by_the_operator_shows_in_the_profile, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_of_one_email_twice_at_once_lets_one_win, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_that_is_sent_twice_at_once_is_one_and_is_told_so, begin, end),
        cmocka_unit_test_setup_teardown(test_sign_up_of_one_person_twice_at_once_lets_one_win, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
