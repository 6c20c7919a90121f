#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/payment/payment_state.h"

static void test_next_pending_has_two_outcomes(void **state)
{
    (void)state;
    enum payment_status to;
    assert_true(payment_next(PAYMENT_PENDING, PAYMENT_ON_PAID, &to));
    assert_int_equal(to, PAYMENT_SUCCESS);
    assert_true(payment_next(PAYMENT_PENDING, PAYMENT_ON_FAILED, &to));
    assert_int_equal(to, PAYMENT_FAILED);
    assert_false(payment_next(PAYMENT_PENDING, PAYMENT_ON_REFUNDED, &to));
}

static void test_next_success_is_only_ever_refunded(void **state)
{
    (void)state;
    enum payment_status to = PAYMENT_PENDING;
    assert_false(payment_next(PAYMENT_SUCCESS, PAYMENT_ON_PAID, &to));
    assert_false(payment_next(PAYMENT_SUCCESS, PAYMENT_ON_FAILED, &to));
    assert_int_equal(to, PAYMENT_PENDING); /* untouched */
    assert_true(payment_next(PAYMENT_SUCCESS, PAYMENT_ON_REFUNDED, &to));
    assert_int_equal(to, PAYMENT_REFUNDED);
}

static void test_next_failed_and_refunded_are_final(void **state)
{
    (void)state;
    enum payment_status to;
    for (int event = PAYMENT_ON_PAID; event <= PAYMENT_ON_REFUNDED; event++) {
        assert_false(payment_next(PAYMENT_FAILED, (enum payment_event)event, &to));
        assert_false(payment_next(PAYMENT_REFUNDED, (enum payment_event)event, &to));
    }
}

static void test_status_name_is_read_back(void **state)
{
    (void)state;
    for (int status = 0; status < PAYMENT_STATUS__MAX; status++) {
        assert_int_equal(payment_status_of(payment_status_name((enum payment_status)status)), status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_pending_has_two_outcomes),
        cmocka_unit_test(test_next_success_is_only_ever_refunded),
        cmocka_unit_test(test_next_failed_and_refunded_are_final),
        cmocka_unit_test(test_status_name_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
