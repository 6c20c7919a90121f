/* Seats beside the claims of the reservation service, which a stand-in tells (EVT-023). The stores are real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/auth/service_key.h"
#include "common/crypto/uuid.h"
#include "src/event/reconcile.h"
#include "tests/support/seats_scene.h"
#include "tests/support/stub_server.h"

#define CLAIMS_MAX 8
#define EVERY_S 600

/* What the reservation service says of the performance, one claim a page. */
static struct service {
    char schedule_id[UUID_SIZE];
    struct {
        char seat[UUID_SIZE], owner[UUID_SIZE];
    } claims[CLAIMS_MAX]; /* by seat */
    size_t count;
    bool away;
    bool in_circles;
    char latecomer[UUID_SIZE];
    void (*meanwhile)(void); /* happens here while the answer is on its way */
} * service;

static struct stub_server *server;

static void answer(const struct stub_request *request, struct stub_answer *answer_r, void *shared)
{
    const struct service *told = shared;
    char after[UUID_SIZE] = UUID_NIL;
    const char *begin_at = strstr(request->path, "&after=");
    if (begin_at) {
        snprintf(after, sizeof after, "%s", begin_at + strlen("&after="));
    }
    size_t i = 0;
    while (i < told->count && strcmp(told->claims[i].seat, after) <= 0) {
        i++;
    }
    bool ours = strstr(request->path, told->schedule_id) != NULL;
    answer_r->status = told->away ? 503 : 200;
    if (!ours || i == told->count) {
        snprintf(answer_r->body, sizeof answer_r->body, "{\"sold\":[]}");
    } else {
        snprintf(
            answer_r->body, sizeof answer_r->body,
            "{\"sold\":[{\"seatId\":\"%s\",\"reservationId\":\"%s\",\"confirmedAt\":\"1970-01-01T00:00:00.0005Z\"}]"
            ",\"next\":\"%s\"}",
            told->claims[i].seat, told->claims[i].owner, told->in_circles ? after : told->claims[i].seat);
    }
    if (ours && told->meanwhile) {
        ctx = fixture_ctx("event_service", NEED_DB | NEED_REDIS); /* this process's own */
        told->meanwhile();
        fixture_free(&ctx);
    }
}

#define CONFIRMED_AT 500 /* as the stand-in says */

static int begin_looking(void **state)
{
    service = stub_shared(sizeof *service);
    begin(state);
    snprintf(service->schedule_id, sizeof service->schedule_id, "%s", schedule_id);
    uuid_v7(service->latecomer);
    server = stub_start(answer, service);
    cfg_service.internal_url = stub_url(server);
    cfg_reconcile = (struct cfg_reconcile){.every_s = EVERY_S, .free_max = 2};
    return 0;
}

static int end_looking(void **state)
{
    stub_stop(&server);
    return end(state);
}

/* Over there the seats belong to these; NULL: to nobody. */
static void they_say(const char *first, const char *second)
{
    const char *owners[] = {first, second};
    service->count = 0;
    for (size_t i = 0; i < 2; i++) {
        if (owners[i]) {
            snprintf(service->claims[service->count].seat, UUID_SIZE, "%s", seats[i]);
            snprintf(service->claims[service->count++].owner, UUID_SIZE, "%s", owners[i]);
        }
    }
}

static const struct db_stmt leave_others = {
    .name = "test_leave_others",
    .sql = "INSERT INTO seat_looks AS look (schedule_id, began_at)"
           " SELECT id, clock_timestamp() + interval '1 hour' FROM event_schedules WHERE id <> $1"
           " ON CONFLICT (schedule_id) DO UPDATE SET began_at = excluded.began_at"};

static const struct err *look(struct reconcile_found *found_r)
{
    bool none;
    *found_r = (struct reconcile_found){0};
    assert_null(DB_RUN(ctx, &leave_others, NULL, DB_TEXT(schedule_id)));
    const struct err *e = reconcile_next(ctx, found_r, &none);
    assert_false(none);
    return e;
}

static const struct db_stmt pass = {
    .name = "test_pass",
    .sql = "WITH seen AS (UPDATE seat_doubts SET seen_at = seen_at - make_interval(secs => $2::bigint)"
           " WHERE schedule_id = $1) UPDATE seat_looks SET began_at = began_at - make_interval(secs => $2::bigint)"
           " WHERE schedule_id = $1"};

static void time_passes(int64_t seconds)
{
    assert_null(DB_RUN(ctx, &pass, NULL, DB_TEXT(schedule_id), DB_INT(seconds)));
}

static struct reconcile_found first_look(void)
{
    struct reconcile_found found;
    assert_null(look(&found));
    assert_int_equal(found.sold + found.freed + found.moved, 0);
    time_passes(EVERY_S);
    return found;
}

static struct reconcile_found second_look(void)
{
    struct reconcile_found found;
    assert_null(look(&found));
    return found;
}

static void assert_nothing_repaired(struct reconcile_found found)
{
    assert_int_equal(found.sold + found.freed + found.moved, 0);
}

static const struct db_stmt spoil = {
    .name = "test_spoil",
    .sql = "UPDATE seats SET status = CASE WHEN $2::uuid IS NULL THEN 'AVAILABLE' ELSE 'SOLD' END, sold_by = $2,"
           " sold_at = CASE WHEN $2::uuid IS NOT NULL THEN $3::timestamptz END WHERE id = $1"};

/* Somebody's hand: the schedule counts what it has counted. */
static void damage(size_t seat, const char *owner, int64_t sold_at)
{
    assert_null(DB_RUN(ctx, &spoil, NULL, DB_TEXT(seats[seat]), DB_TEXT(owner), DB_TIME(sold_at)));
}

/* ---- what differs is made equal ---- */

static void test_equal_seats_are_left_alone(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid();
    assert_null(sell(buyer, 0, 2, CONFIRMED_AT));
    they_say(buyer, buyer);
    assert_int_equal(first_look().doubtful, 0);
    assert_int_equal(second_look().doubtful, 0);
    assert_map("SSAA");
}

static void test_seat_sold_over_there_is_sold_here_at_the_second_look(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid();
    assert_null(sell(buyer, 0, 2, CONFIRMED_AT));
    they_say(buyer, buyer);
    damage(1, NULL, 0);
    assert_int_equal(first_look().doubtful, 1);
    assert_int_equal(second_look().sold, 1);
    assert_map("SSAA");
    time_passes(EVERY_S);
    assert_int_equal(second_look().doubtful, 0);
    assert_null(seat_map_free(ctx, &(struct seat_claim){buyer, schedule_id, seats, 2}, CONFIRMED_AT, 900));
    assert_map("AAAA");
}

static void test_seat_that_nobody_has_over_there_is_free_at_the_second_look(void **state)
{
    (void)state;
    const char *nobody = fixture_uuid(), *buyer = fixture_uuid();
    assert_null(sell(nobody, 0, 1, 300));
    they_say(NULL, NULL);
    assert_int_equal(first_look().doubtful, 1);
    assert_map("SAAA");
    assert_int_equal(second_look().freed, 1);
    assert_map("AAAA");
    assert_null(sell(nobody, 0, 1, 300)); /* the past */
    assert_map("AAAA");
    assert_null(sell(buyer, 0, 1, 301));
    assert_map("SAAA");
}

static void test_seat_of_another_over_there_is_the_others(void **state)
{
    (void)state;
    const char *wrong = fixture_uuid(), *right = fixture_uuid();
    assert_null(sell(wrong, 0, 1, 9000)); /* by a clock that was ahead */
    they_say(right, NULL);
    first_look();
    assert_int_equal(second_look().moved, 1);
    assert_null(give_back(wrong, 0, 1));
    assert_map("SAAA");
    assert_null(give_back(right, 0, 1));
    assert_map("AAAA");
}

static const struct db_stmt withdraw = {.name = "test_withdraw",
                                        .sql = "UPDATE events SET deleted_at = clock_timestamp() WHERE id = $1"};

static void test_seat_of_an_event_that_nobody_sees_is_repaired_too(void **state)
{
    (void)state;
    assert_null(sell(fixture_uuid(), 0, 1, 300));
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(event_id)));
    they_say(NULL, NULL);
    first_look();
    assert_int_equal(second_look().freed, 1);
}

static const struct db_stmt miscount = {.name = "test_miscount",
                                        .sql = "UPDATE event_schedules SET seats_sold = 3 WHERE id = $1"};

static void test_count_that_is_wrong_is_corrected(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid();
    assert_null(sell(buyer, 0, 1, CONFIRMED_AT));
    they_say(buyer, NULL);
    assert_null(DB_RUN(ctx, &miscount, NULL, DB_TEXT(schedule_id)));
    first_look();
    assert_map("SAAA");
}

/* ---- what is under way is left alone ---- */

static const struct db_stmt count_doubts = {.name = "test_doubts",
                                            .sql = "SELECT count(*) AS total FROM seat_doubts WHERE schedule_id = $1"};

static int64_t doubts(void)
{
    const struct db_rows *rows;
    int64_t all;
    assert_null(DB_RUN(ctx, &count_doubts, &rows, DB_TEXT(schedule_id)));
    assert_null(reconcile_count(ctx, &all));
    assert_true(all >= db_int(rows, 0, "total"));
    return db_int(rows, 0, "total");
}

static void test_nobody_looks_twice_within_the_time(void **state)
{
    (void)state;
    struct reconcile_found found = {0};
    bool none = false;
    damage(0, fixture_uuid(), 100);
    assert_null(look(&found));
    time_passes(EVERY_S - 5);
    assert_null(reconcile_next(ctx, &found, &none));
    assert_true(none);
}

static void test_event_between_the_looks_is_waited_for_no_longer(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid();
    they_say(buyer, NULL);
    assert_int_equal(first_look().doubtful, 1);
    assert_int_equal(doubts(), 1);
    assert_null(sell(buyer, 0, 1, CONFIRMED_AT));
    assert_int_equal(second_look().doubtful, 0);
    assert_int_equal(doubts(), 0);
    assert_map("SAAA");
}

/* The answer is older than what event-saga does meanwhile. */
static void latecomer_buys(void)
{
    assert_null(sell(service->latecomer, 0, 1, 800));
}

static void test_seat_sold_during_the_look_is_not_freed(void **state)
{
    (void)state;
    damage(0, fixture_uuid(), 100);
    they_say(NULL, NULL);
    first_look();
    service->meanwhile = latecomer_buys;
    assert_nothing_repaired(second_look());
    assert_map("SAAA");
    they_say(service->latecomer, NULL);
    service->meanwhile = NULL;
    time_passes(EVERY_S);
    assert_int_equal(second_look().doubtful, 0);
}

static void test_seat_freed_during_the_look_is_not_sold_again(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid();
    they_say(buyer, NULL);
    first_look(); /* the confirmation is under way */
    assert_null(sell(buyer, 0, 1, CONFIRMED_AT));
    assert_null(seat_map_free(ctx, &(struct seat_claim){buyer, schedule_id, seats, 1}, CONFIRMED_AT, 900));
    assert_nothing_repaired(second_look()); /* of before the cancellation */
    assert_map("AAAA");
}

static const struct db_stmt look_anew = {
    .name = "test_look_anew", .sql = "UPDATE seat_looks SET began_at = clock_timestamp() WHERE schedule_id = $1"};

static void another_looks(void)
{
    assert_null(DB_RUN(ctx, &look_anew, NULL, DB_TEXT(service->schedule_id)));
}

static void test_look_that_another_one_has_followed_says_nothing(void **state)
{
    (void)state;
    damage(0, fixture_uuid(), 100);
    they_say(NULL, NULL);
    service->meanwhile = another_looks;
    assert_int_equal(first_look().doubtful, 0);
    service->meanwhile = NULL;
    assert_int_equal(first_look().doubtful, 1);
    service->meanwhile = another_looks;
    assert_nothing_repaired(second_look());
    assert_map("SAAA");
}

/* ---- what cannot be believed ---- */

static void test_many_seats_are_not_freed_because_nobody_is_said_to_have_them(void **state)
{
    (void)state;
    const char *buyer = fixture_uuid(), *lost = fixture_uuid();
    assert_null(sell(buyer, 0, 4, CONFIRMED_AT));
    they_say(NULL, lost);
    first_look();
    struct reconcile_found found = second_look();
    assert_int_equal(found.doubtful, 4);
    assert_int_equal(found.freed, 0);
    assert_int_equal(found.moved, 1);
    assert_map("SSSS");
}

static void test_seats_that_there_are_none_of_are_told(void **state)
{
    (void)state;
    they_say(fixture_uuid(), NULL);
    snprintf(service->claims[0].seat, UUID_SIZE, "%s", fixture_uuid());
    assert_int_equal(first_look().unknown, 1);
    assert_nothing_repaired(second_look());
}

static void test_service_that_is_away_or_talks_in_circles_changes_nothing(void **state)
{
    (void)state;
    struct reconcile_found found;
    const char *buyer = fixture_uuid();
    damage(0, buyer, 100);
    they_say(NULL, NULL);
    first_look();
    service->away = true;
    assert_ptr_equal(look(&found), &err_unavailable);
    service->away = false;
    time_passes(EVERY_S);
    they_say(buyer, buyer);
    service->in_circles = true;
    assert_ptr_equal(look(&found), &err_unavailable);
    time_passes(EVERY_S);
    service->in_circles = false;
    assert_int_equal(second_look().moved, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_looking, end_looking)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equal_seats_are_left_alone),
        TEST(test_seat_sold_over_there_is_sold_here_at_the_second_look),
        TEST(test_seat_that_nobody_has_over_there_is_free_at_the_second_look),
        TEST(test_seat_of_another_over_there_is_the_others),
        TEST(test_seat_of_an_event_that_nobody_sees_is_repaired_too),
        TEST(test_count_that_is_wrong_is_corrected),
        TEST(test_nobody_looks_twice_within_the_time),
        TEST(test_event_between_the_looks_is_waited_for_no_longer),
        TEST(test_seat_sold_during_the_look_is_not_freed),
        TEST(test_seat_freed_during_the_look_is_not_sold_again),
        TEST(test_look_that_another_one_has_followed_says_nothing),
        TEST(test_many_seats_are_not_freed_because_nobody_is_said_to_have_them),
        TEST(test_seats_that_there_are_none_of_are_told),
        TEST(test_service_that_is_away_or_talks_in_circles_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
