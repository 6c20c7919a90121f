/* Webhooks, and money that goes back (PAY-012, PAY-WEBHOOK). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/payment.h"
#include "src/contract/events.h"
#include "src/payment/outcome.h"
#include "src/payment/payment_errors.h"
#include "src/payment/refund.h"
#include "src/payment/webhook.h"
#include "tests/support/fixture.h"
#include "tests/support/payment_scene.h"

/* ---- webhooks ---- */

static void test_webhook_paid_settles_the_payment_once(void **state)
{
    struct scene *scene = *state;
    const char *id = fixture_uuid();
    world_charge(scene->world);
    assert_null(scene_webhook(scene, id, "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    assert_null(scene_webhook(scene, id, "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    assert_int_equal(scene_events(scene, "PaymentSuccess"), 1);
}

/* PortOne repeats itself, and tells much that changes nothing. */
static void test_webhook_that_says_nothing_new_asks_nothing(void **state)
{
    struct scene *scene = *state;
    const char *id = fixture_uuid();
    assert_null(scene_webhook(scene, id, "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    int asked = scene->world->asked;
    assert_null(scene_webhook(scene, id, "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    assert_null(scene_webhook(scene, fixture_uuid(), "Transaction.Ready", SCENE_WEBHOOK_SECRET));
    assert_null(scene_webhook(scene, fixture_uuid(), "Something.New", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    assert_int_equal(scene->world->asked, asked);
}

static void test_webhook_forged_is_refused(void **state)
{
    struct scene *scene = *state;
    world_charge(scene->world);
    assert_ptr_equal(
        scene_webhook(scene, fixture_uuid(), "Transaction.Paid", "whsec_Zm9yZ2VkLWZvcmdlZC1mb3JnZWQtZm9yZ2Vk"),
        &err_webhook_signature);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
}

static void test_webhook_paid_after_failure_is_refunded(void **state)
{
    struct scene *scene = *state;
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    world_charge(scene->world);
    assert_null(scene_webhook(scene, fixture_uuid(), "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_events(scene, "PaymentRefunded"), 1);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
}

static void test_webhook_cancelled_after_success_ends_the_ticket(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    strcpy(scene->world->record, "CANCELLED");
    scene->world->record_cancelled = SALE_PRICE;
    assert_null(scene_webhook(scene, fixture_uuid(), "Transaction.Cancelled", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    payment = scene_payment(scene);
    assert_int_equal(payment.status, PAYMENT_REFUNDED);
    assert_int_equal(payment.refunded_amount, SALE_PRICE);
    assert_int_equal(scene_events(scene, "PaymentRefunded"), 1);
    assert_int_equal(scene->world->cancelled, 0);
}

static void test_webhook_partly_cancelled_after_success_is_noted(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    strcpy(scene->world->record, "PARTIAL_CANCELLED");
    scene->world->record_cancelled = 100;
    assert_null(scene_webhook(scene, fixture_uuid(), "Transaction.PartialCancelled", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    payment = scene_payment(scene);
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_int_equal(payment.refunded_amount, 100);
    assert_int_equal(payment.question, QUESTION_NONE);
    assert_int_equal(scene_events(scene, "PaymentRefunded"), 0);
}

static void test_webhook_paid_after_success_asks_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_null(scene_webhook(scene, fixture_uuid(), "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    int asked = scene->world->asked;
    scene_settle_all(scene);
    assert_int_equal(scene->world->asked, asked);
}

/* ---- refunds ---- */

static void succeed_and_request_refund(struct scene *scene)
{
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    scene_request_refund(scene);
}

/* REQUESTED and FAILED are no refund; a cancel that failed is tried under a new key. */
static void test_refund_that_has_not_succeeded_is_tried_again(void **state)
{
    static const enum cancel_mode modes[] = {CANCEL_LATER, CANCEL_FAILED};
    struct scene *scene = *state;
    succeed_and_request_refund(scene);
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        scene->world->cancel_mode = modes[i];
        scene_make_due(scene, 60);
        scene_settle_all(scene);
        assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    }
    assert_string_not_equal(scene->world->cancel_keys[0], scene->world->cancel_keys[1]);
    scene->world->cancel_mode = CANCEL;
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_REFUNDED);
    assert_int_equal(scene->world->cancelled, 1);
}

static void test_refund_whose_answer_was_lost_ends_once(void **state)
{
    struct scene *scene = *state;
    succeed_and_request_refund(scene);
    scene->world->cancel_mode = CANCEL_AND_LOSE_ANSWER;
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    struct payment payment = scene_payment(scene);
    assert_int_equal(payment.status, PAYMENT_REFUNDED);
    assert_int_equal(payment.refunded_amount, SALE_PRICE);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_events(scene, "PaymentRefunded"), 1);
}

static void test_refund_of_what_is_refunded_or_asked_for_already_changes_nothing(void **state)
{
    struct scene *scene = *state;
    succeed_and_request_refund(scene);
    int64_t asked_at = scene_payment(scene).refund_requested_at;
    scene_request_refund(scene);
    assert_int_equal(scene_payment(scene).refund_requested_at, asked_at);
    scene_settle_all(scene);
    scene_request_refund(scene);
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_events(scene, "PaymentRefunded"), 1);
}

/* What PortOne has not paid out cannot be given back: never quietly done. */
static void test_refund_of_a_record_that_is_not_paid_stays_asked_for(void **state)
{
    struct scene *scene = *state;
    succeed_and_request_refund(scene);
    strcpy(scene->world->record, "READY");
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    assert_int_equal(scene_payment(scene).question, QUESTION_REFUND);
}

static const struct err *deliver_rejected(struct ctx *ctx, void *arg)
{
    const struct reservation_rejected *rejected = arg;
    struct event event = {.id = fixture_uuid()};
    return refund_on_rejected(ctx, &event, rejected);
}

static void test_rejected_reservation_is_refunded_once(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    struct reservation_rejected rejected = {scene->reservation, scene->order.payment_id, "SEATS_TAKEN"};
    assert_null(db_transact(scene->ctx, deliver_rejected, &rejected));
    assert_null(db_transact(scene->ctx, deliver_rejected, &rejected));
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_REFUNDED);
    assert_null(db_transact(scene->ctx, deliver_rejected, &rejected));
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_events(scene, "PaymentRefunded"), 1);
}

static void test_refund_while_portone_is_silent_is_tried_again(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    struct reservation_rejected rejected = {scene->reservation, scene->order.payment_id, "SEATS_TAKEN"};
    assert_null(db_transact(scene->ctx, deliver_rejected, &rejected));
    scene->world->portone_down = true;
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    scene->world->portone_down = false;
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_REFUNDED);
    assert_int_equal(scene->world->cancelled, 1);
}

static const struct err *deliver_cancelled(struct ctx *ctx, void *arg)
{
    const struct reservation_cancelled *cancelled = arg;
    struct event event = {.id = fixture_uuid()};
    return refund_on_cancelled(ctx, &event, cancelled);
}

/* The buyer gives up: what is not paid by then is over at once, and a charge that comes later goes back. */
static void test_cancelled_reservation_gives_up_what_is_unpaid(void **state)
{
    struct scene *scene = *state;
    struct reservation_cancelled cancelled = {.reservation_id = scene->reservation, .reason = "USER_REQUEST"};
    assert_null(db_transact(scene->ctx, deliver_cancelled, &cancelled));
    assert_int_equal(scene_payment(scene).refund_requested_at, CLOCK_NONE);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene_events(scene, "PaymentFailed"), 1);
    assert_int_equal(scene->world->cancelled, 0);
}

static void test_cancelled_reservation_is_refunded_if_paid(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    struct reservation_cancelled cancelled = {.reservation_id = scene->reservation, .reason = "USER_REQUEST"};
    assert_null(scene_confirm(scene, "token", &payment));
    assert_null(db_transact(scene->ctx, deliver_cancelled, &cancelled));
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_REFUNDED);
    assert_int_equal(scene->world->cancelled, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int main(void)
{
    if (!scene_open_world()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_webhook_paid_settles_the_payment_once),
        TEST(test_webhook_that_says_nothing_new_asks_nothing),
        TEST(test_webhook_forged_is_refused),
        TEST(test_webhook_paid_after_failure_is_refunded),
        TEST(test_webhook_cancelled_after_success_ends_the_ticket),
        TEST(test_webhook_partly_cancelled_after_success_is_noted),
        TEST(test_webhook_paid_after_success_asks_nothing),
        TEST(test_refund_that_has_not_succeeded_is_tried_again),
        TEST(test_refund_whose_answer_was_lost_ends_once),
        TEST(test_refund_of_what_is_refunded_or_asked_for_already_changes_nothing),
        TEST(test_refund_of_a_record_that_is_not_paid_stays_asked_for),
        TEST(test_rejected_reservation_is_refunded_once),
        TEST(test_refund_while_portone_is_silent_is_tried_again),
        TEST(test_cancelled_reservation_gives_up_what_is_unpaid),
        TEST(test_cancelled_reservation_is_refunded_if_paid),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return !scene_close_world() || failed;
}
