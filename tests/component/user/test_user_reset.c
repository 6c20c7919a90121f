/* A password set anew by a verified person; the identity verification is played by the function below. */
#include "src/providers/portone.h"
#include "src/user/password_reset.h"
#include "tests/support/login_scene.h"

#define NEW_PASSWORD "battery staple"
#define IP "192.0.2.7"

static struct portone_identity identity;
static const struct err *provider;

const struct err *portone_identity(struct ctx *unused_ctx, const char *verification_id,
                                   struct portone_identity *identity_r)
{
    (void)unused_ctx;
    (void)verification_id;
    *identity_r = identity;
    return provider;
}

/* Persons of the scene have their own id as CI. */
static const char *verify(const struct person *person)
{
    provider = NULL;
    identity = (struct portone_identity){
        .verified = true, .status_text = "VERIFIED", .ci = person->id, .name = "김민수", .verified_at = clock_now()};
    return fixture_uuid();
}

/* No address twice: each has its limit. */
static const char *new_ip(void)
{
    const char *random = fixture_uuid() + 24;
    return arena_printf(ctx->arena, "2001:db8:%.4s:%.4s::1", random, random + 4);
}

static const struct err *reset(const char *email, const char *verification, const char *password)
{
    const struct password_reset input = {email, verification, password};
    return password_reset(ctx, new_ip(), &input);
}

static const struct err *refresh(const struct tokens *tokens)
{
    const struct client client = {IP, "test agent"};
    struct tokens unused;
    return refresh_exchange(ctx, tokens->refresh_token, &client, &unused);
}

static void test_password_reset_lets_the_verified_owner_in_and_ends_all_sessions(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens before = logged_in(&person), foreign = logged_in(&stranger), unused;
    assert_null(reset(person.email, verify(&person), NEW_PASSWORD));
    assert_ptr_equal(token_check_revoked(ctx, claims_of(before.access_token).jti), &err_token_revoked);
    assert_ptr_equal(refresh(&before), &err_token_revoked);
    assert_null(refresh(&foreign));
    assert_ptr_equal(login(person.email, PASSWORD, &unused), &err_bad_credentials);
    assert_null(login(person.email, NEW_PASSWORD, &unused));
}

static void test_password_reset_of_another_persons_account_is_refused(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person(), thief = new_person();
    assert_ptr_equal(reset(person.email, verify(&thief), NEW_PASSWORD), &err_identity_not_verified);
    const char *told = ctx->details->reason;
    const char *nobody = arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
    assert_ptr_equal(reset(nobody, verify(&thief), NEW_PASSWORD), &err_identity_not_verified);
    assert_string_equal(ctx->details->reason, told);
    assert_ptr_equal(reset("no address", verify(&thief), NEW_PASSWORD), &err_identity_not_verified);
    assert_null(login(person.email, PASSWORD, &unused));
}

/* Whoever learns a verification's id after it was used can do nothing with it. */
static void test_password_reset_uses_a_verification_once(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    const char *verification = verify(&person);
    assert_null(reset(person.email, verification, NEW_PASSWORD));
    assert_ptr_equal(reset(person.email, verification, "another way 9 in"), &err_identity_not_verified);
    assert_null(login(person.email, NEW_PASSWORD, &unused));
    assert_null(reset(person.email, verify(&person), "another way 9 in"));
}

static void test_password_reset_without_a_good_verification_is_refused(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    const char *verification = verify(&person);
    identity.verified_at -= (cfg_user.identity_s + 1) * CLOCK_SECOND;
    assert_ptr_equal(reset(person.email, verification, NEW_PASSWORD), &err_identity_not_verified);
    verification = verify(&person);
    identity.verified = false;
    assert_ptr_equal(reset(person.email, verification, NEW_PASSWORD), &err_identity_not_verified);
    verification = verify(&person);
    identity.ci = NULL;
    assert_ptr_equal(reset(person.email, verification, NEW_PASSWORD), &err_identity_not_verified);
    provider = &err_not_found;
    assert_ptr_equal(reset(person.email, fixture_uuid(), NEW_PASSWORD), &err_identity_not_verified);
    provider = &err_unavailable;
    assert_ptr_equal(reset(person.email, fixture_uuid(), NEW_PASSWORD), &err_unavailable);
    assert_ptr_equal(reset(person.email, verify(&person), "short"), &err_invalid_request);
    assert_ptr_equal(reset(person.email, verify(&person), NAME NAME "!!"), &err_invalid_request);
    assert_null(login(person.email, PASSWORD, &unused));
}

static void test_password_reset_of_a_withdrawn_account_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(reset(person.email, verify(&person), NEW_PASSWORD), &err_identity_not_verified);
}

/* A dormant account stays so: only its password is another one. */
static void test_password_reset_wakes_no_dormant_account(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(person.id)));
    assert_null(reset(person.email, verify(&person), NEW_PASSWORD));
    assert_ptr_equal(login(person.email, NEW_PASSWORD, &unused), &err_account_dormant);
}

static void test_password_reset_opens_a_locked_account_to_its_owner(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    for (int64_t i = 0; i < cfg_user.login_tries; i++) {
        assert_ptr_equal(login_from(IP, person.email, "wrong horse", &unused), &err_bad_credentials);
    }
    assert_ptr_equal(login_from(IP, person.email, PASSWORD, &unused), &err_account_locked);
    assert_null(reset(person.email, verify(&person), NEW_PASSWORD));
    assert_null(login_from(IP, person.email, NEW_PASSWORD, &unused));
    assert_null(login_from("192.0.2.77", person.email, NEW_PASSWORD, &unused));
}

/* What failed has used nothing up; what is done is done when it is asked again. */
static void test_password_reset_may_be_repeated(void **state)
{
    (void)state;
    struct tokens unused;
    struct person person = new_person();
    struct tokens before = logged_in(&person);
    const char *verification = verify(&person);
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_ptr_equal(reset(person.email, verification, NEW_PASSWORD), &err_uncertain);
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_null(token_check_revoked(ctx, claims_of(before.access_token).jti));
    assert_null(reset(person.email, verification, NEW_PASSWORD));
    assert_ptr_equal(token_check_revoked(ctx, claims_of(before.access_token).jti), &err_token_revoked);
    assert_null(login(person.email, NEW_PASSWORD, &unused));
    assert_int_equal(mails_to(person.id, "PASSWORD_CHANGED"), 1);
}

static void test_password_reset_is_limited_by_address(void **state)
{
    (void)state;
    enum { RESETS = 20 };
    assert_null(REDIS_RUN(ctx, NULL, "FLUSHDB")); /* this program's alone */
    const char *ip = "2001:db8:5:1::1", *neighbour = "2001:db8:5:2::1";
    const struct password_reset input = {"nobody@example.com", verify(&(struct person){fixture_uuid(), NULL}),
                                         NEW_PASSWORD};
    for (int i = 0; i < RESETS; i++) {
        assert_ptr_equal(password_reset(ctx, ip, &input), &err_identity_not_verified);
    }
    assert_ptr_equal(password_reset(ctx, ip, &input), &err_too_many_requests);
    assert_in_range(ctx->retry_after_s, 1, 900);
    /* Whoever is refused there takes nothing from others in that network, which may ask ten times as often. */
    for (int i = 0; i < 10 * RESETS; i++) {
        assert_ptr_equal(password_reset(ctx, ip, &input), &err_too_many_requests);
    }
    assert_ptr_equal(password_reset(ctx, neighbour, &input), &err_identity_not_verified);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_password_reset_lets_the_verified_owner_in_and_ends_all_sessions, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_password_reset_of_another_persons_account_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_password_reset_uses_a_verification_once, begin, end),
        cmocka_unit_test_setup_teardown(test_password_reset_without_a_good_verification_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_password_reset_of_a_withdrawn_account_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_password_reset_wakes_no_dormant_account, begin, end),
        cmocka_unit_test_setup_teardown(test_password_reset_opens_a_locked_account_to_its_owner, begin, end),
        cmocka_unit_test_setup_teardown(test_password_reset_may_be_repeated, begin, end),
        cmocka_unit_test_setup_teardown(test_password_reset_is_limited_by_address, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
