/* What becomes of a payment without its buyer: settling, webhooks, refunds, and the states it may pass through
 * (PAY-003, PAY-008 to PAY-013, PAY-WEBHOOK). */
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

/* Confirm and webhook are both lost: PortOne is asked in time for the hold to become a ticket. */
static void test_settle_asks_before_the_hold_ends(void **state)
{
    static const struct db_stmt test_stmt_ends = {
        .name = "test_ends",
        .sql = "UPDATE payments SET hold_ends_at = clock_timestamp() + make_interval(secs => $2::bigint), checks = 6, "
               "check_at = clock_timestamp() - interval '1 s' WHERE id = $1"};
    static const struct db_stmt test_stmt_margin = {
        .name = "test_margin",
        .sql = "SELECT extract(EPOCH FROM hold_ends_at - check_at)::bigint AS before FROM payments WHERE id = $1"};
    struct scene *scene = *state;
    const struct db_rows *rows;
    assert_null(DB_RUN(scene->ctx, &test_stmt_ends, NULL, DB_TEXT(scene->order.payment_id), DB_INT(100)));
    scene_settle_all(scene);
    assert_null(DB_RUN(scene->ctx, &test_stmt_margin, &rows, DB_TEXT(scene->order.payment_id)));
    assert_int_equal(db_int(rows, 0, "before"), payment_settings.last_look_s);
}

static void test_settle_asks_soon_after_the_order(void **state)
{
    struct scene *scene = *state;
    int64_t deadlines[2];
    scene_deadlines(scene, deadlines);
    assert_in_range(deadlines[1] / CLOCK_SECOND, clock_now() / CLOCK_SECOND,
                    clock_now() / CLOCK_SECOND + payment_settings.look_s);
}

/* An approval or a transfer that somebody waits for keeps no seats, and is called off in the end. */
static void test_settle_closes_what_may_still_charge(void **state)
{
    static const char *const open[] = {"PAY_PENDING", "VIRTUAL_ACCOUNT_ISSUED", "SOMETHING_NEW"};
    struct scene *scene = *state;
    for (size_t i = 0; i < ARRAY_COUNT(open); i++) {
        strcpy(scene->world->record, open[i]);
        scene_make_due(scene, 60);
        scene_settle_all(scene);
        assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    }
    assert_int_equal(scene->world->secured, 0);
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_string_not_equal(scene->world->cancel_keys[0], "");
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    world_charge(scene->world); /* it charges all the same */
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
}

/* FAILED at PortOne is the last attempt's failure, not the payment's. */
static void test_settle_declined_is_open_until_given_up(void **state)
{
    struct scene *scene = *state;
    strcpy(scene->world->record, "FAILED");
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_string_equal(scene_payment(scene).failure_reason, "DECLINED");
}

static void test_settle_cancelled_at_portone_fails_and_rests(void **state)
{
    struct scene *scene = *state;
    world_charge(scene->world);
    strcpy(scene->world->record, "CANCELLED");
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene_payment(scene).question, QUESTION_NONE);
    assert_int_equal(scene->world->cancelled, 0);
}

static void test_settle_partly_cancelled_gives_the_rest_back(void **state)
{
    struct scene *scene = *state;
    world_charge(scene->world);
    strcpy(scene->world->record, "PARTIAL_CANCELLED");
    scene->world->record_cancelled = 100;
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_payment(scene).refunded_amount, SALE_PRICE);
}

static void test_settle_while_the_reservation_service_is_away_waits(void **state)
{
    struct scene *scene = *state;
    world_charge(scene->world);
    scene->world->reservation_down = true;
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    scene->world->reservation_down = false;
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
}

/* The charge of the same key, paid in the browser after all: found without webhook and confirm. */
static void test_settle_finds_what_was_charged_after_failure(void **state)
{
    struct scene *scene = *state;
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).question, QUESTION_LATE);
    world_charge(scene->world);
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_payment(scene).question, QUESTION_NONE);
}

static void test_settle_stops_asking_about_a_failure_in_the_end(void **state)
{
    struct scene *scene = *state;
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene_payment(scene).question, QUESTION_NONE);
    /* a hint asks once more, and no longer */
    int asked = scene->world->asked;
    struct payment payment;
    assert_ptr_equal(scene_confirm(scene, NULL, &payment), &err_payment_already_processed);
    scene_settle_all(scene);
    assert_int_equal(scene->world->asked, asked + 1);
    assert_int_equal(scene_payment(scene).question, QUESTION_NONE);
}

/* ---- turns and hints ---- */

static struct payment take(struct scene *scene)
{
    const struct db_rows *rows;
    struct payment taken;
    assert_null(DB_RUN(scene->ctx, &sql_payment_begin_look, &rows, DB_TEXT(scene->order.payment_id), DB_INT(60)));
    assert_int_equal(db_count(rows), 1);
    payment_read_row(rows, 0, &taken);
    return taken;
}

static void test_finding_of_a_lost_turn_counts_no_more(void **state)
{
    struct scene *scene = *state;
    struct finding unpaid = {.evidence = EVIDENCE_UNPAID, .reason = "NOT_PAID"};
    struct payment slow = take(scene), after;
    slow.over = true;
    scene_make_due(scene, 60);
    world_charge(scene->world);
    scene_settle_all(scene);
    assert_null(outcome_conclude(scene->ctx, &slow, &unpaid, &after));
    assert_int_equal(after.status, PAYMENT_SUCCESS);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
}

/* Whatever is written at the same moment, the hint is followed. */
static void test_hint_while_somebody_is_at_work_is_followed(void **state)
{
    struct scene *scene = *state;
    struct finding unpaid = {.evidence = EVIDENCE_UNPAID, .reason = "NOT_PAID"};
    for (int over = 0; over <= 1; over++) { /* asked again; given up */
        struct payment taken = take(scene), after;
        taken.over = over;
        assert_null(send_webhook(scene, fixture_uuid(), "Transaction.Paid", SCENE_WEBHOOK_SECRET));
        assert_null(outcome_conclude(scene->ctx, &taken, &unpaid, &after));
        int asked = scene->world->asked;
        scene_settle_all(scene);
        assert_true(scene->world->asked > asked);
    }
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
}

static void test_settle_leaves_a_busy_payment_alone(void **state)
{
    struct scene *scene = *state;
    take(scene);
    world_charge(scene->world);
    assert_null(send_webhook(scene, fixture_uuid(), "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    assert_int_equal(scene->world->asked, 0);
}

/* ---- webhooks ---- */

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

static void test_webhook_cancelled_after_success_ends_the_ticket(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    strcpy(scene->world->record, "CANCELLED");
    scene->world->record_cancelled = SALE_PRICE;
    assert_null(send_webhook(scene, fixture_uuid(), "Transaction.Cancelled", SCENE_WEBHOOK_SECRET));
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
    assert_null(send_webhook(scene, fixture_uuid(), "Transaction.PartialCancelled", SCENE_WEBHOOK_SECRET));
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
    assert_null(send_webhook(scene, fixture_uuid(), "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    int asked = scene->world->asked;
    scene_settle_all(scene);
    assert_int_equal(scene->world->asked, asked);
}

/* ---- refunds ---- */

static void request_refund_of(struct scene *scene)
{
    assert_null(DB_RUN(scene->ctx, &sql_payment_request_refund, NULL, DB_TEXT(scene->order.payment_id), DB_TEXT("X")));
}

static void succeed_and_request_refund(struct scene *scene)
{
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    request_refund_of(scene);
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
    request_refund_of(scene);
    assert_int_equal(scene_payment(scene).refund_requested_at, asked_at);
    scene_settle_all(scene);
    request_refund_of(scene);
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

/* The constraint's own text, evaluated for a status and a question. */
static const struct db_stmt test_stmt_fits = {
    .name = "test_fits",
    .sql = "SELECT (xpath('//fits/text()', query_to_xml(format("
           "'SELECT (%s) AS fits FROM (VALUES (%L::text, %L::text)) AS payments (status, question)', "
           "pg_get_expr(conbin, conrelid), $1::text, $2::text), false, false, '')))[1]::text = 'true' AS fits "
           "FROM pg_constraint WHERE conname = 'payments_question'"};

static void test_questions_in_c_and_sql_are_the_same(void **state)
{
    struct scene *scene = *state;
    for (int status = 0; status < PAYMENT_STATUS__MAX; status++) {
        for (int question = 0; question < QUESTION__MAX; question++) {
            const struct db_rows *rows;
            assert_null(DB_RUN(scene->ctx, &test_stmt_fits, &rows,
                               DB_TEXT(payment_status_name((enum payment_status)status)),
                               DB_TEXT(payment_question_name((enum payment_question)question))));
            assert_int_equal(db_count(rows), 1);
            assert_int_equal(db_bool(rows, 0, "fits"),
                             payment_may_be_asked((enum payment_status)status, (enum payment_question)question));
        }
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
        TEST(test_settle_asks_before_the_hold_ends),
        TEST(test_settle_asks_soon_after_the_order),
        TEST(test_settle_closes_what_may_still_charge),
        TEST(test_settle_declined_is_open_until_given_up),
        TEST(test_settle_cancelled_at_portone_fails_and_rests),
        TEST(test_settle_partly_cancelled_gives_the_rest_back),
        TEST(test_settle_while_the_reservation_service_is_away_waits),
        TEST(test_settle_finds_what_was_charged_after_failure),
        TEST(test_settle_stops_asking_about_a_failure_in_the_end),
        TEST(test_finding_of_a_lost_turn_counts_no_more),
        TEST(test_hint_while_somebody_is_at_work_is_followed),
        TEST(test_settle_leaves_a_busy_payment_alone),
        TEST(test_webhook_paid_settles_the_payment_once),
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
        TEST(test_transitions_in_c_and_sql_are_the_same),
        TEST(test_questions_in_c_and_sql_are_the_same),
        TEST(test_illegal_transition_is_refused_by_sql),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return !scene_close_world() || failed;
}
