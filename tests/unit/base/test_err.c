#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/err.h"

#define ADDRESS_OF(name, code, status, flags, ko, en) &err_##name,
static const struct err *const rows[] = {ERR_COMMON_LIST(ADDRESS_OF)};
#define COUNT ARRAY_COUNT(rows)

static void test_err_every_row_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(rows[i]->status >= 400 && rows[i]->status <= 599);
        assert_int_equal(strspn(rows[i]->code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(rows[i]->code));
        assert_true(strlen(rows[i]->ko) > 0 && strlen(rows[i]->en) > 0);
    }
}

static void test_err_codes_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = i + 1; j < COUNT; j++) {
            assert_string_not_equal(rows[i]->code, rows[j]->code);
        }
    }
}

static void test_err_no_row_is_both_safe_to_repeat_and_uncertain(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_not_equal(rows[i]->flags & (ERR_RETRY | ERR_UNCERTAIN), ERR_RETRY | ERR_UNCERTAIN);
    }
}

/* Whoever is told that nothing has happened does something else instead. */
static void test_err_after_commit_never_says_that_nothing_happened(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const struct err *e = err_after_commit(rows[i]);
        assert_ptr_equal(e, rows[i]->flags & ERR_RETRY ? &err_uncertain : rows[i]);
    }
    assert_null(err_after_commit(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_every_row_is_complete),
        cmocka_unit_test(test_err_codes_are_unique),
        cmocka_unit_test(test_err_after_commit_never_says_that_nothing_happened),
        cmocka_unit_test(test_err_no_row_is_both_safe_to_repeat_and_uncertain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
