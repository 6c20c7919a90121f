#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/context/retry.h"

static void test_retry_message_doubles_and_gives_up(void **state)
{
    (void)state;
    struct retry retry = retry_message();
    assert_int_equal(retry_next(&retry), 1000);
    assert_int_equal(retry_next(&retry), 2000);
    assert_int_equal(retry_next(&retry), 4000);
    assert_int_equal(retry_next(&retry), -1);
    assert_int_equal(retry_next(&retry), -1);
    assert_int_equal(retry.tries, 3);
}

static void test_retry_reset_starts_over(void **state)
{
    (void)state;
    struct retry retry = retry_message();
    retry_next(&retry);
    retry_next(&retry);
    retry_reset(&retry);
    assert_int_equal(retry_next(&retry), 1000);
}

static void test_retry_reconnect_stays_in_range_for_ever(void **state)
{
    (void)state;
    struct retry retry = retry_reconnect();
    int64_t last_ms = 50;
    for (int i = 0; i < 1000; i++) {
        int64_t wait_ms = retry_next(&retry);
        assert_true(wait_ms >= 50 && wait_ms <= 2000 && wait_ms <= last_ms * 3);
        last_ms = wait_ms;
    }
}

static void test_retry_transaction_is_granted_five_times(void **state)
{
    (void)state;
    struct retry retry = retry_transaction();
    for (int i = 0; i < 5; i++) {
        int64_t wait_ms = retry_next(&retry);
        assert_true(wait_ms >= 5 && wait_ms <= 100);
    }
    assert_int_equal(retry_next(&retry), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_message_doubles_and_gives_up),
        cmocka_unit_test(test_retry_reset_starts_over),
        cmocka_unit_test(test_retry_reconnect_stays_in_range_for_ever),
        cmocka_unit_test(test_retry_transaction_is_granted_five_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
