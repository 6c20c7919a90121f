/* Beginning to pay: for what, by whom, how often (PAY-004 to PAY-007). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/payment.h"
#include "src/contract/queue_token.h"
#include "src/contract/reservation_api.h"
#include "src/payment/confirm.h"
#include "src/payment/payment_errors.h"
#include "src/providers/portone.h"
#include "tests/support/fixture.h"
#include "tests/support/payment_scene.h"

static void test_order_registers_the_amount_and_is_repeatable(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order again;
    assert_int_equal(strlen(scene->order.payment_key), 32);
    assert_string_equal(scene->order.store_id, "store-sandbox");
    assert_null(order_create(scene->ctx, &request, &again));
    assert_string_equal(again.payment_id, scene->order.payment_id);
    assert_string_equal(again.payment_key, scene->order.payment_key);
    assert_int_equal(scene->world->registered, 2);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
}

static void test_order_is_refused_for_the_wrong_amount_owner_token_or_state(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order order;
    request.amount = SALE_PRICE - 1;
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_amount_mismatch);
    request = scene_order_request(scene);
    request.user_id = fixture_uuid();
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_not_found);
    request = scene_order_request(scene);
    struct sale sale = {.schedule_id = scene->world->schedule};
    request.queue_token = sale_admit(scene->ctx, &sale, fixture_uuid());
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_queue_token_invalid);
    request = scene_order_request(scene);
    strcpy(scene->world->reservation_status, "CANCELLED");
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_hold_expired);
    strcpy(scene->world->reservation_status, "CONFIRMED");
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_payment_already_processed);
}

/* The hold is the buyer's own; the token may have ended or been left in another tab meanwhile. */
static void test_order_and_confirm_need_no_queue_token(void **state)
{
    static const char *const tokens[] = {NULL, "qr_6a0a1f8e-6a3b-4a53-9d1c-0d2b6f3e8a11"};
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order order;
    struct payment payment;
    for (size_t i = 0; i < ARRAY_COUNT(tokens); i++) {
        request.queue_token = scene->token = tokens[i];
        assert_null(order_create(scene->ctx, &request, &order));
        assert_null(scene_confirm(scene, NULL, &payment));
    }
    struct sale sale = {.schedule_id = scene->world->schedule};
    scene->token = sale_admit(scene->ctx, &sale, fixture_uuid());
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_queue_token_invalid);
    assert_int_equal(scene->world->charged, 0);
}

static void test_order_after_its_payment_failed_is_refused(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order order;
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    /* the reservation has not heard of it yet */
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_hold_expired);
    assert_int_equal(scene->world->registered, 1);
}

static void test_order_of_a_lapsed_hold_is_refused(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order order;
    scene->world->hold_s = -1;
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_hold_expired);
}

static void test_order_of_a_performance_that_was_called_off_is_refused(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order order;
    scene->world->called_off = true;
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_sale_ended);
    assert_int_equal(scene->world->registered, 1);
}

static void test_order_paid_in_another_window_is_told_so(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order order;
    scene->world->already_paid = true;
    world_charge(scene->world);
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_payment_already_processed);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS); /* and so it is */
}

/* Paid in the browser already, but the seats are gone: the money goes back, and the answer says that it is over. */
static void test_order_of_what_is_paid_without_seats_is_refused(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order order;
    scene->world->already_paid = scene->world->seats_gone = true;
    world_charge(scene->world);
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_hold_expired);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
}

static void test_order_too_often_is_refused(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    struct order order;
    for (int64_t i = 1; i < payment_settings.orders_per_minute; i++) {
        assert_null(order_create(scene->ctx, &request, &order));
    }
    int registered = scene->world->registered;
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_too_many_requests);
    assert_in_range(scene->ctx->retry_after_s, 1, 60);
    assert_int_equal(scene->world->registered, registered);
}

static void test_order_of_nothing_to_pay_is_paid(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    scene->world->price = request.amount = 0;
    request.reservation_id = scene->reservation = fixture_uuid();
    strcpy(scene->world->reservation, scene->reservation);
    scene->world->portone_down = true;
    assert_null(order_create(scene->ctx, &request, &scene->order));
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
    assert_int_equal(scene_events(scene, "PaymentSuccess"), 1);
    struct order again;
    assert_null(order_create(scene->ctx, &request, &again)); /* a lost answer */
    assert_string_equal(again.payment_id, scene->order.payment_id);
    scene_request_refund(scene); /* no money, no PortOne */
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_REFUNDED);
}

static void test_order_with_a_key_replays_and_refuses_another_body(void **state)
{
    struct scene *scene = *state;
    struct order_request request = scene_order_request(scene);
    request.idempotency = (struct idempotency){"key-of-this-test-1", scene->user, "POST /payments", "body", 4};
    struct order order;
    assert_null(order_create(scene->ctx, &request, &order));
    assert_null(order_create(scene->ctx, &request, &order));
    assert_string_equal(order.payment_id, scene->order.payment_id);
    request.idempotency.body = "else";
    request.amount = SALE_PRICE - 1;
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_idempotency_key_reused);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int main(void)
{
    if (!scene_open_world()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_order_registers_the_amount_and_is_repeatable),
        TEST(test_order_is_refused_for_the_wrong_amount_owner_token_or_state),
        TEST(test_order_and_confirm_need_no_queue_token),
        TEST(test_order_after_its_payment_failed_is_refused),
        TEST(test_order_of_a_lapsed_hold_is_refused),
        TEST(test_order_of_a_performance_that_was_called_off_is_refused),
        TEST(test_order_paid_in_another_window_is_told_so),
        TEST(test_order_of_what_is_paid_without_seats_is_refused),
        TEST(test_order_too_often_is_refused),
        TEST(test_order_of_nothing_to_pay_is_paid),
        TEST(test_order_with_a_key_replays_and_refuses_another_body),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return !scene_close_world() || failed;
}
