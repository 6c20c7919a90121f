#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/reservation/reservation_state.h"

static void test_transition_pending_paid_confirms(void **state)
{
    (void)state;
    const struct reservation_transition *step = reservation_transition(RESERVATION_PENDING, RESERVATION_ON_PAID);
    assert_non_null(step);
    assert_int_equal(step->to, RESERVATION_CONFIRMED);
    assert_null(step->cancel_reason);
}

static void test_transition_cancelled_goes_nowhere(void **state)
{
    (void)state;
    for (int event = RESERVATION_ON_PAID; event <= RESERVATION_ON_EVENT_CANCELLED; event++) {
        assert_null(reservation_transition(RESERVATION_CANCELLED, (enum reservation_event)event));
    }
}

static void test_transition_confirmed_does_not_lapse(void **state)
{
    (void)state;
    assert_null(reservation_transition(RESERVATION_CONFIRMED, RESERVATION_ON_LAPSED));
    assert_null(reservation_transition(RESERVATION_CONFIRMED, RESERVATION_ON_PAYMENT_FAILED));
    assert_null(reservation_transition(RESERVATION_CONFIRMED, RESERVATION_ON_PAID));
}

static void test_transitions_to_cancelled_all_have_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < reservation_transition_count; i++) {
        const struct reservation_transition *step = &reservation_transitions[i];
        assert_int_equal(step->to == RESERVATION_CANCELLED, step->cancel_reason != NULL);
        assert_ptr_equal(reservation_transition(step->from, step->event), step); /* each pair stands once */
    }
}

static void test_status_name_is_read_back(void **state)
{
    (void)state;
    for (int status = 0; status < RESERVATION_STATUS__MAX; status++) {
        assert_int_equal(reservation_status_of(reservation_status_name((enum reservation_status)status)), status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transition_pending_paid_confirms),
        cmocka_unit_test(test_transition_cancelled_goes_nowhere),
        cmocka_unit_test(test_transition_confirmed_does_not_lapse),
        cmocka_unit_test(test_transitions_to_cancelled_all_have_a_reason),
        cmocka_unit_test(test_status_name_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
