/* Seats sold and freed as reservations tell, on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "src/event/catalogue_cache.h"
#include "src/event/seat_layout.h"
#include "src/event/seat_map.h"
#include "tests/support/fixture.h"
#include "tests/support/sale.h"
#include "tests/support/seats_scene.h"

#define METRICS_TEXT_MAX (1u << 20)

static void test_seats_confirmed_are_sold_once(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid();
    assert_null(sell(buyer, 1, 2, 100));
    assert_map("ASSA");
    assert_null(sell(buyer, 1, 2, 100));
    assert_map("ASSA");
    assert_null(sell(fixture_uuid(), 0, 1, 200));
    assert_null(sell(fixture_uuid(), 3, 1, 200));
    assert_map("SSSS");
}

static void test_seats_cancelled_are_free_again(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid();
    assert_null(sell(buyer, 0, 4, 100));
    assert_null(give_back(buyer, 0, 4));
    assert_map("AAAA");
    assert_null(give_back(buyer, 0, 4));
    assert_map("AAAA");
}

static const struct db_stmt row_version = {.name = "test_row_version",
                                           .sql = "SELECT xmin::text AS version FROM event_schedules WHERE id = $1"};

static const char *schedule_row(void)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &row_version, &rows, DB_TEXT(schedule_id)));
    return db_str(rows, 0, "version");
}

static void test_holds_that_lapse_leave_the_row_of_a_busy_sale_alone(void **state)
{
    (void)state;
    const char *before = schedule_row();
    assert_null(give_back(fixture_uuid(), 0, 4));
    assert_string_equal(schedule_row(), before);
    assert_null(sell(fixture_uuid(), 0, 1, 100));
    assert_string_not_equal(schedule_row(), before);
}

static void test_seats_of_another_are_not_freed_by_a_late_cancellation(void **state)
{
    (void)state;
    const char *first = fixture_uuid(), *second = fixture_uuid();
    assert_null(sell(first, 0, 2, 100));
    assert_null(sell(second, 0, 1, 200));
    assert_null(give_back(first, 0, 2));
    assert_map("SAAA");
}

static void test_seats_of_a_later_buyer_stay_when_an_older_confirmation_arrives(void **state)
{
    (void)state;
    const char *first = fixture_uuid(), *second = fixture_uuid();
    assert_null(sell(second, 0, 1, 200));
    assert_null(sell(first, 0, 1, 100));
    assert_null(give_back(first, 0, 1));
    assert_map("SAAA");
}

static void test_seats_of_another_schedule_are_not_touched(void **state)
{
    (void)state;
    const struct seat_claim strange = {fixture_uuid(), fixture_uuid(), seats, 4};
    assert_ptr_equal(seat_map_sell(ctx, &strange, 100), &err_not_found);
    assert_null(seat_map_free(ctx, &strange, 100, 200));
    assert_map("AAAA");
}

static void test_seat_that_the_performance_does_not_have_is_no_reason_to_sell_none(void **state)
{
    (void)state;
    const char *const some[] = {fixture_uuid(), seats[1]};
    const struct seat_claim partly = {fixture_uuid(), schedule_id, some, 2};
    struct arena *arena = arena_new(METRICS_TEXT_MAX);
    struct buf text;
    char run_dir[] = P_tmpdir "/test_event_seats.XXXXXX";
    assert_non_null(mkdtemp(run_dir));
    assert_true(metrics_open(run_dir, "test"));
    assert_null(seat_map_sell(ctx, &partly, 100));
    assert_map("ASAA");
    buf_init(&text, arena, METRICS_TEXT_MAX / 4);
    assert_null(metrics_write(run_dir, &text));
    assert_non_null(strstr(text.data, "boxoffice_seats_unknown_total{program=\"test\"} 1\n"));
    arena_free(&arena);
    assert_int_equal(fixture_remove(run_dir), 0);
}

/* ---- events of one seat in any order ---- */

/* Two who bought it one after the other, and one whose hold lapsed between them. */
static const struct told {
    int buyer;
    int64_t confirmed_at, cancelled_at; /* a confirmation has no cancelled_at */
} history[] = {
    {0, 100, CLOCK_NONE}, {0, 100, 200}, {1, CLOCK_NONE, 450}, {2, 300, CLOCK_NONE}, {2, 300, 500},
};
#define TOLD_MAX ARRAY_COUNT(history)

static const char *buyers[3];

static void tell(const struct told *told)
{
    const struct seat_claim seat = claim(buyers[told->buyer], 0, 1);
    assert_null(told->cancelled_at == CLOCK_NONE ? seat_map_sell(ctx, &seat, told->confirmed_at)
                                                 : seat_map_free(ctx, &seat, told->confirmed_at, told->cancelled_at));
}

static const struct db_stmt renew_seat = {
    .name = "test_renew_seat",
    .sql = "WITH seat AS (UPDATE seats SET status = 'AVAILABLE', sold_by = NULL, sold_at = NULL, freed_at = NULL"
           " WHERE id = $2) UPDATE event_schedules SET seats_sold = 0 WHERE id = $1"};
static const struct db_stmt owner_of_seat = {.name = "test_owner_of_seat",
                                             .sql = "SELECT sold_by FROM seats WHERE id = $1"};

static void assert_owner(const char *owner)
{
    const struct db_rows *rows;
    assert_map(owner ? "SAAA" : "AAAA");
    assert_null(DB_RUN(ctx, &owner_of_seat, &rows, DB_TEXT(seats[0])));
    assert_true(owner ? strcmp(db_str(rows, 0, "sold_by"), owner) == 0 : db_null(rows, 0, "sold_by"));
}

/* The first `count` of the history, in order number `order` of all their orders, and once more in the same one. */
static void tell_in_order(size_t count, size_t order, const char *owner)
{
    size_t left[TOLD_MAX], told[TOLD_MAX];
    ctx_begin(ctx, NULL, NULL);
    assert_null(DB_RUN(ctx, &renew_seat, NULL, DB_TEXT(schedule_id), DB_TEXT(seats[0])));
    for (size_t i = 0; i < count; i++) {
        left[i] = i;
    }
    for (size_t i = 0; i < count; i++) {
        size_t pick = order % (count - i);
        order /= count - i;
        told[i] = left[pick];
        memmove(&left[pick], &left[pick + 1], (count - i - 1 - pick) * sizeof *left);
        tell(&history[told[i]]);
    }
    assert_owner(owner);
    for (size_t i = 0; i < count; i++) {
        tell(&history[told[i]]);
        assert_owner(owner);
    }
}

static void test_seat_ends_right_in_whatever_order_its_events_arrive(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(buyers); i++) {
        buyers[i] = fixture_uuid();
    }
    size_t orders = 1;
    for (size_t count = 1; count <= TOLD_MAX; count++) {
        orders *= count;
        const char *owner = count == 1 ? buyers[0] : count == 4 ? buyers[2] : NULL;
        for (size_t order = 0; order < orders; order++) {
            tell_in_order(count, order, owner);
        }
    }
}

/* Whether others take their copy of the schedule for fresh: one that is not lives a minute at most. */
static bool fresh(void)
{
    const struct redis_value *left_ms;
    assert_null(REDIS_RUN(ctx, &left_ms, "PTTL", arena_printf(ctx->arena, "schedule:{%s}:info", schedule_id)));
    return left_ms->integer > 60000;
}

static void test_copies_are_old_when_the_last_seat_goes_and_when_one_comes_back(void **state)
{
    (void)state;
    struct schedule schedule;
    const char *first = fixture_uuid(), *second = fixture_uuid();
    assert_null(seat_map_schedule(ctx, schedule_id, &schedule));
    assert_int_equal(schedule.sold_out, 0);
    sale_publish(ctx, &schedule);
    assert_null(sell(first, 0, 3, 100));
    assert_null(seat_map_drop_stale_copy(ctx, schedule_id));
    assert_true(fresh()); /* nobody asks anew for single seats */
    assert_null(sell(second, 3, 1, 200));
    assert_null(seat_map_drop_stale_copy(ctx, schedule_id));
    assert_false(fresh());
    assert_null(seat_map_drop_stale_copy(ctx, schedule_id));
    assert_null(seat_map_schedule(ctx, schedule_id, &schedule));
    assert_int_equal(schedule.sold_out, 1);
    sale_publish(ctx, &schedule);
    assert_null(seat_map_drop_stale_copy(ctx, schedule_id));
    assert_true(fresh());
    assert_null(give_back(first, 0, 3));
    assert_null(seat_map_drop_stale_copy(ctx, schedule_id));
    assert_false(fresh());
}

static void test_copy_that_is_being_made_is_old_when_a_seat_goes(void **state)
{
    (void)state;
    const struct redis_value *maker;
    const char *key = arena_printf(ctx->arena, "schedule:{%s}:fetching", schedule_id);
    assert_null(REDIS_RUN(ctx, NULL, "SET", key, "somebody", "PX", "60000"));
    assert_null(sell(fixture_uuid(), 0, 4, 100));
    assert_null(seat_map_drop_stale_copy(ctx, schedule_id));
    assert_null(REDIS_RUN(ctx, &maker, "GET", key));
    assert_string_equal(maker->str, "somebody!");
}

static bool map_is_fresh(void)
{
    const struct redis_value *left_ms;
    const struct catalogue_place place = catalogue_place_seats(ctx, schedule_id, "live");
    assert_null(REDIS_RUN(ctx, &left_ms, "PTTL", place.copy.key));
    return left_ms->integer > CATALOGUE_KEPT_MS;
}

static void test_holds_that_lapse_leave_the_maps_alone(void **state)
{
    (void)state;
    const struct catalogue_place place = catalogue_place_seats(ctx, schedule_id, "live");
    const char *life_ms = arena_int(ctx->arena, 2 * CATALOGUE_KEPT_MS);
    assert_null(REDIS_RUN(ctx, NULL, "SET", place.copy.key, "map", "PX", life_ms));
    assert_null(seat_map_drop_copy_of_freed(ctx, schedule_id, CLOCK_NONE));
    assert_true(map_is_fresh());
    assert_null(seat_map_drop_copy_of_freed(ctx, schedule_id, 100)); /* also of a repetition */
    assert_false(map_is_fresh());
}

static bool listed_as_sold_out(void)
{
    const struct event_filter everything = {.page = 0, .size = 100, .sort = "newest"};
    struct event_list list;
    assert_null(event_list(ctx, &everything, &list));
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.items[i].id, event_id) == 0) {
            return list.items[i].sold_out == 1;
        }
    }
    fail_msg("the event is not in the list");
    return false;
}

static void test_list_says_what_is_sold_out(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid();
    assert_false(listed_as_sold_out());
    assert_null(sell(buyer, 0, 4, 100));
    assert_true(listed_as_sold_out());
    assert_null(give_back(buyer, 0, 4));
    assert_false(listed_as_sold_out());
}

static void test_catalogue_tells_number_grade_and_price(void **state)
{
    (void)state;
    struct schedule_seats catalogue;
    assert_null(seat_map_catalogue(ctx, schedule_id, &catalogue));
    assert_int_equal(catalogue.seats.count, 4);
    const struct schedule_seat *last = (const struct schedule_seat *)catalogue.seats.items + 3;
    assert_string_equal(last->id, seats[3]);
    assert_string_equal(last->seat_number, "A-4");
    assert_string_equal(last->grade, "S");
    assert_int_equal(last->price, 1000);
}

static void assert_live(const char *sold, int64_t version)
{
    struct seat_live live;
    assert_null(seat_live_get(ctx, schedule_id, &live));
    assert_int_equal(live.count, 4);
    assert_string_equal(live.sold, sold);
    assert_int_equal(live.version, version);
}

static void test_live_state_has_a_bit_for_each_seat_sold(void **state)
{
    (void)state;
    const char *first = fixture_uuid();
    struct seat_live live;
    assert_live("AA==", 1);
    assert_null(sell(first, 0, 1, 100));
    assert_live("AQ==", 2);
    assert_null(sell(fixture_uuid(), 3, 1, 100));
    assert_live("CQ==", 3);
    assert_null(give_back(first, 0, 1));
    assert_live("CA==", 4);
    assert_ptr_equal(seat_live_get(ctx, fixture_uuid(), &live), &err_not_found);
}

/* ---- how long answers are fresh near the edges of the sale, which opened a minute ago ---- */

static const struct err *make_answer(struct ctx *unit, void *with, struct catalogue_answer *answer_r)
{
    (void)unit;
    (*(int *)with)++;
    *answer_r = (struct catalogue_answer){.etag = "\"tag\"", .bytes = "answer", .len = 6};
    return NULL;
}

static int64_t fresh_ms_of(const struct catalogue_place *place)
{
    struct catalogue_answer answer;
    const struct redis_value *left;
    int made = 0;
    copy_forget(ctx, &place->copy);
    assert_null(catalogue_cache_get(ctx, place, make_answer, &made, &answer));
    assert_null(REDIS_RUN(ctx, &left, "PTTL", place->copy.key));
    return left->integer - CATALOGUE_KEPT_MS;
}

static const struct db_stmt set_window = {
    .name = "test_sale_window", .sql = "UPDATE event_schedules SET sale_start_at = $2, sale_end_at = $3 WHERE id = $1"};

/* Seconds from now. */
static void sale_is(int64_t start_s, int64_t end_s)
{
    int64_t now = clock_now();
    assert_null(DB_RUN(ctx, &set_window, NULL, DB_TEXT(schedule_id), DB_TIME(now + start_s * CLOCK_SECOND),
                       DB_TIME(now + end_s * CLOCK_SECOND)));
}

static void test_answers_are_fresh_for_less_time_near_the_edges_of_a_sale(void **state)
{
    (void)state;
    static const struct {
        int64_t start_s, end_s, least_ms, most_ms;
    } cases[] = {
        {-60, 3000, 59000, 60000},  /* it has just opened */
        {-3000, 500, 59000, 60000}, /* it soon closes */
        {-3000, 30, 28000, 30000},  /* not beyond the edge */
        {20, 3000, 18000, 20000},       {-3000, -500, 59000, 60000},
        {-3000, 3000, 299000, 300000}, /* nothing is near */
        {-3000, -2000, 299000, 300000},
    };
    const struct catalogue_place place = catalogue_place_event(ctx, event_id);
    const struct catalogue_place seats_place = catalogue_place_seats(ctx, schedule_id, "seats");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        sale_is(cases[i].start_s, cases[i].end_s);
        assert_in_range(fresh_ms_of(&place), cases[i].least_ms, cases[i].most_ms);
        assert_in_range(fresh_ms_of(&seats_place), 9000, 10000);
        assert_in_range(fresh_ms_of(&(struct catalogue_place){.copy = place.copy}), 1, cases[i].most_ms);
    }
}

/* The sale opens while the answer is made; for the store's clock, too, which nobody can put forward. */
static const struct err *make_across_the_edge(struct ctx *unit, void *with, struct catalogue_answer *answer_r)
{
    clock_freeze(clock_now() + 10 * CLOCK_SECOND);
    sale_is(-15, 3000);
    return make_answer(unit, with, answer_r);
}

static void test_answer_that_an_edge_came_upon_is_not_kept(void **state)
{
    (void)state;
    struct catalogue_answer answer;
    int made = 0;
    const struct catalogue_place place = catalogue_place_event(ctx, event_id);
    clock_freeze(clock_now());
    sale_is(5, 3000);
    assert_null(catalogue_cache_get(ctx, &place, make_across_the_edge, &made, &answer));
    assert_null(catalogue_cache_get(ctx, &place, make_answer, &made, &answer));
    assert_int_equal(made, 2);
    clock_freeze(CLOCK_NONE);
}

static void test_answer_of_before_an_edge_is_not_given_after_it(void **state)
{
    (void)state;
    struct catalogue_answer answer;
    int made = 0;
    const struct catalogue_place place = catalogue_place_event(ctx, event_id);
    sale_is(20, 3000);
    assert_null(catalogue_cache_get(ctx, &place, make_answer, &made, &answer));
    assert_false(answer.passing);
    clock_freeze(clock_now() + 19 * CLOCK_SECOND);
    assert_null(catalogue_cache_get(ctx, &place, make_answer, &made, &answer));
    assert_int_equal(made, 1);
    assert_true(answer.passing);
    clock_freeze(clock_now() + CLOCK_SECOND);
    assert_null(catalogue_cache_get(ctx, &place, make_answer, &made, &answer));
    assert_int_equal(made, 2);
    clock_freeze(CLOCK_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_seats_confirmed_are_sold_once, begin, end),
        cmocka_unit_test_setup_teardown(test_seats_cancelled_are_free_again, begin, end),
        cmocka_unit_test_setup_teardown(test_holds_that_lapse_leave_the_row_of_a_busy_sale_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_seats_of_another_are_not_freed_by_a_late_cancellation, begin, end),
        cmocka_unit_test_setup_teardown(test_seats_of_a_later_buyer_stay_when_an_older_confirmation_arrives, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_seats_of_another_schedule_are_not_touched, begin, end),
        cmocka_unit_test_setup_teardown(test_seat_that_the_performance_does_not_have_is_no_reason_to_sell_none, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_seat_ends_right_in_whatever_order_its_events_arrive, begin, end),
        cmocka_unit_test_setup_teardown(test_copies_are_old_when_the_last_seat_goes_and_when_one_comes_back, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_copy_that_is_being_made_is_old_when_a_seat_goes, begin, end),
        cmocka_unit_test_setup_teardown(test_holds_that_lapse_leave_the_maps_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_list_says_what_is_sold_out, begin, end),
        cmocka_unit_test_setup_teardown(test_live_state_has_a_bit_for_each_seat_sold, begin, end),
        cmocka_unit_test_setup_teardown(test_answers_are_fresh_for_less_time_near_the_edges_of_a_sale, begin, end),
        cmocka_unit_test_setup_teardown(test_answer_that_an_edge_came_upon_is_not_kept, begin, end),
        cmocka_unit_test_setup_teardown(test_answer_of_before_an_edge_is_not_given_after_it, begin, end),
        cmocka_unit_test_setup_teardown(test_catalogue_tells_number_grade_and_price, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
