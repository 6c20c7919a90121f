/* What glance.lua tells of one view of the line: places, waits, when to ask again, and until when one counts as there
 * (QUEUE-002, QUEUE-008). Driven by itself, so that the view, the chance and what was asked before are the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <math.h>
#include <string.h>

#include "common/base/array.h"
#include "common/io/redis.h"
#include "tests/support/fixture.h"

#define USER "sixteen bytes..."
#define TRIES_A_MINUTE 15
#define POLL_MAX_S 120
#define WHOLE 60000
#define VIEW_MAX 256
#define EPOCH_DS INT64_C(17672256000)
#define SLACK_DS 150
#define CHANCE_MAX 999 /* of what spreads people; the least is 0 */

extern const struct redis_script redis_script_queue_glance;

static struct {
    struct ctx *ctx;
    const char *people, *seen, *view, *gone;
} line;

/* As admit.lua leaves it. */
struct view {
    int closed;
    double opens_ms, opened_ms, count, cursor, sequence, returning, told, rate;
    unsigned shares[4];
    const char *reason;
};

static struct view running(void)
{
    return (struct view){
        .opened_ms = 1, .sequence = 1000, .told = 10, .rate = 10, .shares = {WHOLE, WHOLE, WHOLE, WHOLE}, .reason = ""};
}

static const char *key_of(const char *name)
{
    return arena_printf(line.ctx->arena, "{glance %s}%s", fixture_uuid(), name);
}

static int setup(void **state)
{
    (void)state;
    line.ctx = fixture_ctx(NULL, NEED_REDIS);
    line.people = key_of("people");
    line.seen = key_of("seen");
    line.view = key_of("view");
    line.gone = key_of("gone");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    const struct err *e = REDIS_RUN(line.ctx, NULL, "DEL", line.people, line.seen, line.view, line.gone);
    fixture_free(&line.ctx);
    return e ? -1 : 0;
}

/* ---- what stands in Redis ---- */

static void put_bytes(const char *command, const char *key, const char *argument, const void *bytes, size_t len)
{
    struct redis_pipe *pipe = redis_pipe_new(line.ctx);
    redis_pipe_begin(pipe, argument ? 4 : 3);
    redis_pipe_arg(pipe, command, strlen(command));
    redis_pipe_arg(pipe, key, strlen(key));
    if (argument) {
        redis_pipe_arg(pipe, argument, strlen(argument));
    }
    redis_pipe_arg(pipe, bytes, len);
    assert_null(redis_pipe_run(pipe, NULL));
}

static void put_view(const struct view *view)
{
    const double numbers[] = {view->opens_ms, view->opened_ms, view->count, view->cursor,
                              view->sequence, view->returning, view->told,  view->rate};
    char bytes[VIEW_MAX] = {3, (char)view->closed}, *at = bytes + 2;
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++, at += 8) {
        uint64_t big;
        memcpy(&big, &numbers[i], 8);
        big = htobe64(big);
        memcpy(at, &big, 8);
    }
    for (int i = 0; i < 4; i++, at += 2) {
        uint16_t big = htobe16((uint16_t)view->shares[i]);
        memcpy(at, &big, 2);
    }
    size_t len = strlen(view->reason) + 1;
    memcpy(at, view->reason, len);
    put_bytes("SET", line.view, NULL, bytes, (size_t)(at - bytes) + len);
}

/* "7", or "7:12" for number 7 that drew place 12. */
static void put_record(const char *record)
{
    assert_null(REDIS_RUN(line.ctx, NULL, "HSET", line.people, USER, record));
}

static int64_t now_ms(void)
{
    const struct redis_value *time;
    assert_null(REDIS_RUN(line.ctx, &time, "TIME"));
    return redis_int(time, 0) * 1000 + redis_int(time, 1) / 1000;
}

static int64_t now_ds(void)
{
    return now_ms() / 100 - EPOCH_DS;
}

/* The person's limit will be whole again in `ds`. */
static void put_full_in(int64_t number, int64_t ds)
{
    uint32_t cell[] = {0, htobe32((uint32_t)(now_ds() + ds))};
    put_bytes("SETRANGE", line.seen, arena_int(line.ctx->arena, number * 8), cell, sizeof cell);
}

/* Until when the person counts as there, from now on; in tenths of a second. */
static int64_t expected_in(int64_t number)
{
    const struct redis_value *cell;
    const char *from = arena_int(line.ctx->arena, number * 8), *to = arena_int(line.ctx->arena, number * 8 + 3);
    uint32_t big;
    assert_null(REDIS_RUN(line.ctx, &cell, "GETRANGE", line.seen, from, to));
    assert_int_equal(cell->len, 4);
    memcpy(&big, cell->str, 4);
    return (int64_t)be32toh(big) - now_ds();
}

/* ---- glancing ---- */

enum { STATE, LEFT, RESET, NUMBER };
enum { CALLED_POLL = 4 };
enum { PRE_OPEN_AT = 4, PRE_OPEN_POLL };
enum { WAITING_PLACE = 4, WAITING_RANK, WAITING_WAIT, WAITING_POLL, WAITING_REASON };

static const struct redis_value *glance(int chance)
{
    const char *const keys[] = {line.people, line.seen, line.view, line.gone};
    struct arena *arena = line.ctx->arena;
    const char *const args[] = {USER, arena_int(arena, chance), arena_int(arena, TRIES_A_MINUTE),
                                arena_int(arena, POLL_MAX_S)};
    const struct redis_value *answer;
    assert_null(
        redis_eval(line.ctx, &redis_script_queue_glance, &answer, keys, ARRAY_COUNT(keys), args, ARRAY_COUNT(args)));
    return answer;
}

/* As somebody who has not asked for long. */
static const struct redis_value *glance_anew(int chance)
{
    assert_null(REDIS_RUN(line.ctx, NULL, "DEL", line.seen));
    return glance(chance);
}

static void assert_state(const struct redis_value *answer, const char *state)
{
    assert_string_equal(redis_str(answer, STATE), state);
}

/* ---- tests ---- */

static void test_limit_is_whole_again_after_a_minute(void **state)
{
    (void)state;
    struct view view = running();
    put_view(&view);
    put_record("7");
    put_full_in(7, -100000); /* long ago: nothing is saved up */
    const struct redis_value *answer = glance(0);
    assert_int_equal(redis_int(answer, LEFT), TRIES_A_MINUTE - 1);
    assert_int_equal(redis_int(answer, RESET), 4);
    answer = glance(0);
    assert_int_equal(redis_int(answer, LEFT), TRIES_A_MINUTE - 2);
    assert_in_range(redis_int(answer, RESET), 7, 8);
}

/* Twice the time that one is told to let pass, and a little more. */
static void test_who_obeys_counts_as_there(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        int opens_in_s, cursor, poll;
    } rows[] = {
        {"PRE_OPEN", 200, 0, PRE_OPEN_POLL}, {"CALLED", -1, 100, CALLED_POLL}, {"WAITING", -1, 0, WAITING_POLL}};
    put_record("50:50");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct view view = running();
        view.opens_ms = view.opened_ms = (double)(now_ms() + rows[i].opens_in_s * 1000);
        view.cursor = rows[i].cursor;
        put_view(&view);
        const struct redis_value *answer = glance_anew(0);
        assert_state(answer, rows[i].state);
        int64_t whole = redis_int(answer, (size_t)rows[i].poll) * 20 + SLACK_DS;
        assert_in_range(expected_in(50), whole - 20, whole);
    }
}

/* Half a minute before the opening nobody knows yet when it is sealed; afterwards people come back spread out. */
static void test_before_the_opening_people_ask_when_it_is_there(void **state)
{
    (void)state;
    static const struct {
        int opens_in_ms, sequence, chance, poll_s;
    } rows[] = {
        {200000, 0, 0, 48},         {200000, 0, CHANCE_MAX, 72},    {30500, 0, 0, 32},
        {30500, 0, CHANCE_MAX, 34}, {30500, 25000, CHANCE_MAX, 44}, {30500, 1000000, CHANCE_MAX, 62},
    };
    put_record("7");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct view view = running();
        view.opens_ms = (double)(now_ms() + rows[i].opens_in_ms);
        view.opened_ms = HUGE_VAL;
        view.sequence = rows[i].sequence;
        put_view(&view);
        const struct redis_value *answer = glance_anew(rows[i].chance);
        assert_state(answer, "PRE_OPEN");
        assert_int_equal(redis_int(answer, NUMBER), 7);
        assert_int_equal(redis_int(answer, PRE_OPEN_AT), (int64_t)view.opens_ms);
        assert_int_equal(redis_int(answer, PRE_OPEN_POLL), rows[i].poll_s);
    }
}

static void test_tabs_move_apart_before_the_opening_too(void **state)
{
    (void)state;
    struct view view = running();
    view.opens_ms = view.opened_ms = (double)(now_ms() + 3000);
    put_view(&view);
    put_record("7");
    put_full_in(7, 520);
    assert_in_range(redis_int(glance(0), PRE_OPEN_POLL), 4 * 5, 4 * 5 + 2);
}

static void test_those_before_the_draw_ask_for_their_place(void **state)
{
    (void)state;
    struct view view = running();
    view.count = 10;
    put_view(&view);
    put_record("9");
    assert_state(glance_anew(0), "DRAW");
    put_record("10"); /* came after the opening */
    assert_state(glance_anew(0), "WAITING");
    put_record("9:3");
    const struct redis_value *answer = glance_anew(0);
    assert_state(answer, "WAITING");
    assert_int_equal(redis_int(answer, NUMBER), 9);
    assert_int_equal(redis_int(answer, WAITING_PLACE), 3);
    assert_int_equal(redis_int(answer, WAITING_RANK), 4);
}

static void test_cursor_is_the_first_that_waits(void **state)
{
    (void)state;
    struct view view = running();
    view.cursor = 50;
    put_view(&view);
    put_record("49");
    assert_state(glance_anew(0), "CALLED");
    put_record("50");
    const struct redis_value *answer = glance_anew(0);
    assert_state(answer, "WAITING");
    assert_int_equal(redis_int(answer, WAITING_RANK), 1);
}

static void test_who_was_called_asks_soon_unless_nobody_may_come(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
        int least_s, most_s;
    } rows[] = {{"", 5, 5}, {"FULL", 5, 5}, {"SLOWER", 5, 5}, {"SOLD_OUT", 24, 36}, {"PAUSED", 24, 36}};
    put_record("0");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct view view = running();
        view.cursor = 50;
        view.reason = rows[i].reason;
        put_view(&view);
        assert_int_equal(redis_int(glance_anew(0), CALLED_POLL), rows[i].least_s);
        assert_int_equal(redis_int(glance_anew(CHANCE_MAX), CALLED_POLL), rows[i].most_s);
    }
}

static void test_rank_leaves_out_who_has_gone(void **state)
{
    (void)state;
    struct view view = running();
    view.cursor = 50;
    view.returning = 3;
    put_view(&view);
    put_record("60");
    static const char *const gone[] = {"49", "50", "59", "60", "61"}; /* of whom two stand before this one */
    for (size_t i = 0; i < ARRAY_COUNT(gone); i++) {
        assert_null(REDIS_RUN(line.ctx, NULL, "SETBIT", line.gone, gone[i], "1"));
    }
    assert_int_equal(redis_int(glance_anew(0), WAITING_RANK), 10 + 1 - 2 + 3);
}

/* Of those ahead some have stopped asking: each quarter of the line has its own share, and a part of one counts for its
 * part. One person a second. */
static void test_wait_follows_the_share_of_each_quarter(void **state)
{
    (void)state;
    static const struct {
        int place, returning, wait_s;
    } rows[] = {
        {100, 0, 1},     /* the first */
        {101, 0, 2},     /* as all of the first quarter poll, one is ahead */
        {350, 0, 251},   /* a whole quarter ahead */
        {475, 0, 314},   /* and half of the second, of which half poll: 312.5 ahead */
        {600, 0, 376},   /* both: 375 ahead */
        {1099, 0, 439},  /* everybody: 437.5 */
        {1099, 10, 449}, /* who is back comes before them all */
    };
    struct view view = running();
    view.cursor = 100;
    view.sequence = 1100;
    view.told = 1;
    view.shares[1] = WHOLE / 2;
    view.shares[2] = WHOLE / 4;
    view.shares[3] = 0;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        view.returning = rows[i].returning;
        put_view(&view);
        put_record(arena_int(line.ctx->arena, rows[i].place));
        assert_int_equal(redis_int(glance_anew(0), WAITING_WAIT), rows[i].wait_s);
    }
    view.told = 0;
    put_view(&view);
    assert_int_equal(redis_int(glance_anew(0), WAITING_WAIT), -1);
}

/* A tenth of the shortest wait, spread by a fifth; 5 near the front, and no more than the setting. */
static void test_asking_again_follows_the_soonest_turn(void **state)
{
    (void)state;
    static const struct {
        int place, rate;
        const char *reason;
        int least_s, most_s;
    } rows[] = {
        {0, 10, "", 5, 5},         {499, 10, "", 5, 5},         {989, 10, "", 8, 12},
        {989, 1, "", 80, 119},     {989, 1, "FULL", 80, 119},   {99999, 10, "", 96, 144},
        {0, 10, "PAUSED", 24, 36}, {0, 10, "SOLD_OUT", 24, 36}, {989, 1, "PAUSED", 80, 119},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct view view = running();
        view.sequence = 100000;
        view.rate = rows[i].rate;
        view.reason = rows[i].reason;
        put_view(&view);
        put_record(arena_int(line.ctx->arena, rows[i].place));
        const struct redis_value *answer = glance_anew(0);
        assert_int_equal(redis_int(answer, WAITING_POLL), rows[i].least_s);
        assert_string_equal(redis_str(answer, WAITING_REASON), rows[i].reason);
        assert_int_equal(redis_int(glance_anew(CHANCE_MAX), WAITING_POLL), rows[i].most_s);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_limit_is_whole_again_after_a_minute),
        TEST(test_who_obeys_counts_as_there),
        TEST(test_before_the_opening_people_ask_when_it_is_there),
        TEST(test_tabs_move_apart_before_the_opening_too),
        TEST(test_those_before_the_draw_ask_for_their_place),
        TEST(test_cursor_is_the_first_that_waits),
        TEST(test_who_was_called_asks_soon_unless_nobody_may_come),
        TEST(test_rank_leaves_out_who_has_gone),
        TEST(test_wait_follows_the_share_of_each_quarter),
        TEST(test_asking_again_follows_the_soonest_turn),
    };
    return cmocka_run_group_tests_name("queue glance", tests, NULL, NULL);
}
