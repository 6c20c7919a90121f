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

static struct payment take(struct scene *scene)
{
    const struct db_rows *rows;
    struct payment taken;
    assert_null(DB_RUN(scene->ctx, &sql_payment_begin_look, &rows, DB_TEXT(scene->order.payment_id), DB_INT(60)));
    assert_int_equal(db_count(rows), 1);
    payment_read_row(rows, 0, &taken);
    return taken;
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

/* In the last seconds of the hold it is asked again and again, also after silence. */
static void test_settle_asks_often_just_before_the_hold_ends(void **state)
{
    static const struct db_stmt test_stmt_last = {
        .name = "test_last",
        .sql = "UPDATE payments SET hold_ends_at = clock_timestamp() + interval '12 s', checks = 6, "
               "check_at = clock_timestamp() - interval '1 s' WHERE id = $1"};
    struct scene *scene = *state;
    for (int silent = 0; silent <= 1; silent++) {
        int64_t deadlines[2];
        scene->world->portone_down = silent;
        assert_null(DB_RUN(scene->ctx, &test_stmt_last, NULL, DB_TEXT(scene->order.payment_id)));
        scene_settle_all(scene);
        scene_deadlines(scene, deadlines);
        assert_true(deadlines[1] <= clock_now() + (payment_settings.last_look_s / 4 + 1) * CLOCK_SECOND);
    }
}

/* What nobody waits for does not stand before what somebody does, however much of it is due. */
static void test_settle_takes_first_what_somebody_waits_for(void **state)
{
    static const struct db_stmt test_stmt_backlog = {
        .name = "test_backlog",
        .sql = "INSERT INTO payments (reservation_id, schedule_id, user_id, payment_key, amount, method, hold_ends_at, "
               "give_up_at, question, question_ends_at, check_at) SELECT gen_random_uuid(), gen_random_uuid(), "
               "gen_random_uuid(), md5(random()::text), 1, 'CARD', now(), now(), 'PAID', now(), 'infinity' "
               "FROM generate_series(1, 5) RETURNING id"};
    static const struct db_stmt test_stmt_fail = {
        .name = "test_fail",
        .sql = "UPDATE payments SET status = 'FAILED', failed_at = now(), failure_reason = 'X', question = 'LATE', "
               "check_at = clock_timestamp() - interval '1 h' WHERE id = $1"};
    struct scene *scene = *state;
    const struct db_rows *rows;
    assert_null(DB_RUN0(scene->ctx, &test_stmt_backlog, &rows));
    for (size_t i = 0; i < db_count(rows); i++) {
        assert_null(DB_RUN(scene->ctx, &test_stmt_fail, NULL, DB_TEXT(db_str(rows, i, "id"))));
    }
    world_charge(scene->world);
    scene_make_due(scene, 60);
    bool found;
    assert_null(settle_next(scene->ctx, &found));
    assert_int_equal(scene_payment(scene).status, PAYMENT_SUCCESS);
}

/* Something at PortOne may still charge: it is asked about for as long as PortOne says so. */
static void test_settle_keeps_asking_about_what_is_open_after_failure(void **state)
{
    struct scene *scene = *state;
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    strcpy(scene->world->record, "VIRTUAL_ACCOUNT_ISSUED");
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).question, QUESTION_LATE);
}

/* ---- turns and hints ---- */

/* A refund that is asked for ends whatever turn there was. */
static void test_finding_from_before_a_refund_was_asked_for_counts_no_more(void **state)
{
    struct scene *scene = *state;
    struct payment payment, after;
    assert_null(scene_confirm(scene, "token", &payment));
    struct payment taken = scene_payment(scene);
    scene_request_refund(scene);
    taken.question = QUESTION_TAKEN_BACK;
    struct finding paid = {.evidence = EVIDENCE_PAID};
    assert_null(outcome_conclude(scene->ctx, &taken, &paid, &after));
    assert_int_equal(scene_payment(scene).question, QUESTION_REFUND);
}

/* Whoever lost the turn does not let go of the seats of who has it now. */
static void test_lost_turn_does_nothing_outside(void **state)
{
    struct scene *scene = *state;
    struct finding unpaid = {.evidence = EVIDENCE_UNPAID, .reason = "NOT_PAID"};
    struct payment slow = take(scene), payment, after;
    slow.question = QUESTION_CHARGED;
    slow.over = true;
    scene_make_due(scene, 60);
    scene->world->confirm_mode = LOSE_REQUEST;
    assert_null(scene_confirm(scene, "token", &payment));
    assert_null(outcome_conclude(scene->ctx, &slow, &unpaid, &after));
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
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
        assert_null(scene_webhook(scene, fixture_uuid(), "Transaction.Paid", SCENE_WEBHOOK_SECRET));
        assert_null(outcome_conclude(scene->ctx, &taken, &unpaid, &after));
        int asked = scene->world->asked;
        scene_settle_all(scene);
        assert_true(scene->world->asked > asked);
    }
    assert_int_equal(scene_payment(scene).status, PAYMENT_FAILED);
}

/* Others keep off for so long, a few seconds of a slow machine allowed. */
static void assert_busy_for(struct scene *scene, int64_t seconds)
{
    int64_t deadlines[2], now = clock_now();
    scene_deadlines(scene, deadlines);
    assert_in_range(deadlines[1], now + (seconds - 4) * CLOCK_SECOND, now + seconds * CLOCK_SECOND);
}

/* Killed while it looks for the last time before the hold ends: another one looks in time. */
static void test_look_that_died_is_repeated_before_the_hold_ends(void **state)
{
    struct scene *scene = *state;
    struct payment taken;
    bool found, ours;
    assert_true(payment_settings.look_busy_s < payment_settings.busy_s);
    assert_true(payment_last_look_s() >= 2 * payment_settings.look_busy_s);
    scene_make_due(scene, 60);
    assert_null(settle_take(scene->ctx, &taken, &found));
    assert_true(found);
    assert_busy_for(scene, payment_settings.look_busy_s); /* the saga's */
    scene_make_due(scene, 60);
    assert_null(outcome_begin_look(scene->ctx, scene->order.payment_id, &taken, &ours));
    assert_true(ours);
    assert_busy_for(scene, payment_settings.look_busy_s); /* a confirm's */
}

static void test_question_about_money_has_its_own_time(void **state)
{
    struct scene *scene = *state;
    struct payment taken;
    bool found;
    scene_make_due(scene, -1);
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).question, QUESTION_LATE);
    scene_make_due(scene, 60);
    assert_null(settle_take(scene->ctx, &taken, &found));
    assert_true(found);
    assert_busy_for(scene, payment_settings.busy_s);
}

/* Ordered in the hold's last seconds, paid at once, and the browser lost: there is time for a ticket. */
static void test_order_at_the_end_of_the_hold_is_looked_at_before_it(void **state)
{
    struct scene *scene = *state;
    enum { HOLD_S = 20 };
    int64_t deadlines[2], hold_ends_at = clock_now() + HOLD_S * CLOCK_SECOND;
    scene_order_anew(scene, HOLD_S);
    scene_deadlines(scene, deadlines);
    assert_true(deadlines[1] < hold_ends_at - 10 * CLOCK_SECOND);
}

/* What has taken so long that another one is at work by now does nothing outside either. */
static void test_step_of_a_lost_turn_is_not_taken(void **state)
{
    struct scene *scene = *state;
    struct payment late = take(scene), taken, after;
    struct finding paid = {.evidence = EVIDENCE_PAID};
    bool found;
    scene_make_due(scene, 60);
    assert_null(settle_take(scene->ctx, &taken, &found));
    assert_null(outcome_conclude(scene->ctx, &late, &paid, &after));
    assert_int_equal(scene->world->secured, 0);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    assert_null(outcome_conclude(scene->ctx, &taken, &paid, &after));
    assert_int_equal(scene->world->secured, 1);
    assert_int_equal(after.status, PAYMENT_SUCCESS);
}

static void test_settle_leaves_a_busy_payment_alone(void **state)
{
    struct scene *scene = *state;
    take(scene);
    world_charge(scene->world);
    assert_null(scene_webhook(scene, fixture_uuid(), "Transaction.Paid", SCENE_WEBHOOK_SECRET));
    scene_settle_all(scene);
    assert_int_equal(scene_payment(scene).status, PAYMENT_PENDING);
    assert_int_equal(scene->world->asked, 0);
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
        TEST(test_settle_asks_often_just_before_the_hold_ends),
        TEST(test_settle_takes_first_what_somebody_waits_for),
        TEST(test_settle_keeps_asking_about_what_is_open_after_failure),
        TEST(test_finding_from_before_a_refund_was_asked_for_counts_no_more),
        TEST(test_lost_turn_does_nothing_outside),
        TEST(test_finding_of_a_lost_turn_counts_no_more),
        TEST(test_hint_while_somebody_is_at_work_is_followed),
        TEST(test_look_that_died_is_repeated_before_the_hold_ends),
        TEST(test_question_about_money_has_its_own_time),
        TEST(test_order_at_the_end_of_the_hold_is_looked_at_before_it),
        TEST(test_step_of_a_lost_turn_is_not_taken),
        TEST(test_settle_leaves_a_busy_payment_alone),
        TEST(test_transitions_in_c_and_sql_are_the_same),
        TEST(test_questions_in_c_and_sql_are_the_same),
        TEST(test_illegal_transition_is_refused_by_sql),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return !scene_close_world() || failed;
}
