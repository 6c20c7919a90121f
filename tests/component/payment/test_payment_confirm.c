/* What a buyer asks of payment: order, confirm, list; who is charged, and what is told to whom (PAY-003 to PAY-013). */
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
#include "src/payment/outcome.h"
#include "src/payment/payment_errors.h"
#include "src/providers/portone.h"
#include "tests/support/fixture.h"
#include "tests/support/payment_scene.h"

/* ---- confirming ---- */

static void test_confirm_with_token_secures_charges_once_and_tells(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
    int64_t paid_at = payment.paid_at;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_int_equal(payment.paid_at, paid_at);
    assert_int_equal(scene->world->charged, 1);
    assert_int_equal(scene_events(scene, "PaymentSuccess"), 1);
    assert_string_equal(scene_payment(scene).card_number, "123456******7890");
}

static void test_confirm_charged_in_the_browser_is_compared(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    world_charge(scene->world);
    assert_null(scene_confirm(scene, NULL, &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
}

static void test_confirm_of_another_amount_at_portone_fails_and_is_refunded(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    world_charge(scene->world);
    scene->world->record_amount = 100;
    assert_ptr_equal(scene_confirm(scene, NULL, &payment), &err_amount_mismatch);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene_events(scene, "PaymentFailed"), 1);
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_events(scene, "PaymentRefunded"), 1);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_true(scene_payment(scene).refunded_at != CLOCK_NONE);
}

static void test_confirm_wrong_amount_or_key_changes_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    struct confirm_request request = {.user_id = scene->user,
                                      .queue_token = scene->token,
                                      .payment_id = scene->order.payment_id,
                                      .reservation_id = scene->reservation,
                                      .payment_key = scene->order.payment_key,
                                      .transaction_id = "tx-1",
                                      .amount = 1,
                                      .payment_token = "token"};
    assert_ptr_equal(confirm_payment(scene->ctx, &request, &payment), &err_amount_mismatch);
    request.amount = SALE_PRICE;
    request.payment_key = "another";
    assert_ptr_equal(confirm_payment(scene->ctx, &request, &payment), &err_invalid_request);
    request.payment_key = scene->order.payment_key;
    request.user_id = fixture_uuid();
    assert_ptr_equal(confirm_payment(scene->ctx, &request, &payment), &err_not_found);
    assert_int_equal(scene->world->charged, 0);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
}

static void test_confirm_after_the_seats_are_gone_charges_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->seats_gone = true;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_hold_expired);
    assert_int_equal(scene->world->charged, 0);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_payment_already_processed);
    assert_int_equal(scene_events(scene, "PaymentFailed"), 1);
}

static void test_confirm_after_the_performance_was_called_off_charges_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->called_off = true;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_sale_ended);
    assert_int_equal(scene->world->charged, 0);
    assert_string_equal(scene_payment(scene).failure_reason, "SALE_ENDED");
    assert_int_equal(scene_events(scene, "PaymentFailed"), 1);
}

static void test_confirm_charged_in_the_browser_after_the_performance_was_called_off_is_refunded(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    world_charge(scene->world);
    scene->world->called_off = true;
    assert_ptr_equal(scene_confirm(scene, NULL, &payment), &err_sale_ended);
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
}

static void test_confirm_charged_in_the_browser_without_seats_is_refunded(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    world_charge(scene->world);
    scene->world->seats_gone = true;
    assert_ptr_equal(scene_confirm(scene, NULL, &payment), &err_hold_expired);
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
}

static bool told(const struct scene *scene, const char *field)
{
    for (const struct ctx_detail *detail = scene->ctx->details; detail; detail = detail->next) {
        if (strcmp(detail->field, field) == 0) {
            return true;
        }
    }
    return false;
}

/* A declined card is not yet a failed payment: another one may be tried while the hold lasts. */
static void test_confirm_declined_keeps_the_hold_and_takes_another_card(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = DECLINE;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_portone_declined);
    assert_true(told(scene, "reason") && told(scene, "holdExpiresAt"));
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    assert_int_equal(scene_events(scene, "PaymentFailed"), 0);
    assert_string_equal(scene->world->secured_by, "");
    struct order_request request = scene_order_request(scene);
    struct order order;
    int64_t ends[2];
    scene_deadlines(scene, ends);
    assert_int_equal(scene_question_ends(scene), ends[0]); /* as if nothing had been */
    assert_null(order_create(scene->ctx, &request, &order));
    assert_string_equal(order.payment_id, scene->order.payment_id);
    scene->world->confirm_mode = CHARGE;
    assert_null(scene_confirm(scene, "another token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_string_not_equal(scene->world->charge_keys[0], scene->world->charge_keys[1]);
}

static void test_confirm_declined_in_the_browser_is_told_at_once(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    strcpy(scene->world->record, "FAILED");
    assert_ptr_equal(scene_confirm(scene, NULL, &payment), &err_portone_declined);
    assert_true(told(scene, "reason") && told(scene, "holdExpiresAt"));
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    assert_int_equal(scene->world->secured, 0);
}

/* The older of two windows, a token of nobody: no word about the card, and the right one is still taken. */
static void test_confirm_with_a_wrong_token_or_attempt_changes_nothing(void **state)
{
    static const enum confirm_mode slips[] = {REFUSE_TOKEN, REFUSE_ATTEMPT};
    struct scene *scene = *state;
    struct payment payment;
    for (size_t i = 0; i < ARRAY_COUNT(slips); i++) {
        scene->world->confirm_mode = slips[i];
        assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_invalid_request);
        assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
        assert_string_equal(scene->world->secured_by, "");
    }
    scene->world->confirm_mode = CHARGE;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
}

/* Asking keeps nothing: neither seats nor deadlines, however often. */
static void test_confirm_of_an_unpaid_order_secures_and_moves_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    int64_t before[2], after[2];
    scene_deadlines(scene, before);
    for (int i = 0; i < 5; i++) {
        assert_null(scene_confirm(scene, NULL, &payment));
        assert_int_equal(payment.status, PAYMENT_PENDING);
    }
    scene_deadlines(scene, after);
    assert_int_equal(scene->world->secured, 0);
    assert_int_equal(after[0], before[0]);
    assert_true(after[1] <= clock_now() + payment_settings.look_s * CLOCK_SECOND);
}

static void test_confirm_after_the_order_was_given_up_charges_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene_make_due(scene, -1);
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_hold_expired);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene->world->charged + scene->world->secured, 0);
}

/* Also for one that has looked just before. */
static void test_charge_cannot_begin_once_the_order_is_given_up(void **state)
{
    struct scene *scene = *state;
    const struct db_rows *rows;
    scene_make_due(scene, -1);
    assert_null(DB_RUN(scene->ctx, &sql_payment_begin_charge, &rows, DB_TEXT(scene->order.payment_id), DB_INT(5),
                       DB_TEXT("key")));
    assert_int_equal(db_count(rows), 0);
    scene_make_due(scene, 60);
    assert_null(DB_RUN(scene->ctx, &sql_payment_begin_charge, &rows, DB_TEXT(scene->order.payment_id), DB_INT(5),
                       DB_TEXT("key")));
    assert_int_equal(db_count(rows), 1);
}

/* Our call is lost on the way: until it is surely over the seats stay, then they are the hold's again. */
static void test_confirm_whose_charge_never_arrived_lets_the_seats_go(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = LOSE_REQUEST;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_PENDING);
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
    assert_int_equal(scene_payment(scene).question, QUESTION_CHARGED);
    scene_make_due(scene, 60);
    scene_settle_all(scene);
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
    scene_make_due(scene, -1);
    scene->world->reservation_down = true; /* letting go is tried again */
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).question, QUESTION_CHARGED);
    scene->world->reservation_down = false;
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_string_equal(scene->world->secured_by, "");
    assert_int_equal(scene_payment(scene).question, QUESTION_PAID);
}

/* The first charge may still come through: a repeat that is refused does not let its seats go. */
static void test_confirm_while_a_charge_may_be_out_only_looks(void **state)
{
    static const enum confirm_mode refusals[] = {REFUSE_SERVICE, REFUSE_TOKEN, DECLINE};
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = LOSE_REQUEST;
    assert_null(scene_confirm(scene, "token", &payment));
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        scene->world->confirm_mode = refusals[i];
        assert_null(scene_confirm(scene, "another token", &payment));
        assert_int_equal(payment.status, PAYMENT_PENDING);
        assert_string_equal(scene->world->secured_by, scene->order.payment_id);
    }
    scene->world->confirm_mode = REFUSE_SERVICE; /* the same charge again, which is not sent: the first may be out */
    assert_null(scene_confirm(scene, "token", &payment));
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
    world_charge(scene->world); /* it had arrived */
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_int_equal(payment.question, QUESTION_NONE);
    assert_non_null(payment.card_number);
}

/* Its own key tells PortOne that it is the same: a repeat charges what had not arrived, or gets the refusal. */
static void test_confirm_repeated_after_a_lost_charge_charges(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = LOSE_REQUEST;
    assert_null(scene_confirm(scene, "token", &payment));
    int64_t before[2], after[2], ends = scene_question_ends(scene);
    scene_deadlines(scene, before);
    assert_null(scene_confirm(scene, "token", &payment));
    scene_deadlines(scene, after);
    assert_int_equal(after[0], before[0]);          /* a repeat moves no give-up */
    assert_true(scene_question_ends(scene) > ends); /* and has its own time to arrive */
    assert_string_equal(scene->world->charge_keys[0], scene->world->charge_keys[1]);
    scene->world->confirm_mode = CHARGE;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_int_equal(scene->world->charged, 1);
}

static void test_confirm_repeated_after_a_lost_charge_and_refused_lets_the_seats_go(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = LOSE_REQUEST;
    assert_null(scene_confirm(scene, "token", &payment));
    scene->world->confirm_mode = DECLINE;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_portone_declined);
    assert_string_equal(scene->world->secured_by, "");
}

/* PortOne's record still tells of the first card while the second one's charge is out. */
static void test_confirm_lost_after_a_declined_card_keeps_the_seats(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = DECLINE;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_portone_declined);
    scene->world->confirm_mode = LOSE_REQUEST;
    assert_null(scene_confirm(scene, "another token", &payment));
    assert_int_equal(payment.status, PAYMENT_PENDING);
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
}

static void test_confirm_of_what_is_paid_already_is_a_success(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    world_charge(scene->world);
    scene->world->confirm_mode = ANSWER_PAID;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_int_equal(scene->world->unsecured, 0);
}

static void test_confirm_asks_again_when_the_answer_of_securing_was_lost(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->secure_answer_lost = true;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_true(scene->world->secured > 1);
}

static void test_confirm_while_the_reservation_service_is_away_charges_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->reservation_down = true;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_unavailable);
    assert_int_equal(scene->world->charged, 0);
    world_charge(scene->world); /* in the browser: silence is not a no */
    assert_null(scene_confirm(scene, NULL, &payment));
    assert_int_equal(payment.status, PAYMENT_PENDING);
    scene->world->reservation_down = false;
    assert_null(scene_confirm(scene, NULL, &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
}

static void test_confirm_of_a_failed_payment_has_it_asked_about(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
    world_charge(scene->world);
    assert_ptr_equal(scene_confirm(scene, NULL, &payment), &err_payment_already_processed);
    scene_settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(scene_payment(scene).refunded_amount, SALE_PRICE);
}

static void test_confirm_too_often_is_refused(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    for (int64_t i = 0; i < payment_settings.confirms_per_minute; i++) {
        assert_null(scene_confirm(scene, NULL, &payment));
    }
    int asked = scene->world->asked;
    assert_ptr_equal(scene_confirm(scene, NULL, &payment), &err_too_many_requests);
    assert_int_equal(scene->world->asked, asked);
}

static void test_confirm_whose_answer_was_lost_is_found_out_at_once(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = CHARGE_AND_LOSE_ANSWER;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_int_equal(scene->world->charged, 1);
}

static void test_confirm_while_portone_is_silent_stays_pending_until_it_answers(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->portone_down = true;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_PENDING);
    scene_make_due(scene, -1); /* overdue, and still silence is no evidence */
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    scene->world->portone_down = false;
    world_charge(scene->world); /* it had come through after all */
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    assert_int_equal(scene_events(scene, "PaymentSuccess"), 1);
}

static void test_confirm_refused_before_anything_was_sent_may_be_repeated(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = REFUSE_SERVICE;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_portone_unavailable);
    scene->world->confirm_mode = CHARGE;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
}

static const struct db_stmt test_stmt_busy = {
    .name = "test_busy", .sql = "UPDATE payments SET busy_until = clock_timestamp() + interval '1 min' WHERE id = $1"};

static void test_confirm_while_a_charge_is_under_way_is_pending(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = LOSE_REQUEST;
    assert_null(scene_confirm(scene, "token", &payment));
    scene->world->confirm_mode = CHARGE;
    assert_null(DB_RUN(scene->ctx, &test_stmt_busy, NULL, DB_TEXT(scene->order.payment_id)));
    int charged = scene->world->charged;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_PENDING);
    assert_int_equal(scene->world->charged, charged);
}

/* A look that takes its time is no reason to drop the buyer's card: nobody else would charge it. */
static void test_confirm_while_somebody_looks_charges(void **state)
{
    struct scene *scene = *state;
    struct payment payment, looking, after;
    struct finding unpaid = {.evidence = EVIDENCE_UNPAID, .reason = "NOT_PAID"};
    bool ours;
    assert_null(outcome_begin_look(scene->ctx, scene->order.payment_id, &looking, &ours));
    assert_true(ours);
    assert_null(scene_confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    looking.over = true;
    assert_null(outcome_conclude(scene->ctx, &looking, &unpaid, &after)); /* comes too late to mean anything */
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
}

/* What the look has found is not lost with its turn: should the charge come to nothing, PortOne is asked at once. */
static void test_look_that_found_it_paid_is_a_hint_to_who_has_the_turn(void **state)
{
    struct scene *scene = *state;
    struct payment payment, looking, after;
    struct finding paid = {.evidence = EVIDENCE_PAID};
    bool ours;
    assert_null(outcome_begin_look(scene->ctx, scene->order.payment_id, &looking, &ours));
    scene->world->confirm_mode = REFUSE_SERVICE;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_portone_unavailable);
    assert_int_equal(scene_payment(scene).question, QUESTION_PAID);
    world_charge(scene->world);
    assert_null(outcome_conclude(scene->ctx, &looking, &paid, &after));
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
}

/* A card that was refused in the hold's last seconds: the next look still comes before its end. */
static void test_hold_about_to_end_is_looked_at_after_a_refusal(void **state)
{
    struct scene *scene = *state;
    enum { HOLD_S = 4 };
    struct payment payment;
    int64_t deadlines[2], hold_ends_at = clock_now() + HOLD_S * CLOCK_SECOND;
    scene_order_anew(scene, HOLD_S);
    scene->world->confirm_mode = REFUSE_TOKEN;
    assert_ptr_equal(scene_confirm(scene, "token", &payment), &err_invalid_request);
    scene_deadlines(scene, deadlines);
    assert_true(deadlines[1] < hold_ends_at);
}

static void test_confirm_by_two_processes_at_once_charges_once(void **state)
{
    struct scene *scene = *state;
    pid_t pids[2];
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            struct scene mine = *scene; /* its own connections */
            struct payment payment;
            mine.ctx = fixture_ctx("payment_service", NEED_REDIS | NEED_HTTP);
            _exit(scene_confirm(&mine, "token", &payment) ? 1 : 0);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(scene->world->charged, 1);
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
    assert_int_equal(scene_events(scene, "PaymentSuccess"), 1);
}

static void test_confirm_without_redis_finishes_what_was_begun(void **state)
{
    struct scene *scene = *state;
    struct redis *redis = scene->ctx->redis;
    struct payment payment;
    scene->ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    const struct err *e = scene_confirm(scene, "token", &payment);
    redis_free(&scene->ctx->redis);
    scene->ctx->redis = redis;
    assert_null(e);
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
}

/* ---- listing ---- */

static void test_list_has_the_users_payments_only(void **state)
{
    struct scene *scene = *state;
    struct json_list list;
    int64_t total;
    assert_null(payment_list(scene->ctx, scene->user, 0, 20, &list, &total));
    assert_int_equal(total, 1);
    assert_string_equal(((struct payment *)list.items)[0].id, scene->order.payment_id);
    assert_null(payment_list(scene->ctx, fixture_uuid(), 0, 20, &list, &total));
    assert_int_equal(list.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int main(void)
{
    if (!scene_open_world()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_confirm_with_token_secures_charges_once_and_tells),
        TEST(test_confirm_charged_in_the_browser_is_compared),
        TEST(test_confirm_of_another_amount_at_portone_fails_and_is_refunded),
        TEST(test_confirm_wrong_amount_or_key_changes_nothing),
        TEST(test_confirm_after_the_seats_are_gone_charges_nothing),
        TEST(test_confirm_after_the_performance_was_called_off_charges_nothing),
        TEST(test_confirm_charged_in_the_browser_after_the_performance_was_called_off_is_refunded),
        TEST(test_confirm_charged_in_the_browser_without_seats_is_refunded),
        TEST(test_confirm_declined_keeps_the_hold_and_takes_another_card),
        TEST(test_confirm_declined_in_the_browser_is_told_at_once),
        TEST(test_confirm_with_a_wrong_token_or_attempt_changes_nothing),
        TEST(test_confirm_of_an_unpaid_order_secures_and_moves_nothing),
        TEST(test_confirm_after_the_order_was_given_up_charges_nothing),
        TEST(test_charge_cannot_begin_once_the_order_is_given_up),
        TEST(test_confirm_whose_charge_never_arrived_lets_the_seats_go),
        TEST(test_confirm_while_a_charge_may_be_out_only_looks),
        TEST(test_confirm_repeated_after_a_lost_charge_charges),
        TEST(test_confirm_repeated_after_a_lost_charge_and_refused_lets_the_seats_go),
        TEST(test_confirm_lost_after_a_declined_card_keeps_the_seats),
        TEST(test_confirm_of_what_is_paid_already_is_a_success),
        TEST(test_confirm_asks_again_when_the_answer_of_securing_was_lost),
        TEST(test_confirm_while_the_reservation_service_is_away_charges_nothing),
        TEST(test_confirm_of_a_failed_payment_has_it_asked_about),
        TEST(test_confirm_too_often_is_refused),
        TEST(test_confirm_whose_answer_was_lost_is_found_out_at_once),
        TEST(test_confirm_while_portone_is_silent_stays_pending_until_it_answers),
        TEST(test_confirm_refused_before_anything_was_sent_may_be_repeated),
        TEST(test_confirm_while_a_charge_is_under_way_is_pending),
        TEST(test_confirm_while_somebody_looks_charges),
        TEST(test_look_that_found_it_paid_is_a_hint_to_who_has_the_turn),
        TEST(test_hold_about_to_end_is_looked_at_after_a_refusal),
        TEST(test_confirm_by_two_processes_at_once_charges_once),
        TEST(test_confirm_without_redis_finishes_what_was_begun),
        TEST(test_list_has_the_users_payments_only),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return !scene_close_world() || failed;
}
