#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/crypto/uuid.h"

static void test_uuid_v4_has_version_and_variant(void **state)
{
    (void)state;
    char id[UUID_SIZE];
    for (int i = 0; i < 100; i++) {
        uuid_v4(id);
        assert_true(uuid_valid(id));
        assert_int_equal(id[14], '4');
        assert_non_null(strchr("89ab", id[19]));
    }
}

static void test_uuid_v7_begins_with_the_millisecond(void **state)
{
    (void)state;
    char id[UUID_SIZE];
    clock_freeze(INT64_C(0x0123456789ab) * 1000 + 999);
    uuid_v7(id);
    clock_freeze(CLOCK_NONE);
    assert_memory_equal(id, "01234567-89ab-7", 15);
    assert_non_null(strchr("89ab", id[19]));
    assert_true(uuid_valid(id));
}

static void test_uuid_two_in_one_instant_differ(void **state)
{
    (void)state;
    char first[UUID_SIZE];
    char second[UUID_SIZE];
    clock_freeze(CLOCK_SECOND);
    assert_string_not_equal(uuid_v7(first), uuid_v7(second));
    clock_freeze(CLOCK_NONE);
    assert_string_not_equal(uuid_v4(first), uuid_v4(second));
}

static void test_uuid_valid_takes_the_canonical_form_only(void **state)
{
    (void)state;
    assert_true(uuid_valid("0190a0b0-c0d0-7e0f-8123-456789abcdef"));
    assert_true(uuid_valid("0190A0B0-C0D0-7E0F-8123-456789ABCDEF"));
    assert_false(uuid_valid(NULL));
    assert_false(uuid_valid(""));
    assert_false(uuid_valid("0190a0b0-c0d0-7e0f-8123-456789abcde"));
    assert_false(uuid_valid("0190a0b0-c0d0-7e0f-8123-456789abcdef0"));
    assert_false(uuid_valid("0190a0b0-c0d0-7e0f-8123-456789abcdeg"));
    assert_false(uuid_valid("0190a0b0c0d0-7e0f-8123-456789abcdef00"));
    assert_false(uuid_valid("{190a0b0-c0d0-7e0f-8123-456789abcdef}"));
    assert_false(uuid_valid("0190a0b0-c0d0-7e0f-8123-456789abcd\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid_v4_has_version_and_variant),
        cmocka_unit_test(test_uuid_v7_begins_with_the_millisecond),
        cmocka_unit_test(test_uuid_two_in_one_instant_differ),
        cmocka_unit_test(test_uuid_valid_takes_the_canonical_form_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
