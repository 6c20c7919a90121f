#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/run/program.h"
#include "src/user/terms.h"
#include "src/user/user_errors.h"

static struct ctx *ctx;

static int begin(void **state)
{
    (void)state;
    ctx = program_ctx_new(0);
    ctx_begin(ctx, NULL, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    program_ctx_free(&ctx);
    return 0;
}

static const struct err *check(struct agreement *made, size_t count)
{
    static struct terms current[] = {
        {"SERVICE", 2, true, "t", "b"}, {"PRIVACY", 1, true, "t", "b"}, {"MARKETING", 1, false, "t", "b"}};
    const struct terms_list list = {.terms = {current, 3}};
    const struct json_list agreements = {made, count};
    return terms_check(ctx, &list, &agreements);
}

static void test_terms_all_required_agreed_is_accepted(void **state)
{
    (void)state;
    struct agreement made[] = {{"PRIVACY", 1, true}, {"SERVICE", 2, true}};
    assert_null(check(made, 2));
}

static void test_terms_optional_declined_is_accepted(void **state)
{
    (void)state;
    struct agreement made[] = {{"PRIVACY", 1, true}, {"SERVICE", 2, true}, {"MARKETING", 1, false}};
    assert_null(check(made, 3));
}

static void test_terms_required_declined_or_absent_is_refused(void **state)
{
    (void)state;
    struct agreement made[] = {{"PRIVACY", 1, true}, {"SERVICE", 2, false}};
    assert_ptr_equal(check(made, 2), &err_terms_required);
    assert_ptr_equal(check(made, 1), &err_terms_required);
    assert_ptr_equal(check(NULL, 0), &err_terms_required);
    assert_string_equal(ctx->details->field, "agreements");
}

static void test_terms_old_version_is_refused(void **state)
{
    (void)state;
    struct agreement made[] = {{"PRIVACY", 1, true}, {"SERVICE", 1, true}};
    assert_ptr_equal(check(made, 2), &err_terms_required);
    struct agreement optional[] = {{"PRIVACY", 1, true}, {"SERVICE", 2, true}, {"MARKETING", 9, true}};
    assert_ptr_equal(check(optional, 3), &err_terms_required);
}

static void test_terms_optional_of_an_old_version_are_declined(void **state)
{
    (void)state;
    struct agreement made[] = {{"PRIVACY", 1, true}, {"SERVICE", 2, true}, {"MARKETING", 1, false}};
    made[2].version = 7;
    assert_null(check(made, 3));
    assert_int_equal(made[2].version, 1);
}

static void test_terms_that_are_not_in_force_are_refused(void **state)
{
    (void)state;
    struct agreement made[] = {{"PRIVACY", 1, true}, {"SERVICE", 2, true}, {"LOCATION", 1, true}};
    assert_ptr_equal(check(made, 3), &err_invalid_request);
}

static void test_terms_named_twice_is_refused(void **state)
{
    (void)state;
    struct agreement made[] = {{"PRIVACY", 1, true}, {"SERVICE", 2, true}, {"SERVICE", 2, true}};
    assert_ptr_equal(check(made, 3), &err_invalid_request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_terms_all_required_agreed_is_accepted, begin, end),
        cmocka_unit_test_setup_teardown(test_terms_optional_declined_is_accepted, begin, end),
        cmocka_unit_test_setup_teardown(test_terms_required_declined_or_absent_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_terms_old_version_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_terms_optional_of_an_old_version_are_declined, begin, end),
        cmocka_unit_test_setup_teardown(test_terms_that_are_not_in_force_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_terms_named_twice_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
