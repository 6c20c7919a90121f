#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

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

static void test_question_name_is_read_back(void **state)
{
    (void)state;
    assert_null(payment_question_name(QUESTION_NONE));
    for (int question = 0; question < QUESTION__MAX; question++) {
        const char *name = payment_question_name((enum payment_question)question);
        assert_int_equal(payment_question_of(name), question);
    }
}

/* Every step leads where its payment may be: none of a PENDING is one of a settled payment, and the other way round. */
static void test_steps_fit_the_status_they_are_taken_in(void **state)
{
    (void)state;
    for (int question = QUESTION_PAID; question < QUESTION__MAX; question++) {
        bool pending = payment_may_be_asked(PAYMENT_PENDING, (enum payment_question)question);
        for (int evidence = 0; evidence < EVIDENCE__MAX; evidence++) {
            for (int over = 0; over <= 1; over++) {
                switch (payment_step((enum payment_question)question, (enum evidence)evidence, over)) {
                case STEP_AGAIN:
                    break;
                case STEP_LET_GO:
                case STEP_SUCCEED:
                case STEP_FAIL:
                case STEP_CLOSE:
                case STEP_END:
                case STEP_RETURN:
                    assert_true(pending);
                    break;
                case STEP_REFUND:
                case STEP_GIVE_BACK:
                case STEP_REFUNDED:
                case STEP_TAKEN_BACK:
                case STEP_NOTE:
                case STEP_REST:
                case STEP_ODD:
                    assert_false(pending);
                    break;
                }
            }
        }
    }
}

/* Silence decides nothing, and money that has moved without a ticket is never left. */
static void test_steps_of_silence_and_of_money(void **state)
{
    (void)state;
    for (int question = QUESTION_PAID; question < QUESTION__MAX; question++) {
        for (int over = 0; over <= 1; over++) {
            enum payment_question q = (enum payment_question)question;
            /* but that seats are not kept for it for ever */
            enum payment_step step = q == QUESTION_CHARGED && over ? STEP_LET_GO : STEP_AGAIN;
            assert_int_equal(payment_step(q, EVIDENCE_SILENT, over), step);
        }
    }
    for (int over = 0; over <= 1; over++) {
        assert_int_equal(payment_step(QUESTION_PAID, EVIDENCE_PAID, over), STEP_SUCCEED);
        assert_int_equal(payment_step(QUESTION_CHARGED, EVIDENCE_PAID, over), STEP_SUCCEED);
        assert_int_equal(payment_step(QUESTION_LATE, EVIDENCE_PAID, over), STEP_REFUND);
        assert_int_equal(payment_step(QUESTION_LATE, EVIDENCE_MISMATCH, over), STEP_REFUND);
        assert_int_equal(payment_step(QUESTION_LATE, EVIDENCE_PARTLY_BACK, over), STEP_REFUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_pending_has_two_outcomes),
        cmocka_unit_test(test_next_success_is_only_ever_refunded),
        cmocka_unit_test(test_next_failed_and_refunded_are_final),
        cmocka_unit_test(test_status_name_is_read_back),
        cmocka_unit_test(test_question_name_is_read_back),
        cmocka_unit_test(test_steps_fit_the_status_they_are_taken_in),
        cmocka_unit_test(test_steps_of_silence_and_of_money),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
