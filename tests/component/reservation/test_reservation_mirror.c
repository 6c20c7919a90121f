/* Holds at the same time as something else, and what the mirror says of them meanwhile (RSV-003). */

#include "tests/support/hold_scene.h"

static const struct db_stmt test_stmt_confirm = {
    .name = "test_confirm",
    .sql = "UPDATE reservations SET status = 'CONFIRMED', confirmed_at = clock_timestamp(), secured_by = id, "
           "ticket_number = 'T20260101-' || upper(translate(right(id::text, 7), '01', '89')) WHERE id = $1"};
static const struct db_stmt test_stmt_secure = {
    .name = "test_secure", .sql = "UPDATE seat_claims SET expires_at = 'infinity' WHERE reservation_id = $1"};
static const struct db_stmt test_stmt_lock = {.name = "test_lock",
                                              .sql = "SELECT id FROM reservations WHERE id = $1 FOR UPDATE"};
static const struct db_stmt test_stmt_waiting = {.name = "test_waiting",
                                                 .sql = "SELECT count(*) AS total FROM pg_locks WHERE NOT granted"};
static const struct db_stmt test_stmt_end_waiting = {
    .name = "test_end_waiting", .sql = "SELECT pg_terminate_backend(pid) AS ended FROM pg_locks WHERE NOT granted"};
static const struct db_stmt test_stmt_take_over = {
    .name = "test_take_over",
    .sql = "UPDATE seat_claims SET reservation_id = $3 WHERE schedule_id = $1 AND seat_id = $2"};
static const struct db_stmt test_stmt_free_claim = {
    .name = "test_free_claim",
    .sql = "SELECT seat_id FROM seat_claims WHERE schedule_id = $1 AND seat_id = $2 FOR UPDATE SKIP LOCKED"};
static const struct db_stmt test_stmt_sweep = {
    .name = "test_sweep",
    .sql = "WITH freed AS (DELETE FROM seat_claims WHERE reservation_id = $1) UPDATE reservations SET status = "
           "'CANCELLED', cancel_reason = 'HOLD_TIMEOUT', cancelled_at = clock_timestamp() WHERE id = $1"};

/* The buyer's own attempt got no further than the gate, or its answer was lost: the mark keeps off others only. */
static void test_hold_after_own_mark_without_a_claim_succeeds(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    const char *claims = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id).claims;
    map_of(scene); /* loads the mirror */
    const char *mark =
        arena_printf(scene->ctx->arena, "%lld|%s|%s", (long long)((clock_now() + 200 * CLOCK_SECOND) / 1000),
                     scene->first.user, fixture_uuid());
    assert_null(REDIS_RUN(scene->ctx, NULL, "HSET", claims, scene->sale.seats[0], mark));
    assert_ptr_equal(hold(scene, scene->second, 0, 1, &made), &err_seat_already_held);
    made = must_hold(scene, scene->first, 0, 1);
    assert_null(hold_release(scene->ctx, scene->first.user, made.reservation_id));
    assert_int_equal(map_of(scene).held.count, 0);
}

/* The mark of a live hold is nobody's to take away: whatever becomes of a repeat, the seats look held. */
static void test_hold_refused_repeat_leaves_the_marks_of_the_first(void **state)
{
    struct scene *scene = *state;
    struct hold_request request = request_of(scene, scene->first, 0, 2);
    request.idempotency =
        (struct idempotency){"key-of-this-test-2", scene->first.user, "POST /reservations/hold", "body", 4};
    struct hold made, again;
    assert_null(hold_create(scene->ctx, &request, &made));
    request.seat_ids = sale_seats(&scene->sale, 0, 3);
    request.idempotency.body = "else";
    assert_ptr_equal(hold_create(scene->ctx, &request, &again), &err_idempotency_key_reused);
    assert_string_equal(reservation_marked(scene, 0), made.reservation_id);
    assert_string_equal(reservation_marked(scene, 1), made.reservation_id);
    assert_string_equal(reservation_marked(scene, 2), "");
}

/* Read before the release, written after it: the seats stay free. */
static void test_mark_of_a_hold_that_went_meanwhile_is_not_written(void **state)
{
    struct scene *scene = *state;
    bool sold;
    struct hold made = must_hold(scene, scene->first, 0, 2);
    struct seat_request gone = {.schedule_id = scene->sale.schedule_id,
                                .reservation_id = made.reservation_id,
                                .seat_ids = sale_seats(&scene->sale, 0, 2)};
    seat_mirror_release(scene->ctx, &gone); /* as after the commit, which the reader has not seen */
    assert_null(seat_mirror_refresh(scene->ctx, gone.schedule_id, gone.seat_ids, &sold));
    assert_int_equal(map_of(scene).held.count, 0);
    assert_int_equal(map_loaded_anew(scene).held.count, 0);
}

/* Read before the sale, written after it: sold seats stay sold. */
static void test_mark_of_a_sale_is_not_undone(void **state)
{
    struct scene *scene = *state;
    bool sold;
    struct hold made = must_hold(scene, scene->first, 0, 1);
    const char *claims = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id).claims;
    const char *sale = arena_printf(scene->ctx->arena, "S|%s|%s", scene->first.user, made.reservation_id);
    assert_null(REDIS_RUN(scene->ctx, NULL, "HSET", claims, scene->sale.seats[0], sale));
    assert_null(seat_mirror_refresh(scene->ctx, scene->sale.schedule_id, sale_seats(&scene->sale, 0, 1), &sold));
    assert_int_equal(map_of(scene).sold.count, 1);
}

static void test_hold_too_often_is_refused_and_marks_nothing(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    int64_t before = reservation_settings.holds_per_minute;
    reservation_settings.holds_per_minute = 2;
    must_hold(scene, scene->first, 0, 1);
    assert_ptr_equal(hold(scene, scene->first, 1, 1, &made), &err_hold_exists);
    const struct err *e = hold(scene, scene->first, 1, 1, &made);
    reservation_settings.holds_per_minute = before;
    assert_ptr_equal(e, &err_too_many_requests);
    assert_in_range(scene->ctx->retry_after_s, 1, 60);
    assert_string_equal(reservation_marked(scene, 1), "");
    must_hold(scene, scene->second, 1, 1);
}

/* Has the reservation until somebody waits for it, then cancels it. */
static const struct err *sweep_slowly(struct ctx *ctx, void *arg)
{
    const char *reservation_id = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &test_stmt_lock, &rows, DB_TEXT(reservation_id));
    do {
        e = e ? e : DB_RUN0(ctx, &test_stmt_waiting, &rows);
    } while (!e && db_int(rows, 0, "total") == 0);
    return e ? e : DB_RUN(ctx, &test_stmt_sweep, NULL, DB_TEXT(reservation_id));
}

static bool is_locked(struct scene *scene, const char *reservation_id)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(scene->ctx, &test_stmt_free, &rows, DB_TEXT(reservation_id)));
    return db_count(rows) == 0;
}

/* A sweeper has the buyer's lapsed hold, and gives its seats back before ours can: nothing stands in the way any more.
 */
static void test_hold_while_a_sweeper_has_the_own_lapsed_one_succeeds(void **state)
{
    struct scene *scene = *state;
    struct hold made = must_hold(scene, scene->first, 0, 1);
    lapse(scene, made.reservation_id);
    pid_t sweeper = fork();
    assert_true(sweeper >= 0);
    if (sweeper == 0) {
        struct ctx *ctx = fixture_ctx("reservation_service", NEED_REDIS);
        _exit(db_transact(ctx, sweep_slowly, (void *)made.reservation_id) != NULL);
    }
    while (!is_locked(scene, made.reservation_id)) {
    }
    must_hold(scene, scene->first, 1, 1);
    int status;
    assert_int_equal(waitpid(sweeper, &status, 0), sweeper);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Another session that has a seat's claim until somebody waits for it. */
struct taker {
    const char *schedule_id, *seat_id, *reservation_id;
    bool kills;            /* ends the session that waits, and takes nothing */
    const char *free_seat; /* sees that nobody has this seat's claim meanwhile, and takes nothing */
};

static const struct err *must_be_free(struct ctx *ctx, const struct taker *taker)
{
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &test_stmt_free_claim, &rows, DB_TEXT(taker->schedule_id), DB_TEXT(taker->free_seat));
    return e ? e : db_count(rows) == 1 ? &err_not_found : &err_conflict;
}

static const struct err *take_over_slowly(struct ctx *ctx, void *arg)
{
    const struct taker *taker = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &test_stmt_take_over, NULL, DB_TEXT(taker->schedule_id), DB_TEXT(taker->seat_id),
                                 DB_TEXT(taker->reservation_id));
    do {
        e = e ? e : DB_RUN0(ctx, &test_stmt_waiting, &rows);
    } while (!e && db_int(rows, 0, "total") == 0);
    if (!e && taker->free_seat) {
        return must_be_free(ctx, taker);
    }
    if (e || !taker->kills) {
        return e;
    }
    e = DB_RUN0(ctx, &test_stmt_end_waiting, &rows);
    return e ? e : &err_not_found; /* rolls back */
}

static pid_t start_taker(struct scene *scene, struct taker taker)
{
    taker.schedule_id = scene->sale.schedule_id;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct ctx *ctx = fixture_ctx("reservation_service", NEED_REDIS);
        const struct err *e = db_transact(ctx, take_over_slowly, &taker);
        _exit(e == (taker.kills || taker.free_seat ? &err_not_found : NULL) ? 0 : 1);
    }
    const struct db_rows *rows;
    do {
        assert_null(
            DB_RUN(scene->ctx, &test_stmt_free_claim, &rows, DB_TEXT(taker.schedule_id), DB_TEXT(taker.seat_id)));
    } while (db_count(rows) > 0);
    return pid;
}

static void await_taker(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Paid too late, while another buyer's hold on the same seat is just being committed: the one or the other. */
static void test_sell_of_a_seat_that_is_being_taken_over_sells_nothing(void **state)
{
    struct scene *scene = *state;
    struct hold late = must_hold(scene, scene->first, 0, 1);
    struct hold rival = must_hold(scene, scene->second, 1, 1);
    lapse(scene, late.reservation_id);
    pid_t taker =
        start_taker(scene, (struct taker){.seat_id = scene->sale.seats[0], .reservation_id = rival.reservation_id});
    const struct db_rows *rows;
    assert_null(DB_RUN(scene->ctx, &sql_reservation_claims_sell, &rows, DB_TEXT(late.reservation_id), DB_INT(1)));
    assert_int_equal(db_affected(rows), 0);
    await_taker(taker);
    assert_int_equal(claims_of(scene, rival.reservation_id), 2);
}

/* Two buyers of the same seats wait for each other and never in a circle: who waits for the first seat has not the
 * second one yet, in whatever order they were asked for. */
static void test_claim_takes_its_seats_in_order(void **state)
{
    struct scene *scene = *state;
    const char *const *seats = scene->sale.seats;
    struct hold lapsed = must_hold(scene, scene->second, 0, 2), made;
    lapse(scene, lapsed.reservation_id);
    forget_in_redis(scene, 0);
    forget_in_redis(scene, 1);
    pid_t taker = start_taker(
        scene, (struct taker){.seat_id = seats[0], .reservation_id = lapsed.reservation_id, .free_seat = seats[1]});
    const char *backwards[] = {seats[1], seats[0]};
    struct hold_request request = request_of(scene, scene->first, 0, 2);
    request.seat_ids.items = backwards;
    assert_null(hold_create(scene->ctx, &request, &made));
    await_taker(taker);
    assert_int_equal(claims_of(scene, made.reservation_id), 2);
}

/* The session ends while the claim is under way: nobody knows, and until the hold would lapse the seat looks taken. */
static void test_hold_whose_outcome_is_unknown_keeps_its_mark(void **state)
{
    struct scene *scene = *state;
    struct hold other = must_hold(scene, scene->second, 0, 1);
    lapse(scene, other.reservation_id);
    forget_in_redis(scene, 0);
    pid_t taker = start_taker(
        scene, (struct taker){.seat_id = scene->sale.seats[0], .reservation_id = other.reservation_id, .kills = true});
    struct hold made;
    assert_ptr_equal(hold(scene, scene->first, 0, 1, &made), &err_uncertain);
    await_taker(taker);
    assert_int_equal(map_of(scene).held.count, 1);
    must_hold(scene, scene->first, 0, 1); /* its own buyer is not kept off */
}

/* Losing is cheap: PostgreSQL hears nothing of it. */
static void test_held_seat_is_refused_by_the_gate_alone(void **state)
{
    struct scene *scene = *state;
    struct hold made;
    must_hold(scene, scene->first, 0, 1);
    struct db *db = scene->ctx->db;
    const char *url = cfg_db.url;
    cfg_db.url = "postgresql://reservation_service@/boxoffice?host=/nonexistent";
    scene->ctx->db = db_new();
    const struct err *e = hold(scene, scene->second, 0, 1, &made);
    db_free(&scene->ctx->db);
    scene->ctx->db = db;
    cfg_db.url = url;
    assert_ptr_equal(e, &err_seat_already_held);
}

static void test_hold_of_own_sold_seat_is_sold(void **state)
{
    struct scene *scene = *state;
    struct hold made = must_hold(scene, scene->first, 0, 1);
    assert_null(DB_RUN(scene->ctx, &test_stmt_sell, NULL, DB_TEXT(made.reservation_id)));
    assert_null(DB_RUN(scene->ctx, &test_stmt_confirm, NULL, DB_TEXT(made.reservation_id)));
    bool sold;
    assert_null(seat_mirror_refresh(scene->ctx, scene->sale.schedule_id, sale_seats(&scene->sale, 0, 1), &sold));
    assert_ptr_equal(hold(scene, scene->first, 0, 1, &made), &err_seat_sold);
    assert_int_equal(map_of(scene).sold.count, 1);
}

/* A secured claim has no end, and is in the map all the same. */
static void test_map_loaded_anew_has_secured_seats(void **state)
{
    struct scene *scene = *state;
    struct hold made = must_hold(scene, scene->first, 0, 1);
    assert_null(DB_RUN(scene->ctx, &test_stmt_secure, NULL, DB_TEXT(made.reservation_id)));
    assert_int_equal(map_loaded_anew(scene).held.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hold_after_own_mark_without_a_claim_succeeds),
        TEST(test_hold_refused_repeat_leaves_the_marks_of_the_first),
        TEST(test_mark_of_a_hold_that_went_meanwhile_is_not_written),
        TEST(test_mark_of_a_sale_is_not_undone),
        TEST(test_hold_too_often_is_refused_and_marks_nothing),
        TEST(test_hold_while_a_sweeper_has_the_own_lapsed_one_succeeds),
        TEST(test_sell_of_a_seat_that_is_being_taken_over_sells_nothing),
        TEST(test_claim_takes_its_seats_in_order),
        TEST(test_hold_whose_outcome_is_unknown_keeps_its_mark),
        TEST(test_held_seat_is_refused_by_the_gate_alone),
        TEST(test_hold_of_own_sold_seat_is_sold),
        TEST(test_map_loaded_anew_has_secured_seats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
