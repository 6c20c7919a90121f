/* A name and a phone number changed by a verified person; the identity verification is played by the function below. */
#include <sys/wait.h>
#include <unistd.h>

#include "src/providers/portone.h"
#include "src/user/account.h"
#include "src/user/identity.h"
#include "src/user/profile_change.h"
#include "tests/support/login_scene.h"

#define NEW_NAME "김민지"
#define NEW_PHONE "01087654321"

static struct portone_identity identity;
static const struct err *provider;
static int asked;

const struct err *portone_identity(struct ctx *unused_ctx, const char *verification_id,
                                   struct portone_identity *identity_r)
{
    (void)unused_ctx;
    (void)verification_id;
    asked++;
    *identity_r = identity;
    return provider;
}

static const char *verify(const struct person *person, const char *name, const char *phone)
{
    provider = NULL;
    asked = 0;
    identity = (struct portone_identity){.verified = true,
                                         .status_text = "VERIFIED",
                                         .ci = person->id,
                                         .name = name,
                                         .phone = phone,
                                         .verified_at = clock_now()};
    return fixture_uuid();
}

static const struct err *change(const struct person *person, const char *name, const char *phone,
                                const char *verification)
{
    const struct profile_change input = {.name = name, .phone = phone, .identity_verification_id = verification};
    return profile_change(ctx, &(struct session_owner){.user_id = person->id}, &input);
}

static void assert_profile(const struct person *person, const char *name, const char *phone)
{
    struct profile profile;
    assert_null(account_profile(ctx, person->id, &profile));
    assert_string_equal(profile.name, name);
    assert_string_equal(profile.phone, phone);
    assert_string_equal(profile.email, person->email);
}

static void test_profile_change_takes_what_is_verified_and_leaves_the_rest(void **state)
{
    (void)state;
    struct person person = new_person(), other = new_person();
    assert_null(change(&person, NULL, "+82 10-8765-4321", verify(&person, NAME, NEW_PHONE)));
    assert_profile(&person, NAME, NEW_PHONE);
    assert_null(change(&person, NEW_NAME, NULL, verify(&person, NEW_NAME, PHONE)));
    assert_profile(&person, NEW_NAME, NEW_PHONE);
    assert_null(change(&person, NAME, PHONE, verify(&person, NAME, PHONE)));
    assert_profile(&person, NAME, PHONE);
    assert_profile(&other, NAME, PHONE);
}

static void test_profile_change_by_another_person_is_refused(void **state)
{
    (void)state;
    struct person person = new_person(), thief = new_person();
    const char *verification = verify(&thief, NEW_NAME, NEW_PHONE);
    assert_ptr_equal(change(&person, NEW_NAME, NEW_PHONE, verification), &err_identity_not_verified);
    assert_profile(&person, NAME, PHONE);
    assert_null(change(&thief, NEW_NAME, NEW_PHONE, verification)); /* which has not been used up */
}

static void test_profile_change_to_what_is_not_verified_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    assert_ptr_equal(change(&person, NULL, NEW_PHONE, verify(&person, NAME, PHONE)), &err_identity_not_verified);
    assert_ptr_equal(change(&person, NEW_NAME, NULL, verify(&person, NAME, PHONE)), &err_identity_not_verified);
    assert_ptr_equal(change(&person, NEW_NAME, NEW_PHONE, verify(&person, NEW_NAME, PHONE)),
                     &err_identity_not_verified);
    assert_ptr_equal(change(&person, NEW_NAME, NEW_PHONE, verify(&person, NAME, NEW_PHONE)),
                     &err_identity_not_verified);
    const char *verification = verify(&person, NEW_NAME, NEW_PHONE);
    identity.verified = false;
    assert_ptr_equal(change(&person, NEW_NAME, NEW_PHONE, verification), &err_identity_not_verified);
    identity.verified = true;
    provider = &err_unavailable;
    assert_ptr_equal(change(&person, NEW_NAME, NEW_PHONE, verification), &err_unavailable);
    assert_profile(&person, NAME, PHONE);
}

static void test_profile_change_without_a_verification_or_to_nothing_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    assert_ptr_equal(change(&person, NULL, NULL, NULL), &err_invalid_request);
    assert_ptr_equal(change(&person, NULL, "not a number", fixture_uuid()), &err_invalid_request);
    ctx->details = NULL;
    assert_ptr_equal(change(&person, NULL, NEW_PHONE, NULL), &err_invalid_request);
    assert_string_equal(ctx->details->field, "identityVerificationId");
    assert_profile(&person, NAME, PHONE);
}

static void test_profile_change_uses_a_verification_once(void **state)
{
    (void)state;
    struct person person = new_person();
    const char *verification = verify(&person, NAME, NEW_PHONE);
    assert_null(change(&person, NULL, NEW_PHONE, verification));
    assert_null(change(&person, NULL, PHONE, verify(&person, NAME, PHONE)));
    identity.phone = NEW_PHONE;
    assert_ptr_equal(change(&person, NULL, NEW_PHONE, verification), &err_identity_not_verified);
    assert_profile(&person, NAME, PHONE);
}

/* What is there already is not asked for: an answer that was lost, a form that is sent as it was shown. */
static void test_profile_change_may_be_repeated(void **state)
{
    (void)state;
    struct person person = new_person();
    const char *verification = verify(&person, NAME, NEW_PHONE);
    for (int i = 0; i < 100; i++) {
        assert_null(change(&person, NULL, NEW_PHONE, verification));
    }
    assert_null(change(&person, NAME, NEW_PHONE, NULL));
    assert_int_equal(asked, 1);
    assert_profile(&person, NAME, NEW_PHONE);
}

static void test_profile_change_of_a_withdrawn_account_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(change(&person, NULL, NEW_PHONE, verify(&person, NAME, NEW_PHONE)), &err_token_revoked);
}

static void test_profile_change_asks_the_agency_so_often_only(void **state)
{
    (void)state;
    struct person person = new_person();
    const struct err *e = NULL;
    int tried = 0;
    while (e != &err_too_many_requests && tried < 100) {
        e = change(&person, NULL, NEW_PHONE, verify(&person, NAME, PHONE));
        tried++;
    }
    assert_ptr_equal(e, &err_too_many_requests);
    assert_in_range(tried, 10, 30);
}

/* Each says name and phone; nobody ends with the name of one and the phone of another. */
static void test_profile_change_twice_at_once_mixes_nothing(void **state)
{
    (void)state;
    enum { RIVALS = 4 };
    static const char *const names[RIVALS] = {"하나", "두나", "세나", "네나"};
    static const char *const phones[RIVALS] = {"01000000001", "01000000002", "01000000003", "01000000004"};
    struct person person = new_person();
    pid_t pids[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            const char *verification = verify(&person, names[i], phones[i]);
            _exit(change(&person, names[i], phones[i], verification) ? 1 : 0);
        }
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    struct profile profile;
    assert_null(account_profile(ctx, person.id, &profile));
    int matches = 0;
    for (int i = 0; i < RIVALS; i++) {
        matches += strcmp(profile.name, names[i]) == 0 && strcmp(profile.phone, phones[i]) == 0;
    }
    assert_int_equal(matches, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_profile_change_takes_what_is_verified_and_leaves_the_rest, begin, end),
        cmocka_unit_test_setup_teardown(test_profile_change_by_another_person_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_profile_change_to_what_is_not_verified_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_profile_change_without_a_verification_or_to_nothing_is_refused, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_profile_change_uses_a_verification_once, begin, end),
        cmocka_unit_test_setup_teardown(test_profile_change_may_be_repeated, begin, end),
        cmocka_unit_test_setup_teardown(test_profile_change_of_a_withdrawn_account_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_profile_change_asks_the_agency_so_often_only, begin, end),
        cmocka_unit_test_setup_teardown(test_profile_change_twice_at_once_mixes_nothing, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
