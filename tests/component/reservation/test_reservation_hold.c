/* Holds against real stores: all or nothing, PostgreSQL decides, one owner per seat (RSV-001, RSV-003, RSV-005,
 * RSV-008). */

#include "tests/support/hold_scene.h"

static void test_hold_free_seats_claims_them_all(void **state)
{
    struct scene *scene = *state;
    struct hold made = must_hold(scene, scene->first, 0, 3);
    const struct reservation_seat *seats = made.seats.items;
    assert_int_equal(made.total_amount, 3 * SALE_PRICE);
    assert_string_equal(made.status, "PENDING");
    assert_string_equal(seats[1].seat_number, "A-2");
    assert_string_equal(seats[1].grade, "VIP");
    assert_true(made.hold_expires_at > clock_now() + 290 * CLOCK_SECOND);
    assert_int_equal(claims_of(scene, made.reservation_id), 3);
    struct reservation reservation;
    assert_null(reservation_get_of(scene->ctx, scene->first.user, made.reservation_id, &reservation));
    assert_int_equal(reservation.status, RESERVATION_PENDING);
    assert_int_equal(reservation.seats.count, 3);
    assert_string_equal(reservation.event_title, "Concert");
    assert_false(reservation.lapsed);
    struct seat_map map = map_of(scene);
    assert_int_equal(map.total, SALE_SEATS);
    assert_int_equal(map.held.count, 3);
    assert_int_equal(map.sold.count, 0);
}

static void test_hold_one_seat_taken_leaves_the_others_free(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    must_hold(scene, scene->first, 1, 1);
    assert_ptr_equal(hold(scene, scene->second, 0, 3, &made), &err_seat_already_held);
    assert_int_equal(map_of(scene).held.count, 1);
    must_hold(scene, scene->second, 2, 2);
}

static void test_hold_after_redis_lost_the_claim_is_refused_by_postgresql(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    must_hold(scene, scene->first, 0, 2);
    forget_in_redis(scene, 0);
    assert_ptr_equal(hold(scene, scene->second, 0, 1, &made), &err_seat_already_held);
    assert_int_equal(map_of(scene).held.count, 2); /* healed */
}

static void test_hold_sold_seat_that_redis_forgot_is_sold(void **state)
{
    struct scene *scene = *state;
    struct hold made = must_hold(scene, scene->first, 0, 1);
    assert_null(DB_RUN(scene->ctx, &test_stmt_sell, NULL, DB_TEXT(made.reservation_id)));
    forget_in_redis(scene, 0);
    assert_ptr_equal(hold(scene, scene->second, 0, 1, &made), &err_seat_sold);
    assert_int_equal(map_of(scene).sold.count, 1);
    assert_ptr_equal(hold(scene, scene->second, 0, 1, &made), &err_seat_sold); /* by the gate */
}

static void test_hold_lapsed_seat_is_taken_over(void **state)
{
    struct scene *scene = *state;
    struct hold old = must_hold(scene, scene->first, 0, 2);
    lapse(scene, old.reservation_id);
    forget_in_redis(scene, 0);
    struct hold made = must_hold(scene, scene->second, 0, 1);
    assert_int_equal(claims_of(scene, old.reservation_id), 1);
    assert_int_equal(claims_of(scene, made.reservation_id), 1);
}

static void test_hold_after_own_lapsed_hold_cancels_it(void **state)
{
    struct scene *scene = *state;
    struct hold old = must_hold(scene, scene->first, 0, 2);
    lapse(scene, old.reservation_id);
    must_hold(scene, scene->first, 4, 1);
    struct reservation reservation;
    assert_null(reservation_get(scene->ctx, old.reservation_id, &reservation));
    assert_int_equal(reservation.status, RESERVATION_CANCELLED);
    assert_int_equal(claims_of(scene, old.reservation_id), 0);
    assert_int_equal(sale_events(old.reservation_id, "ReservationCancelled"), 1);
}

/* Redis was emptied: seats come back from the event service, claims from PostgreSQL. */
static void test_hold_after_redis_lost_everything_loads_it_again(void **state)
{
    struct scene *scene = *state;
    struct hold sold = must_hold(scene, scene->first, 0, 1);
    assert_null(DB_RUN(scene->ctx, &test_stmt_sell, NULL, DB_TEXT(sold.reservation_id)));
    struct buyer third = admit(scene->ctx, &scene->sale);
    must_hold(scene, third, 1, 2);
    struct seat_keys keys = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id);
    assert_null(REDIS_RUN(scene->ctx, NULL, "DEL", keys.seats, keys.claims));
    struct stub_server *server = stub_start(serve_seats, &scene->sale);
    cfg_service = (struct cfg_service){.internal_url = stub_url(server), .key = fixture_uuid()};
    struct hold made;
    const struct err *on_sold = hold(scene, scene->second, 0, 1, &made);
    stub_stop(&server);
    assert_ptr_equal(on_sold, &err_seat_sold);
    assert_ptr_equal(hold(scene, scene->second, 2, 1, &made), &err_seat_already_held);
    made = must_hold(scene, scene->second, 3, 1);
    assert_int_equal(made.total_amount, SALE_PRICE);
    struct seat_map map = map_of(scene);
    assert_int_equal(map.total, SALE_SEATS);
    assert_int_equal(map.sold.count, 1);
    assert_int_equal(map.held.count, 3);
}

/* However often the gate has to be asked until the seats are known. */
static void test_hold_before_an_empty_mirror_is_one_try(void **state)
{
    struct scene *scene = *state;
    int64_t before = reservation_settings.holds_per_minute;
    struct seat_keys keys = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id);
    assert_null(REDIS_RUN(scene->ctx, NULL, "DEL", keys.seats, keys.claims));
    struct stub_server *server = stub_start(serve_seats, &scene->sale);
    cfg_service = (struct cfg_service){.internal_url = stub_url(server), .key = fixture_uuid()};
    reservation_settings.holds_per_minute = 1;
    struct hold made;
    const struct err *e = hold(scene, scene->second, 3, 1, &made);
    reservation_settings.holds_per_minute = before;
    stub_stop(&server);
    assert_null(e);
}

static void test_hold_while_nobody_knows_the_seats_is_unavailable(void **state)
{
    struct scene *scene = *state;
    struct seat_keys keys = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id);
    assert_null(REDIS_RUN(scene->ctx, NULL, "DEL", keys.seats));
    cfg_service = (struct cfg_service){.internal_url = "http://127.0.0.1:1", .key = fixture_uuid()};
    struct hold made;
    assert_ptr_equal(hold(scene, scene->first, 0, 1, &made), &err_unavailable);
}

static void test_hold_without_redis_is_unavailable_and_holds_nothing(void **state)
{
    struct scene *scene = *state;
    struct redis *redis = scene->ctx->redis;
    struct hold made;
    scene->ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    const struct err *e = hold(scene, scene->first, 0, 1, &made);
    redis_free(&scene->ctx->redis);
    scene->ctx->redis = redis;
    assert_ptr_equal(e, &err_unavailable);
    must_hold(scene, scene->first, 0, 1);
}

/* The gate let the buyer through, then PostgreSQL is gone: the gate's mark is taken back. */
static void test_hold_without_postgresql_leaves_the_seats_free(void **state)
{
    struct scene *scene = *state;
    struct db *db = scene->ctx->db;
    struct hold made;
    const char *url = cfg_db.url;
    cfg_db.url = "postgresql://reservation_service@/boxoffice?host=/nonexistent";
    scene->ctx->db = db_new();
    const struct err *e = hold(scene, scene->first, 0, 1, &made);
    db_free(&scene->ctx->db);
    scene->ctx->db = db;
    cfg_db.url = url;
    assert_ptr_equal(e, &err_unavailable);
    assert_int_equal(map_of(scene).held.count, 0);
}

static void test_hold_second_hold_of_a_buyer_is_refused(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    must_hold(scene, scene->first, 0, 1);
    assert_ptr_equal(hold(scene, scene->first, 1, 1, &made), &err_hold_exists);
    assert_int_equal(map_of(scene).held.count, 1); /* what the gate marked is taken back */
}

static void test_hold_of_own_seats_again_is_refused_and_keeps_the_first(void **state)
{
    struct scene *scene = *state;
    struct hold made, again;
    made = must_hold(scene, scene->first, 0, 2);
    assert_ptr_equal(hold(scene, scene->first, 0, 1, &again), &err_hold_exists);
    assert_int_equal(map_of(scene).held.count, 2);
    assert_null(hold_release(scene->ctx, scene->first.user, made.reservation_id));
    assert_int_equal(map_of(scene).held.count, 0);
}

static void test_hold_five_seats_is_refused(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    assert_ptr_equal(hold(scene, scene->first, 0, 5, &made), &err_too_many_seats);
}

static void test_hold_seat_of_another_sale_is_invalid(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    struct hold_request request = request_of(scene, scene->first, 0, 1);
    const char *stranger = fixture_uuid();
    request.seat_ids = (struct json_list){&stranger, 1};
    assert_ptr_equal(hold_create(scene->ctx, &request, &made), &err_invalid_request);
}

static void test_hold_with_anothers_token_is_refused(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    struct buyer thief = {fixture_uuid(), scene->first.token};
    assert_ptr_equal(hold(scene, thief, 0, 1, &made), &err_queue_token_invalid);
    assert_int_equal(map_of(scene).held.count, 0);
}

static void test_hold_outside_the_sale_window_is_refused(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    struct schedule schedule = sale_schedule(&scene->sale);
    schedule.sale_start_at = clock_now() + 60 * CLOCK_SECOND;
    sale_publish(scene->ctx, &schedule);
    assert_ptr_equal(hold(scene, scene->first, 0, 1, &made), &err_sale_not_open);
    schedule.sale_start_at = clock_now() - 120 * CLOCK_SECOND;
    schedule.sale_end_at = clock_now() - 60 * CLOCK_SECOND;
    sale_publish(scene->ctx, &schedule);
    assert_ptr_equal(hold(scene, scene->first, 0, 1, &made), &err_sale_ended);
    schedule = sale_schedule(&scene->sale);
    schedule.status = "CANCELLED";
    sale_publish(scene->ctx, &schedule);
    assert_ptr_equal(hold(scene, scene->first, 0, 1, &made), &err_sale_ended);
}

static void test_hold_repeated_with_its_key_gets_the_first_answer(void **state)
{
    struct scene *scene = *state;
    struct hold_request request = request_of(scene, scene->first, 0, 2);
    request.idempotency =
        (struct idempotency){"key-of-this-test-1", scene->first.user, "POST /reservations/hold", "body", 4};
    struct hold made, again;
    assert_null(hold_create(scene->ctx, &request, &made));
    assert_null(hold_create(scene->ctx, &request, &again));
    assert_string_equal(made.reservation_id, again.reservation_id);
    assert_int_equal(made.total_amount, again.total_amount);
    assert_int_equal(again.seats.count, 2);
    /* also when Redis has forgotten the hold meanwhile: the gate's new mark is taken back */
    forget_in_redis(scene, 0);
    forget_in_redis(scene, 1);
    assert_null(hold_create(scene->ctx, &request, &again));
    assert_string_equal(made.reservation_id, again.reservation_id);
    clock_freeze((made.hold_expires_at / CLOCK_SECOND - 7) * CLOCK_SECOND); /* told in whole seconds */
    assert_null(hold_create(scene->ctx, &request, &again));
    clock_freeze(CLOCK_NONE);
    assert_int_equal(again.hold_expires_in, 7);
    assert_true(made.hold_expires_in > 7);
    request.idempotency.body = "other";
    request.idempotency.body_len = 5;
    assert_ptr_equal(hold_create(scene->ctx, &request, &again), &err_idempotency_key_reused);
}

static void test_release_frees_the_seats_for_others(void **state)
{
    struct scene *scene = *state;
    struct hold made = must_hold(scene, scene->first, 0, 2);
    assert_ptr_equal(hold_release(scene->ctx, scene->second.user, made.reservation_id), &err_not_found);
    assert_null(hold_release(scene->ctx, scene->first.user, made.reservation_id));
    assert_null(hold_release(scene->ctx, scene->first.user, made.reservation_id));
    assert_int_equal(sale_events(made.reservation_id, "ReservationCancelled"), 1);
    must_hold(scene, scene->second, 0, 2);
}

static void test_list_pages_newest_first(void **state)
{
    struct scene *scene = *state;
    struct hold old = must_hold(scene, scene->first, 0, 1);
    assert_null(hold_release(scene->ctx, scene->first.user, old.reservation_id));
    struct hold made = must_hold(scene, scene->first, 1, 1);
    struct json_list list;
    int64_t total;
    assert_null(reservation_list(scene->ctx, scene->first.user, 0, 1, &list, &total));
    assert_int_equal(total, 2);
    assert_int_equal(list.count, 1);
    assert_string_equal(((struct reservation *)list.items)[0].id, made.reservation_id);
    assert_null(reservation_list(scene->ctx, scene->first.user, 5, 1, &list, &total));
    assert_int_equal(list.count, 0);
    assert_int_equal(total, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hold_free_seats_claims_them_all),
        TEST(test_hold_one_seat_taken_leaves_the_others_free),
        TEST(test_hold_after_redis_lost_the_claim_is_refused_by_postgresql),
        TEST(test_hold_sold_seat_that_redis_forgot_is_sold),
        TEST(test_hold_lapsed_seat_is_taken_over),
        TEST(test_hold_after_own_lapsed_hold_cancels_it),
        TEST(test_hold_after_redis_lost_everything_loads_it_again),
        TEST(test_hold_before_an_empty_mirror_is_one_try),
        TEST(test_hold_while_nobody_knows_the_seats_is_unavailable),
        TEST(test_hold_without_redis_is_unavailable_and_holds_nothing),
        TEST(test_hold_without_postgresql_leaves_the_seats_free),
        TEST(test_hold_second_hold_of_a_buyer_is_refused),
        TEST(test_hold_of_own_seats_again_is_refused_and_keeps_the_first),
        TEST(test_hold_five_seats_is_refused),
        TEST(test_hold_seat_of_another_sale_is_invalid),
        TEST(test_hold_with_anothers_token_is_refused),
        TEST(test_hold_outside_the_sale_window_is_refused),
        TEST(test_hold_repeated_with_its_key_gets_the_first_answer),
        TEST(test_release_frees_the_seats_for_others),
        TEST(test_list_pages_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
