/* What becomes of a payment without its buyer: settling, webhooks, refunds, and the states it may pass through
 * (PAY-003, PAY-008 to PAY-013, PAY-WEBHOOK). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "src/contract/events.h"
#include "src/payment/outcome.h"
#include "src/payment/payment_errors.h"
#include "src/payment/refund.h"
#include "src/payment/webhook.h"
#include "tests/support/fixture.h"
#include "tests/support/payment_scene.h"

/* ---- settling ---- */

static void test_settle_gives_up_an_unpaid_payment_only_when_overdue(void **state)
{
    struct scene *scene = *state;
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene_events(scene, "PaymentFailed"), 1);
}

static void test_settle_paid_by_a_vanished_browser_succeeds(void **state)
{
    struct scene *scene = *state;
    world_charge(scene->world);
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
}

static void test_settle_paid_too_late_is_refunded(void **state)
{
    struct scene *scene = *state;
    world_charge(scene->world);
    scene->world->seats_gone = true;
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_events(scene, "PaymentSuccess"), 0);
}

/* ---- webhooks ---- */

static const struct err *send_webhook(struct scene *scene, const char *id, const char *type, const char *secret)
{
    struct arena *arena = scene->ctx->arena;
    int64_t now_s = clock_now() / CLOCK_SECOND;
    const char *body = arena_printf(arena,
                                    "{\"type\":\"%s\",\"timestamp\":\"2026-06-01T10:00:00.000Z\",\"data\":"
                                    "{\"paymentId\":\"%s\",\"storeId\":\"store-sandbox\",\"transactionId\":\"tx-1\"}}",
                                    type, scene->order.payment_key);
    struct webhook_headers headers = {.id = id,
                                      .timestamp = arena_printf(arena, "%lld", (long long)now_s),
                                      .signature = webhook_sign(arena, secret, id, now_s, body, strlen(body))};
    return webhook_receive(scene->ctx, &headers, body, strlen(body));
}

static void test_webhook_paid_settles_the_payment_once(void **state)
{
    struct scene *scene = *state;
    const char *id = fixture_uuid();
    world_charge(scene->world);
    assert_null(send_webhook(scene, id, "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    assert_null(send_webhook(scene, id, "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    assert_int_equal(scene_events(scene, "PaymentSuccess"), 1);
}

static void test_webhook_forged_is_refused(void **state)
{
    struct scene *scene = *state;
    world_charge(scene->world);
    assert_ptr_equal(
        send_webhook(scene, fixture_uuid(), "Transaction.Paid", "whsec_Zm9yZ2VkLWZvcmdlZC1mb3JnZWQtZm9yZ2Vk"),
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
    assert_null(send_webhook(scene, fixture_uuid(), "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_events(scene, "PaymentRefunded"), 1);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
}

/* ---- refunds ---- */

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

static void test_cancelled_reservation_is_refunded_only_if_paid(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    struct reservation_cancelled cancelled = {.reservation_id = scene->reservation, .reason = "USER_REQUEST"};
    assert_null(db_transact(scene->ctx, deliver_cancelled, &cancelled));
    assert_int_equal(scene_payment(scene).refund_requested_at, CLOCK_NONE);
    assert_null(scene_confirm(scene, "token", &payment));
    assert_null(db_transact(scene->ctx, deliver_cancelled, &cancelled));
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_REFUNDED);
    assert_int_equal(scene->world->cancelled, 1);
}

/* ---- the two state tables ---- */

static const struct db_stmt test_stmt_transitions = {
    .name = "test_transitions",
    .sql = "SELECT from_status, to_status FROM payment_transitions ORDER BY from_status, to_status"};
static const struct db_stmt test_stmt_set_status = {.name = "test_set_status",
                                                    .sql = "UPDATE payments SET status = $2 WHERE id = $1"};

static bool listed(const char *from, const char *to)
{
    for (size_t i = 0; i < payment_transition_count; i++) {
        if (strcmp(payment_status_name(payment_transitions[i].from), from) == 0 &&
            strcmp(payment_status_name(payment_transitions[i].to), to) == 0) {
            return true;
        }
    }
    return false;
}

static void test_transitions_in_c_and_sql_are_the_same(void **state)
{
    struct scene *scene = *state;
    const struct db_rows *rows;
    assert_null(DB_RUN0(scene->ctx, &test_stmt_transitions, &rows));
    assert_int_equal(db_count(rows), payment_transition_count);
    for (size_t i = 0; i < db_count(rows); i++) {
        assert_true(listed(db_str(rows, i, "from_status"), db_str(rows, i, "to_status")));
    }
}

static void test_illegal_transition_is_refused_by_sql(void **state)
{
    struct scene *scene = *state;
    assert_ptr_equal(
        DB_RUN(scene->ctx, &test_stmt_set_status, NULL, DB_TEXT(scene->order.payment_id), DB_TEXT("REFUNDED")),
        &err_internal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int main(void)
{
    if (!scene_open_world()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_settle_gives_up_an_unpaid_payment_only_when_overdue),
        TEST(test_settle_paid_by_a_vanished_browser_succeeds),
        TEST(test_settle_paid_too_late_is_refunded),
        TEST(test_webhook_paid_settles_the_payment_once),
        TEST(test_webhook_forged_is_refused),
        TEST(test_webhook_paid_after_failure_is_refunded),
        TEST(test_rejected_reservation_is_refunded_once),
        TEST(test_refund_while_portone_is_silent_is_tried_again),
        TEST(test_cancelled_reservation_is_refunded_only_if_paid),
        TEST(test_transitions_in_c_and_sql_are_the_same),
        TEST(test_illegal_transition_is_refused_by_sql),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return !scene_close_world() || failed;
}
