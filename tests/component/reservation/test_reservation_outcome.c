/* What payment and time do to a reservation, against real stores (RSV-004, RSV-007, RSV-011, PAY-005, PAY-012). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "src/contract/reservation_api.h"
#include "src/reservation/expiry.h"
#include "src/reservation/outcome.h"
#include "src/reservation/reservation.h"
#include "src/reservation/reservation_errors.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/seat_keys.h"
#include "src/reservation/seat_mirror.h"
#include "src/reservation/secure.h"
#include "tests/support/fixture.h"
#include "tests/support/hold_steps.h"
#include "tests/support/sale.h"

static const struct db_stmt test_stmt_lock = {.name = "test_lock",
                                              .sql = "SELECT id FROM reservations WHERE id = $1 FOR UPDATE"};
static const struct db_stmt test_stmt_free = {
    .name = "test_free", .sql = "SELECT id FROM reservations WHERE id = $1 FOR UPDATE SKIP LOCKED"};
static const struct db_stmt test_stmt_waiting = {.name = "test_waiting",
                                                 .sql = "SELECT count(*) AS total FROM pg_locks WHERE NOT granted"};
static const struct db_stmt test_stmt_ends = {
    .name = "test_ends", .sql = "SELECT DISTINCT expires_at FROM seat_claims WHERE reservation_id = $1"};
static const struct db_stmt test_stmt_lapse = {
    .name = "test_lapse",
    .sql = "WITH r AS (UPDATE reservations SET hold_expires_at = clock_timestamp() - interval '1 s' "
           "WHERE id = $1 RETURNING id, secured_by) "
           "UPDATE seat_claims c SET expires_at = clock_timestamp() - interval '1 s' "
           "FROM r WHERE c.reservation_id = r.id AND r.secured_by IS NULL"};
static const struct db_stmt test_stmt_transitions = {
    .name = "test_transitions",
    .sql = "SELECT from_status, to_status FROM reservation_transitions ORDER BY from_status, to_status"};
static const struct db_stmt test_stmt_set_status = {.name = "test_set_status",
                                                    .sql = "UPDATE reservations SET status = $2 WHERE id = $1"};

static const struct db_stmt test_stmt_move = {
    .name = "test_move", .sql = "UPDATE seat_claims SET reservation_id = $2 WHERE reservation_id = $1"};

struct scene {
    struct ctx *ctx;
    struct sale sale;
    const char *buyer;
    const char *payment;
    struct hold hold; /* the first two seats, by the buyer */
};

static struct hold hold_as(struct scene *scene, const char *user, size_t first, size_t count)
{
    struct hold_request request = {.user_id = user,
                                   .queue_token = sale_admit(scene->ctx, &scene->sale, user),
                                   .schedule_id = scene->sale.schedule_id,
                                   .seat_ids = sale_seats(&scene->sale, first, count)};
    struct hold made = {0};
    assert_null(hold_create(scene->ctx, &request, &made));
    return made;
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    reservation_settings = (struct reservation_settings){.hold_ttl_s = 300,
                                                         .holds_per_minute = 1000,
                                                         .catalogue_s = 600,
                                                         .ticket_key = "ticket-key-of-these-tests-0123456789"};
    scene->ctx = fixture_ctx("reservation_service", NEED_REDIS | NEED_HTTP);
    scene->sale = sale_open(scene->ctx);
    scene->buyer = fixture_uuid();
    scene->payment = fixture_uuid();
    scene->hold = hold_as(scene, scene->buyer, 0, 2);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    fixture_free(&scene->ctx);
    free(scene);
    return 0;
}

static struct reservation reservation_of(struct scene *scene)
{
    struct reservation reservation = {0};
    assert_null(reservation_get(scene->ctx, scene->hold.reservation_id, &reservation));
    return reservation;
}

static const struct err *secure_by(struct scene *scene, const char *payment, int64_t amount)
{
    struct reservation_secure secure = {payment, amount};
    struct reservation_info info;
    return reservation_secure_seats(scene->ctx, scene->hold.reservation_id, &secure, &info);
}

static void lapse(struct scene *scene)
{
    assert_null(DB_RUN(scene->ctx, &test_stmt_lapse, NULL, DB_TEXT(scene->hold.reservation_id)));
}

static void forget_in_redis(struct scene *scene, size_t seat)
{
    const char *claims = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id).claims;
    assert_null(REDIS_RUN(scene->ctx, NULL, "HDEL", claims, scene->sale.seats[seat]));
}

static const struct err *handle_success(struct ctx *ctx, void *arg)
{
    const struct payment_success *payment = arg;
    struct event event = {.id = fixture_uuid()};
    return reservation_on_payment_success(ctx, &event, payment);
}

static const struct err *handle_failed(struct ctx *ctx, void *arg)
{
    const struct payment_failed *payment = arg;
    struct event event = {.id = fixture_uuid()};
    return reservation_on_payment_failed(ctx, &event, payment);
}

static void deliver_success(struct scene *scene, const char *payment_id)
{
    struct payment_success payment = {.payment_id = payment_id,
                                      .payment_key = "key",
                                      .reservation_id = scene->hold.reservation_id,
                                      .amount = scene->hold.total_amount,
                                      .paid_at = clock_now()};
    assert_null(db_transact(scene->ctx, handle_success, &payment));
    assert_null(reservation_mirror_outcome(scene->ctx, scene->hold.reservation_id));
}

static void deliver_failed(struct scene *scene, const char *payment_id)
{
    struct payment_failed payment = {.payment_id = payment_id,
                                     .payment_key = "key",
                                     .reservation_id = scene->hold.reservation_id,
                                     .amount = scene->hold.total_amount,
                                     .failure_reason = "DECLINED",
                                     .failed_at = clock_now()};
    assert_null(db_transact(scene->ctx, handle_failed, &payment));
    assert_null(reservation_mirror_outcome(scene->ctx, scene->hold.reservation_id));
}

static int64_t events(struct scene *scene, const char *type)
{
    return sale_events(scene->hold.reservation_id, type);
}

static const struct db_stmt test_stmt_told = {
    .name = "test_told",
    .sql = "SELECT (envelope::jsonb #>> '{payload,confirmedAt}')::timestamptz AS confirmed_at"
           " FROM common.outbox_events WHERE aggregate_id = $1 AND event_type = $2"};

/* What the only event of this type says of when the reservation was confirmed. */
static int64_t told_confirmation(struct scene *scene, const char *type)
{
    struct ctx *relay = fixture_ctx("outbox_relay", NEED_DB);
    const struct db_rows *rows;
    assert_null(DB_RUN(relay, &test_stmt_told, &rows, DB_TEXT(scene->hold.reservation_id), DB_TEXT(type)));
    assert_int_equal(db_count(rows), 1);
    int64_t at = db_time(rows, 0, "confirmed_at");
    fixture_free(&relay);
    return at;
}

/* Other tests' holds may lapse too: sweeps until there is nothing left. */
static void expire_all(struct ctx *ctx)
{
    int64_t released = 0;
    do {
        assert_null(reservation_expire_holds(ctx, &released));
    } while (released > 0);
}

/* ---- securing ---- */

static void test_secure_pending_is_repeatable_by_the_same_payment_only(void **state)
{
    struct scene *scene = *state;
    assert_ptr_equal(secure_by(scene, scene->payment, 1), &err_amount_mismatch);
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    assert_ptr_equal(secure_by(scene, fixture_uuid(), scene->hold.total_amount), &err_hold_expired);
    assert_string_equal(reservation_of(scene).secured_by, scene->payment);
}

static void test_secure_lapsed_but_untaken_succeeds(void **state)
{
    struct scene *scene = *state;
    lapse(scene);
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
}

static void test_secure_after_one_seat_was_taken_is_refused(void **state)
{
    struct scene *scene = *state;
    lapse(scene);
    forget_in_redis(scene, 1);
    hold_as(scene, fixture_uuid(), 1, 1);
    assert_ptr_equal(secure_by(scene, scene->payment, scene->hold.total_amount), &err_hold_expired);
    assert_null(reservation_of(scene).secured_by);
}

static void test_secured_seats_survive_expiry_and_other_buyers(void **state)
{
    struct scene *scene = *state;
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    lapse(scene);
    expire_all(scene->ctx);
    assert_int_equal(reservation_of(scene).status, RESERVATION_PENDING);
    forget_in_redis(scene, 0);
    const char *rival = fixture_uuid();
    struct hold_request request = {.user_id = rival,
                                   .queue_token = sale_admit(scene->ctx, &scene->sale, rival),
                                   .schedule_id = scene->sale.schedule_id,
                                   .seat_ids = sale_seats(&scene->sale, 0, 1)};
    struct hold made;
    assert_ptr_equal(hold_create(scene->ctx, &request, &made), &err_seat_already_held);
}

static void test_release_of_secured_seats_is_refused(void **state)
{
    struct scene *scene = *state;
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    assert_ptr_equal(hold_release(scene->ctx, scene->buyer, scene->hold.reservation_id), &err_payment_in_progress);
}

/* The payment is in flight: whoever holds again waits for it, the buyer too. */
static void test_secured_hold_survives_its_own_buyers_next_hold(void **state)
{
    struct scene *scene = *state;
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    lapse(scene);
    struct hold_request request = {.user_id = scene->buyer,
                                   .queue_token = sale_admit(scene->ctx, &scene->sale, scene->buyer),
                                   .schedule_id = scene->sale.schedule_id,
                                   .seat_ids = sale_seats(&scene->sale, 3, 1)};
    struct hold made;
    assert_ptr_equal(hold_create(scene->ctx, &request, &made), &err_hold_exists);
    assert_int_equal(reservation_of(scene).status, RESERVATION_PENDING);
    deliver_success(scene, scene->payment);
    assert_int_equal(reservation_of(scene).status, RESERVATION_CONFIRMED);
}

static const struct err *unsecure_by(struct scene *scene, const char *payment)
{
    struct reservation_info info;
    return reservation_unsecure_seats(scene->ctx, scene->hold.reservation_id, payment, &info);
}

static void test_unsecured_seats_end_with_the_hold(void **state)
{
    struct scene *scene = *state;
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    assert_null(unsecure_by(scene, fixture_uuid())); /* not its own: nothing */
    assert_string_equal(reservation_of(scene).secured_by, scene->payment);
    assert_null(unsecure_by(scene, scene->payment));
    assert_null(unsecure_by(scene, scene->payment));
    assert_null(reservation_of(scene).secured_by);
    const struct db_rows *rows;
    assert_null(DB_RUN(scene->ctx, &test_stmt_ends, &rows, DB_TEXT(scene->hold.reservation_id)));
    assert_int_equal(db_count(rows), 1);
    assert_int_equal(db_time(rows, 0, "expires_at"), scene->hold.hold_expires_at);
    /* and may be given back */
    assert_null(hold_release(scene->ctx, scene->buyer, scene->hold.reservation_id));
}

static void test_unsecure_after_the_ticket_changes_nothing(void **state)
{
    struct scene *scene = *state;
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    deliver_success(scene, scene->payment);
    assert_null(unsecure_by(scene, scene->payment));
    assert_int_equal(reservation_of(scene).status, RESERVATION_CONFIRMED);
    assert_string_equal(reservation_of(scene).secured_by, scene->payment);
}

/* ---- outcomes ---- */

static void test_payment_success_gives_one_ticket(void **state)
{
    struct scene *scene = *state;
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    deliver_success(scene, scene->payment);
    struct reservation first = reservation_of(scene);
    assert_int_equal(first.status, RESERVATION_CONFIRMED);
    assert_int_equal(strlen(first.ticket_number), 17);
    deliver_success(scene, scene->payment); /* another event about the same payment */
    assert_string_equal(reservation_of(scene).ticket_number, first.ticket_number);
    assert_int_equal(events(scene, "ReservationConfirmed"), 1);
    struct seat_map map;
    assert_null(seat_mirror_map(scene->ctx, scene->sale.schedule_id, &map));
    assert_int_equal(map.sold.count, 2);
    assert_ptr_equal(hold_release(scene->ctx, scene->buyer, scene->hold.reservation_id), &err_cancel_not_allowed);
}

static const struct db_stmt test_stmt_play = {
    .name = "test_play",
    .sql = "UPDATE reservation_service.reservations SET event_start_at = clock_timestamp() WHERE id = $1"};

static void assert_standing(struct scene *scene, const char *user_id, int64_t tickets, int64_t pending)
{
    int64_t found_tickets, found_pending;
    assert_null(reservation_standing_of(scene->ctx, user_id, &found_tickets, &found_pending));
    assert_int_equal(found_tickets, tickets);
    assert_int_equal(found_pending, pending);
}

static void test_standing_counts_what_a_buyer_would_lose(void **state)
{
    struct scene *scene = *state;
    assert_standing(scene, fixture_uuid(), 0, 0);
    assert_standing(scene, scene->buyer, 0, 1);
    lapse(scene);
    assert_standing(scene, scene->buyer, 0, 0);
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    assert_standing(scene, scene->buyer, 0, 1); /* money may be under way */
    deliver_success(scene, scene->payment);
    assert_standing(scene, scene->buyer, 1, 0);
    struct ctx *owner = fixture_ctx("boxoffice_admin", NEED_DB);
    assert_null(DB_RUN(owner, &test_stmt_play, NULL, DB_TEXT(scene->hold.reservation_id)));
    assert_standing(scene, scene->buyer, 0, 0);
    fixture_free(&owner);
}

static void test_payment_success_after_cancellation_is_rejected(void **state)
{
    struct scene *scene = *state;
    assert_null(hold_release(scene->ctx, scene->buyer, scene->hold.reservation_id));
    deliver_success(scene, scene->payment);
    assert_int_equal(reservation_of(scene).status, RESERVATION_CANCELLED);
    assert_int_equal(events(scene, "ReservationRejected"), 1);
    assert_int_equal(events(scene, "ReservationConfirmed"), 0);
}

static void test_payment_success_after_a_seat_was_taken_is_rejected(void **state)
{
    struct scene *scene = *state;
    lapse(scene);
    forget_in_redis(scene, 1);
    struct hold rival = hold_as(scene, fixture_uuid(), 1, 1);
    deliver_success(scene, scene->payment);
    assert_int_equal(reservation_of(scene).status, RESERVATION_CANCELLED);
    assert_int_equal(events(scene, "ReservationRejected"), 1);
    struct reservation other;
    assert_null(reservation_get(scene->ctx, rival.reservation_id, &other));
    assert_int_equal(other.status, RESERVATION_PENDING);
    struct seat_map map;
    assert_null(seat_mirror_map(scene->ctx, scene->sale.schedule_id, &map));
    assert_int_equal(map.sold.count, 0);
    assert_int_equal(map.held.count, 1);
}

static void test_payment_success_of_a_second_payment_is_rejected(void **state)
{
    struct scene *scene = *state;
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    deliver_success(scene, fixture_uuid());
    assert_int_equal(events(scene, "ReservationRejected"), 1);
    assert_int_equal(reservation_of(scene).status, RESERVATION_PENDING);
}

static void test_payment_success_of_another_amount_is_rejected(void **state)
{
    struct scene *scene = *state;
    scene->hold.total_amount -= 1;
    deliver_success(scene, scene->payment);
    assert_int_equal(reservation_of(scene).status, RESERVATION_PENDING);
    assert_int_equal(events(scene, "ReservationRejected"), 1);
}

static void test_payment_failed_frees_the_seats(void **state)
{
    struct scene *scene = *state;
    assert_null(secure_by(scene, scene->payment, scene->hold.total_amount));
    deliver_failed(scene, fixture_uuid()); /* not the one that secured them */
    assert_int_equal(reservation_of(scene).status, RESERVATION_PENDING);
    deliver_failed(scene, scene->payment);
    assert_int_equal(reservation_of(scene).status, RESERVATION_CANCELLED);
    assert_int_equal(events(scene, "ReservationCancelled"), 1);
    hold_as(scene, fixture_uuid(), 0, 2);
}

/* ---- time ---- */

static const struct err *handle_refunded(struct ctx *ctx, void *arg)
{
    const struct payment_refunded *payment = arg;
    struct event event = {.id = fixture_uuid()};
    return reservation_on_payment_refunded(ctx, &event, payment);
}

static void deliver_refunded(struct scene *scene, const char *payment_id)
{
    struct payment_refunded payment = {.payment_id = payment_id,
                                       .reservation_id = scene->hold.reservation_id,
                                       .amount = scene->hold.total_amount,
                                       .reason = "TAKEN_BACK_AT_PROVIDER",
                                       .refunded_at = clock_now()};
    assert_null(db_transact(scene->ctx, handle_refunded, &payment));
    assert_null(reservation_mirror_outcome(scene->ctx, scene->hold.reservation_id));
}

static void test_payment_refunded_ends_its_ticket(void **state)
{
    struct scene *scene = *state;
    deliver_success(scene, scene->payment);
    deliver_refunded(scene, fixture_uuid()); /* another payment's: nothing */
    assert_int_equal(reservation_of(scene).status, RESERVATION_CONFIRMED);
    deliver_refunded(scene, scene->payment);
    deliver_refunded(scene, scene->payment);
    assert_int_equal(reservation_of(scene).status, RESERVATION_CANCELLED);
    assert_int_equal(events(scene, "ReservationCancelled"), 1);
    int64_t confirmed_at = told_confirmation(scene, "ReservationConfirmed");
    assert_int_not_equal(confirmed_at, CLOCK_NONE);
    assert_int_equal(told_confirmation(scene, "ReservationCancelled"), confirmed_at);
    hold_as(scene, fixture_uuid(), 0, 2);
}

static void test_payment_refunded_before_any_ticket_changes_nothing(void **state)
{
    struct scene *scene = *state;
    deliver_refunded(scene, scene->payment);
    assert_int_equal(reservation_of(scene).status, RESERVATION_PENDING);
}

static void test_expiry_cancels_lapsed_holds_once(void **state)
{
    struct scene *scene = *state;
    expire_all(scene->ctx);
    assert_int_equal(reservation_of(scene).status, RESERVATION_PENDING);
    lapse(scene);
    expire_all(scene->ctx);
    expire_all(scene->ctx);
    assert_int_equal(reservation_of(scene).status, RESERVATION_CANCELLED);
    assert_int_equal(events(scene, "ReservationCancelled"), 1);
    assert_int_equal(told_confirmation(scene, "ReservationCancelled"), CLOCK_NONE);
    hold_as(scene, fixture_uuid(), 0, 2);
}

/* ---- the two state tables ---- */

static bool listed(const char *from, const char *to)
{
    for (size_t i = 0; i < reservation_transition_count; i++) {
        if (strcmp(reservation_status_name(reservation_transitions[i].from), from) == 0 &&
            strcmp(reservation_status_name(reservation_transitions[i].to), to) == 0) {
            return true;
        }
    }
    return false;
}

struct obstacle {
    const char *reservation_id;
    int told;        /* readable when it shall end */
    int64_t waiting; /* sessions that waited for it */
};

/* Has the reservation until it is told to end, or somebody waits for it. */
static const struct err *be_in_the_way(struct ctx *ctx, void *arg)
{
    struct obstacle *obstacle = arg;
    struct pollfd end = {.fd = obstacle->told, .events = POLLIN};
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &test_stmt_lock, &rows, DB_TEXT(obstacle->reservation_id));
    while (!e && obstacle->waiting == 0 && poll(&end, 1, 10) == 0) {
        e = DB_RUN0(ctx, &test_stmt_waiting, &rows);
        obstacle->waiting = e ? 0 : db_int(rows, 0, "total");
    }
    return e;
}

/* Several sweepers share the work: none waits for what another one has. */
static void test_expiry_passes_over_what_another_has(void **state)
{
    struct scene *scene = *state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    lapse(scene);
    pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        struct obstacle obstacle = {scene->hold.reservation_id, told[0], 0};
        struct ctx *ctx = fixture_ctx("reservation_service", NEED_REDIS);
        close(told[1]);
        _exit(db_transact(ctx, be_in_the_way, &obstacle) != NULL || obstacle.waiting > 0);
    }
    const struct db_rows *rows;
    do {
        assert_null(DB_RUN(scene->ctx, &test_stmt_free, &rows, DB_TEXT(scene->hold.reservation_id)));
    } while (db_count(rows) > 0);
    expire_all(scene->ctx);
    assert_int_equal(reservation_of(scene).status, RESERVATION_PENDING);
    close(told[1]);
    close(told[0]);
    int status;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expire_all(scene->ctx);
    assert_int_equal(reservation_of(scene).status, RESERVATION_CANCELLED);
}

static void test_transitions_in_c_and_sql_are_the_same(void **state)
{
    struct scene *scene = *state;
    const struct db_rows *rows;
    assert_null(DB_RUN0(scene->ctx, &test_stmt_transitions, &rows));
    size_t in_c = 0;
    for (int from = 0; from < RESERVATION_STATUS__MAX; from++) {
        for (int to = 0; to < RESERVATION_STATUS__MAX; to++) {
            in_c += listed(reservation_status_name((enum reservation_status)from),
                           reservation_status_name((enum reservation_status)to));
        }
    }
    assert_int_equal(db_count(rows), in_c);
    for (size_t i = 0; i < db_count(rows); i++) {
        assert_true(listed(db_str(rows, i, "from_status"), db_str(rows, i, "to_status")));
    }
}

static void test_illegal_transition_is_refused_by_sql(void **state)
{
    struct scene *scene = *state;
    assert_null(hold_release(scene->ctx, scene->buyer, scene->hold.reservation_id));
    assert_ptr_equal(
        DB_RUN(scene->ctx, &test_stmt_set_status, NULL, DB_TEXT(scene->hold.reservation_id), DB_TEXT("PENDING")),
        &err_internal);
}

static void test_sold_seats_go_to_nobody_else_by_sql(void **state)
{
    struct scene *scene = *state;
    const char *sold = scene->hold.reservation_id;
    const char *held = hold_as(scene, fixture_uuid(), 2, 2).reservation_id;
    deliver_success(scene, scene->payment);
    assert_ptr_equal(DB_RUN(scene->ctx, &test_stmt_move, NULL, DB_TEXT(sold), DB_TEXT(held)), &err_internal);
    assert_null(DB_RUN(scene->ctx, &test_stmt_move, NULL, DB_TEXT(held), DB_TEXT(sold)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_secure_pending_is_repeatable_by_the_same_payment_only),
        TEST(test_secure_lapsed_but_untaken_succeeds),
        TEST(test_secure_after_one_seat_was_taken_is_refused),
        TEST(test_secured_seats_survive_expiry_and_other_buyers),
        TEST(test_release_of_secured_seats_is_refused),
        TEST(test_secured_hold_survives_its_own_buyers_next_hold),
        TEST(test_unsecured_seats_end_with_the_hold),
        TEST(test_unsecure_after_the_ticket_changes_nothing),
        TEST(test_payment_success_gives_one_ticket),
        TEST(test_standing_counts_what_a_buyer_would_lose),
        TEST(test_payment_success_after_cancellation_is_rejected),
        TEST(test_payment_success_after_a_seat_was_taken_is_rejected),
        TEST(test_payment_success_of_a_second_payment_is_rejected),
        TEST(test_payment_success_of_another_amount_is_rejected),
        TEST(test_payment_failed_frees_the_seats),
        TEST(test_payment_refunded_ends_its_ticket),
        TEST(test_payment_refunded_before_any_ticket_changes_nothing),
        TEST(test_expiry_cancels_lapsed_holds_once),
        TEST(test_expiry_passes_over_what_another_has),
        TEST(test_transitions_in_c_and_sql_are_the_same),
        TEST(test_illegal_transition_is_refused_by_sql),
        TEST(test_sold_seats_go_to_nobody_else_by_sql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
