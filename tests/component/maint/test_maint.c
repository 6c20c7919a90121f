/* Jobs of boxoffice-maint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/cfg.h"
#include "common/io/db.h"
#include "src/maint/job.h"
#include "tests/support/fixture.h"

#define LAPSED_COUNT 450 /* more than two batches */

static const struct db_stmt hold_one_seat_each = {
    .name = "test_hold_one_seat_each",
    .sql = "SELECT hold_seats(uuidv7(), uuidv7(), $1::uuid, $2::bigint, jsonb_build_object('event_id', uuidv7(),"
           " 'event_title', 'event', 'artist', 'artist', 'venue_name', 'venue', 'hall_name', 'hall',"
           " 'event_start_at', clock_timestamp()), jsonb_build_array(jsonb_build_object('seat_id', uuidv7(),"
           " 'seat_number', 'A-' || n, 'grade', 'A', 'price', 1000))) FROM generate_series(1, $3::integer) AS n"};
static const struct db_stmt secure_lapsed = {
    .name = "test_secure_lapsed",
    .sql = "UPDATE reservations SET secured_by = uuidv7(), hold_expires_at = clock_timestamp() - interval '1 second'"
           " WHERE schedule_id = $1::uuid"};
static const struct db_stmt count_status = {
    .name = "test_count_status",
    .sql = "SELECT count(*) AS total FROM reservations WHERE schedule_id = $1::uuid AND status = $2"};

static int setup(void **state)
{
    const char *why = "";
    *state = fixture_ctx("reservation_service", NEED_DB | NEED_REDIS);
    if (!cfg_load(expire_holds_job.settings, &why)) {
        fail_msg("%s", why);
    }
    return 0;
}

static int teardown(void **state)
{
    struct ctx *ctx = *state;
    fixture_free(&ctx);
    return 0;
}

/* Holds of one new performance, which end in `seconds`; in the past when negative. */
static const char *make_holds(struct ctx *ctx, int count, int seconds)
{
    const char *schedule_id = fixture_uuid();
    assert_null(DB_RUN(ctx, &hold_one_seat_each, NULL, DB_TEXT(schedule_id), DB_INT(seconds), DB_INT(count)));
    return schedule_id;
}

static int64_t count_of(struct ctx *ctx, const char *schedule_id, const char *status)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &count_status, &rows, DB_TEXT(schedule_id), DB_TEXT(status)));
    return db_int(rows, 0, "total");
}

static void test_expire_holds_many_lapsed_releases_all_in_batches(void **state)
{
    const char *schedule_id = make_holds(*state, LAPSED_COUNT, -1);
    int64_t done = 0;
    assert_null(expire_holds_job.run(*state, &done));
    assert_int_equal(count_of(*state, schedule_id, "CANCELLED"), LAPSED_COUNT);
    assert_int_equal(count_of(*state, schedule_id, "PENDING"), 0);
    assert_true(done >= LAPSED_COUNT);
}

static void test_expire_holds_living_or_secured_are_left_alone(void **state)
{
    const char *living = make_holds(*state, 1, 300);
    const char *secured = make_holds(*state, 1, 300);
    assert_null(DB_RUN(*state, &secure_lapsed, NULL, DB_TEXT(secured)));
    int64_t done = 0;
    assert_null(expire_holds_job.run(*state, &done));
    assert_int_equal(count_of(*state, living, "PENDING"), 1);
    assert_int_equal(count_of(*state, secured, "PENDING"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_expire_holds_many_lapsed_releases_all_in_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expire_holds_living_or_secured_are_left_alone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
