/* Jobs of boxoffice-maint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/cfg.h"
#include "common/io/db.h"
#include "src/maint/job.h"
#include "src/maint/retention.h"
#include "tests/support/fixture.h"

#define LAPSED_COUNT 450 /* more than two batches */
#define PAST_COUNT 2500  /* as well */

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

/* Rows of two ages, marked by $1; `$2` of the older ones. */
static const struct db_stmt make_processed = {
    .name = "test_make_processed",
    .sql = "INSERT INTO common.processed_events (event_id, consumer, processed_at)"
           " SELECT uuidv7(), $1, clock_timestamp() - CASE n WHEN 0 THEN interval '29 days' ELSE interval '31 days' END"
           " FROM generate_series(0, $2::integer) AS n"};
static const struct db_stmt make_keys = {
    .name = "test_make_keys",
    .sql = "INSERT INTO idempotency_keys (user_id, route, key, fingerprint, created_at)"
           " SELECT uuidv7(), $1, n::text, '', clock_timestamp() - CASE n WHEN 0 THEN interval '23 hours'"
           " ELSE interval '25 hours' END FROM generate_series(0, $2::integer) AS n"};
static const struct db_stmt make_webhooks = {
    .name = "test_make_webhooks",
    .sql =
        "INSERT INTO payment_service.webhook_events (webhook_id, payment_key, type, received_at)"
        " SELECT $1 || n, '', '', clock_timestamp() - CASE n WHEN 0 THEN interval '29 days' ELSE interval '31 days' END"
        " FROM generate_series(0, $2::integer) AS n"};
static const struct db_stmt make_letters = {
    .name = "test_make_letters",
    .sql = "INSERT INTO common.dead_letters_done (topic, record_offset, digest, action, operator, done_at)"
           " SELECT $1, n, sha256(''), 'REPLAYED', 'nobody', clock_timestamp()"
           " - CASE n WHEN 0 THEN interval '29 days' ELSE interval '31 days' END"
           " FROM generate_series(0, $2::integer) AS n"};
static const struct db_stmt count_letters = {
    .name = "test_count_letters", .sql = "SELECT count(*) AS total FROM common.dead_letters_done WHERE topic = $1"};
static const struct db_stmt count_processed = {
    .name = "test_count_processed", .sql = "SELECT count(*) AS total FROM common.processed_events WHERE consumer = $1"};
static const struct db_stmt count_keys = {.name = "test_count_keys",
                                          .sql = "SELECT count(*) AS total FROM idempotency_keys WHERE route = $1"};
static const struct db_stmt count_webhooks = {
    .name = "test_count_webhooks",
    .sql = "SELECT count(*) AS total FROM payment_service.webhook_events WHERE starts_with(webhook_id, $1)"};

static struct ctx *janitor; /* of the role under which the purge runs */

static int setup(void **state)
{
    const char *why = "";
    janitor = fixture_ctx("maintenance", NEED_DB);
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
    fixture_free(&janitor);
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

static const struct db_stmt make_tokens = {
    .name = "test_make_tokens",
    .sql = "WITH person AS (INSERT INTO user_service.users (id, status, deleted_at) VALUES ($1::uuid, 'DELETED', "
           "clock_timestamp()) "
           "RETURNING id) INSERT INTO user_service.refresh_tokens (id, user_id, family, token_hash, access_jti, "
           "access_expires_at, "
           "issued_at, expires_at) SELECT gen_random_uuid(), person.id, gen_random_uuid(), "
           "sha256(convert_to($1 || n::text, 'UTF8')), gen_random_uuid(), clock_timestamp(), "
           "clock_timestamp() - interval '9 days', clock_timestamp() - CASE n WHEN 0 THEN interval '23 hours' "
           "ELSE interval '25 hours' END FROM person, generate_series(0, $2::bigint) AS n"};
static const struct db_stmt count_tokens = {
    .name = "test_count_tokens",
    .sql = "SELECT count(*) AS total FROM user_service.refresh_tokens WHERE user_id = $1::uuid"};

static const struct {
    const char *role;
    const struct db_stmt *make, *count;
} kept[] = {
    {"reservation_service", &make_processed, &count_processed},
    {"reservation_service", &make_keys, &count_keys},
    {"payment_service", &make_keys, &count_keys},
    {"boxoffice_admin", &make_webhooks, &count_webhooks},
    {"boxoffice_admin", &make_letters, &count_letters},
    {"boxoffice_admin", &make_tokens, &count_tokens},
};

static void test_purge_deletes_what_is_past_its_time_and_nothing_else(void **state)
{
    (void)state;
    const char *mark = fixture_uuid();
    fixture_consumer(mark, "reservation_service");
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        struct ctx *owner = fixture_ctx(kept[i].role, NEED_DB);
        assert_null(DB_RUN(owner, kept[i].make, NULL, DB_TEXT(mark), DB_INT(PAST_COUNT)));
        fixture_free(&owner);
    }
    int64_t done = 0;
    assert_null(purge_job.run(janitor, &done));
    assert_true(done >= PAST_COUNT * (int64_t)ARRAY_COUNT(kept));
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        struct ctx *owner = fixture_ctx(kept[i].role, NEED_DB);
        const struct db_rows *rows;
        assert_null(DB_RUN(owner, kept[i].count, &rows, DB_TEXT(mark)));
        assert_int_equal(db_int(rows, 0, "total"), 1);
        fixture_free(&owner);
    }
    done = 0;
    assert_null(purge_job.run(janitor, &done));
    assert_int_equal(done, 0);
}

/* As many as are asked for: a transaction stays short however much is past its time. */
static void test_purge_deletes_a_part_at_a_time(void **state)
{
    enum { MOST = 10 };
    const char *mark = fixture_uuid();
    int64_t deleted = -1, all = 0;
    struct ctx *ctx = *state;
    fixture_consumer(mark, "reservation_service");
    assert_null(purge_job.run(janitor, &all)); /* whatever others have left */
    assert_null(DB_RUN(ctx, &make_processed, NULL, DB_TEXT(mark), DB_INT(PAST_COUNT)));
    assert_null(retention_purge(janitor, MOST, &deleted));
    assert_int_equal(deleted, MOST);
    all = 0;
    assert_null(purge_job.run(janitor, &all));
    assert_int_equal(all, PAST_COUNT - MOST);
}

static const struct db_stmt hold_oldest = {
    .name = "test_hold_oldest",
    .sql = "SELECT FROM common.processed_events WHERE consumer = $1 ORDER BY processed_at LIMIT 1 FOR UPDATE"};

struct purging {
    struct ctx *ctx;
    const char *mark;
    int64_t done;
};

static const struct err *hold_and_purge(struct ctx *holder, void *arg)
{
    struct purging *purging = arg;
    assert_null(DB_RUN(holder, &hold_oldest, NULL, DB_TEXT(purging->mark)));
    return purge_job.run(janitor, &purging->done);
}

static void test_purge_passes_over_what_somebody_holds(void **state)
{
    const char *mark = fixture_uuid();
    struct purging purging = {.ctx = *state, .mark = mark};
    struct ctx *holder = fixture_ctx("boxoffice_admin", NEED_DB);
    const struct db_rows *rows;
    fixture_consumer(mark, "reservation_service");
    assert_null(DB_RUN(purging.ctx, &make_processed, NULL, DB_TEXT(mark), DB_INT(PAST_COUNT)));
    assert_null(db_transact(holder, hold_and_purge, &purging));
    assert_true(purging.done >= PAST_COUNT - 1);
    assert_null(DB_RUN(purging.ctx, &count_processed, &rows, DB_TEXT(mark)));
    assert_int_equal(db_int(rows, 0, "total"), 2); /* the one that was held, and the one that is not due */
    fixture_free(&holder);
}

static const struct db_stmt past_and_lost_months = {
    .name = "test_past_and_lost_months",
    .sql = "SELECT user_service.login_history_add_month((clock_timestamp() - interval '14 months')::date) AS past, "
           "user_service.login_history_add_month((clock_timestamp() - interval '11 months')::date) AS kept"};
static const struct db_stmt lose_a_month = {
    .name = "test_lose_a_month",
    .sql = "DO $$ BEGIN EXECUTE 'DROP TABLE IF EXISTS user_service.' || "
           "to_char(clock_timestamp() AT TIME ZONE 'UTC' + interval '9 months', '\"login_history_\"YYYYMM'); END $$"};
static const struct db_stmt months_there = {
    .name = "test_months_there",
    .sql = "SELECT to_regclass('user_service.login_history_' || to_char(clock_timestamp() AT TIME ZONE 'UTC' + "
           "make_interval(months => $1::integer), 'YYYYMM')) IS NOT NULL AS there"};

static bool month_there(struct ctx *owner, int months)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(owner, &months_there, &rows, DB_INT(months)));
    return db_bool(rows, 0, "there");
}

static void test_purge_makes_months_of_logins_ahead_and_drops_those_past(void **state)
{
    (void)state;
    struct ctx *owner = fixture_ctx("boxoffice_admin", NEED_DB);
    int64_t done = 0;
    assert_null(DB_RUN0(owner, &past_and_lost_months, NULL));
    assert_null(DB_RUN0(owner, &lose_a_month, NULL));
    assert_true(month_there(owner, -14));
    assert_false(month_there(owner, 9));
    assert_null(purge_job.run(janitor, &done));
    assert_true(done >= 2);
    assert_false(month_there(owner, -14));
    assert_true(month_there(owner, -11));
    for (int ahead = 0; ahead <= 12; ahead++) {
        assert_true(month_there(owner, ahead));
    }
    fixture_free(&owner);
}

static const struct db_stmt logins_of_no_month = {
    .name = "test_logins_of_no_month",
    .sql = "INSERT INTO user_service.login_history_default (id, created_at, method, result, user_agent) "
           "SELECT uuidv7(), at, 'PASSWORD', 'UNKNOWN_EMAIL', $1 FROM unnest(ARRAY[clock_timestamp() + interval '9 "
           "months', "
           "clock_timestamp() - interval '20 months']) AS at"};
static const struct db_stmt logins_left = {.name = "test_logins_left",
                                           .sql = "SELECT count(*) AS total, count(*) FILTER (WHERE tableoid = "
                                                  "'user_service.login_history_default'::regclass) AS loose FROM "
                                                  "user_service.login_history WHERE user_agent = $1"};

static void test_purge_takes_logins_of_no_month_into_theirs(void **state)
{
    (void)state;
    struct ctx *owner = fixture_ctx("boxoffice_admin", NEED_DB);
    const struct db_rows *rows;
    const char *mark = fixture_uuid();
    int64_t done = 0;
    assert_null(DB_RUN0(owner, &lose_a_month, NULL));
    assert_null(DB_RUN(owner, &logins_of_no_month, NULL, DB_TEXT(mark)));
    assert_null(purge_job.run(janitor, &done));
    assert_true(month_there(owner, 9));
    assert_null(DB_RUN(owner, &logins_left, &rows, DB_TEXT(mark)));
    assert_int_equal(db_int(rows, 0, "total"), 1);
    assert_int_equal(db_int(rows, 0, "loose"), 0);
    fixture_free(&owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_purge_deletes_what_is_past_its_time_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(test_purge_deletes_a_part_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_purge_passes_over_what_somebody_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_purge_makes_months_of_logins_ahead_and_drops_those_past, setup, teardown),
        cmocka_unit_test_setup_teardown(test_purge_takes_logins_of_no_month_into_theirs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expire_holds_many_lapsed_releases_all_in_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expire_holds_living_or_secured_are_left_alone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
