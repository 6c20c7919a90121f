/* The draw at the opening of a sale, on a real Redis: who comes before is shuffled, who comes later stands behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/queue/draw.h"
#include "src/queue/line.h"
#include "src/queue/opening.h"
#include "src/queue/queue_errors.h"
#include "src/queue/queue_settings.h"
#include "src/queue/receipt.h"
#include "tests/support/fixture.h"
#include "tests/support/queue_line.h"

#define EARLY 40
#define MINUTE (60 * CLOCK_SECOND)

/* The line of a sale that opens in a minute, with people in it. */
static int set_up(void **state)
{
    int failed = queue_line_set_up(state);
    struct queue_line *line = *state;
    line->schedule.sale_start_at = clock_now() + MINUTE;
    queue_line_publish(line);
    return failed;
}

static void fill(struct queue_line *line, const char **users)
{
    for (int i = 0; i < EARLY; i++) {
        users[i] = queue_line_newcomer(line);
    }
}

/* The minute has passed. */
static void let_sale_begin(struct queue_line *line)
{
    line->schedule.sale_start_at = clock_now() - CLOCK_SECOND;
    queue_line_publish(line);
}

static bool open_line(struct queue_line *line)
{
    bool open = false;
    assert_null(opening_run(line->ctx, &line->schedule, &open));
    return open;
}

static struct line look(struct queue_line *line)
{
    struct line now;
    assert_null(line_find(line->ctx, line->id, &now));
    return now;
}

static const struct draw *draw_of(struct queue_line *line)
{
    struct line now = look(line);
    const struct draw *draw;
    assert_null(opening_draw_of(line->ctx, line->id, now.count, &draw));
    return draw;
}

static void test_entering_before_the_sale_gives_an_arrival_number(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_user(line);
    struct queue_place place = queue_line_enter(line, user);
    assert_int_equal(place.state, QUEUE_PRE_OPEN);
    assert_int_equal(place.arrival, 1);
    assert_int_equal(place.opens_at / CLOCK_SECOND, line->schedule.sale_start_at / CLOCK_SECOND);
    assert_in_range(place.poll_after_s, 58, 70);
    assert_null(place.token);
    assert_int_equal(queue_line_enter(line, queue_line_user(line)).arrival, 2);
    assert_int_equal(queue_line_enter(line, user).arrival, 1);
    assert_int_equal(queue_line_status(line, user).arrival, 1);
    assert_false(open_line(line)); /* it is too early */
    assert_int_equal(queue_line_admit(line, 1000).called, 0);
}

/* Who waits already is told as well, though nobody new comes in. */
static void test_sale_that_is_moved_tells_those_who_wait_when_it_opens_now(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_user(line);
    struct queue_admission total;
    int64_t before = queue_line_enter(line, user).opens_at;
    line->schedule.sale_start_at += 1440 * MINUTE;
    queue_line_publish(line);
    assert_null(queue_admit_all(line->ctx, &total));
    struct queue_place place = queue_line_status(line, user);
    assert_int_equal(place.state, QUEUE_PRE_OPEN);
    assert_int_equal(place.opens_at - before, 1440 * MINUTE);
    assert_int_equal(place.arrival, 1);
    line->schedule.sale_start_at -= 1439 * MINUTE; /* and brought forward */
    queue_line_publish(line);
    assert_false(open_line(line));
    assert_null(queue_admit_all(line->ctx, &total));
    assert_int_equal(queue_line_status(line, user).opens_at - before, MINUTE);
}

static void test_opening_gives_everybody_the_place_that_the_draw_says(void **state)
{
    struct queue_line *line = *state;
    const char *users[EARLY];
    bool taken[EARLY] = {false};
    fill(line, users);
    let_sale_begin(line);
    assert_true(open_line(line));
    assert_int_equal(look(line).count, EARLY);
    for (int i = 0; i < EARLY; i++) {
        struct queue_place place = queue_line_status(line, users[i]);
        assert_int_equal(place.state, QUEUE_WAITING);
        assert_int_equal(place.sequence, draw_place(draw_of(line), i) + 1);
        assert_int_equal(place.rank, place.sequence);
        assert_int_equal(queue_line_status(line, users[i]).sequence, place.sequence);
        assert_false(taken[place.rank - 1]);
        taken[place.rank - 1] = true;
    }
    assert_int_equal(queue_line_enter(line, queue_line_user(line)).sequence, EARLY + 1);
}

static void test_people_are_called_in_the_order_of_the_draw(void **state)
{
    struct queue_line *line = *state;
    const char *users[EARLY];
    fill(line, users);
    let_sale_begin(line);
    open_line(line);
    assert_int_equal(queue_line_admit(line, 1000).called, 10);
    for (int i = 0; i < EARLY; i++) {
        bool first = draw_place(draw_of(line), i) < 10;
        assert_int_equal(queue_line_status(line, users[i]).state, first ? QUEUE_ACTIVE : QUEUE_WAITING);
    }
}

static void test_draw_matches_its_commitment_and_is_secret_before(void **state)
{
    struct queue_line *line = *state;
    char commitment[2 * CRYPTO_SHA256_SIZE + 1];
    strcpy(commitment, opening_secret(line->ctx->arena, line->id)->commitment);
    queue_line_newcomer(line);
    struct line before = look(line);
    assert_string_equal(before.commitment, commitment);
    assert_false(before.open);
    let_sale_begin(line);
    open_line(line);
    struct line after = look(line);
    assert_true(after.open);
    assert_string_equal(after.commitment, commitment);
    unsigned char seed[DRAW_SEED_SIZE], hash[CRYPTO_SHA256_SIZE];
    draw_seed(queue_settings.key, line->id, seed);
    assert_string_equal(after.seed, crypto_hex(line->ctx->arena, seed, sizeof seed));
    crypto_sha256(seed, sizeof seed, hash);
    assert_string_equal(commitment, crypto_hex(line->ctx->arena, hash, sizeof hash));
}

static void test_seed_stays_the_one_committed_to_when_the_key_changes(void **state)
{
    struct queue_line *line = *state;
    queue_line_newcomer(line);
    struct line before = look(line);
    char other[UUID_SIZE];
    opening_secret(line->ctx->arena, uuid_v7(other)); /* forget the one just used */
    queue_settings.key = "another-key-of-these-tests-0123456789";
    let_sale_begin(line);
    open_line(line);
    struct line after = look(line);
    assert_string_equal(after.commitment, before.commitment);
    assert_string_equal(after.seed, before.seed);
}

static void test_opening_is_sealed_until_it_is_on_disk(void **state)
{
    struct queue_line *line = *state;
    const char *users[EARLY];
    fill(line, users);
    let_sale_begin(line);
    queue_settings.seal_ms = 60000;
    assert_true(open_line(line));
    struct line sealed = look(line);
    assert_true(sealed.sealed);
    assert_false(sealed.open);
    assert_int_equal(sealed.count, EARLY);
    assert_int_equal(queue_line_status(line, users[0]).state, QUEUE_PRE_OPEN);
    struct queue_place late = queue_line_enter(line, queue_line_user(line));
    assert_int_equal(late.arrival, EARLY + 1);
    assert_int_equal(queue_line_admit(line, 1000).called, 0);
    queue_line_set(line, "opened_ms", "1");    /* the seal is over */
    assert_int_equal(look(line).count, EARLY); /* who came meanwhile is not in the draw */
    assert_int_equal(queue_line_status(line, users[0]).sequence, draw_place(draw_of(line), 0) + 1);
}

static void test_opening_by_many_at_once_happens_once(void **state)
{
    struct queue_line *line = *state;
    enum { PROCESSES = 8 };
    const char *users[EARLY];
    fill(line, users);
    let_sale_begin(line);
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            struct queue_line mine = *line;
            mine.ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP);
            struct queue_place place;
            bool open;
            int failed = opening_run(mine.ctx, &line->schedule, &open) != NULL;
            const struct queue_caller caller = {queue_line_user(&mine), NULL};
            failed += queue_enter(mine.ctx, &caller, line->id, NULL, &place) != NULL || place.sequence <= EARLY;
            fixture_free(&mine.ctx);
            _exit(failed);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct line now = look(line);
    assert_int_equal(now.count, EARLY);
    assert_int_equal(now.sequence, EARLY + PROCESSES);
}

static void test_sale_that_nobody_came_early_for_is_open_at_once(void **state)
{
    struct queue_line *line = *state;
    queue_settings.seal_ms = 60000;
    let_sale_begin(line);
    struct queue_place place = queue_line_enter(line, queue_line_user(line));
    assert_int_equal(place.state, QUEUE_WAITING);
    assert_int_equal(place.sequence, 1);
    assert_string_equal(look(line).commitment, opening_secret(line->ctx->arena, line->id)->commitment);
}

static void test_who_leaves_before_the_draw_leaves_no_gap_in_the_ranks(void **state)
{
    struct queue_line *line = *state;
    const char *users[EARLY];
    struct queue_admission total;
    fill(line, users);
    assert_int_equal(look(line).waiting, EARLY);
    for (int i = 0; i < EARLY; i += 4) {
        assert_null(queue_leave(line->ctx, users[i], line->id));
    }
    assert_int_equal(look(line).waiting, EARLY - EARLY / 4);
    let_sale_begin(line);
    assert_null(REDIS_RUN(line->ctx, NULL, "DEL", QUEUE_SCHEDULES_KEY));
    assert_null(REDIS_RUN(line->ctx, NULL, "SADD", QUEUE_SCHEDULES_KEY, line->id));
    assert_null(queue_admit_all(line->ctx, &total)); /* opens */
    assert_null(queue_admit_all(line->ctx, &total)); /* notes who has left */
    bool taken[EARLY] = {false};
    for (int i = 0; i < EARLY; i++) {
        struct queue_place place;
        if (i % 4 == 0) {
            assert_ptr_equal(queue_line_ask(line, users[i], &place), &err_not_in_queue);
            continue;
        }
        place = queue_line_status(line, users[i]);
        assert_in_range(place.rank, 1, EARLY - EARLY / 4);
        assert_false(taken[place.rank - 1]);
        taken[place.rank - 1] = true;
    }
    assert_int_equal(look(line).waiting, EARLY - EARLY / 4);
    assert_int_equal(queue_line_admit(line, 1000).passed_over, 0);
}

static void test_leaving_after_the_draw_frees_the_drawn_place(void **state)
{
    struct queue_line *line = *state;
    const char *users[EARLY];
    fill(line, users);
    let_sale_begin(line);
    open_line(line);
    const struct draw *draw = draw_of(line);
    const char *first = users[draw_number(draw, 0)], *second = users[draw_number(draw, 1)];
    assert_int_equal(queue_line_status(line, second).rank, 2);
    assert_null(queue_leave(line->ctx, first, line->id)); /* without having asked where the place is */
    assert_int_equal(queue_line_status(line, second).rank, 1);
}

/* A Redis that has lost everything: the same seed, the same numbers, and so the same places. */
static void test_receipts_bring_back_the_draw_after_everything_was_lost(void **state)
{
    struct queue_line *line = *state;
    const char *users[EARLY];
    int64_t sequences[EARLY];
    fill(line, users);
    let_sale_begin(line);
    open_line(line);
    for (int i = 0; i < EARLY; i++) {
        sequences[i] = queue_line_status(line, users[i]).sequence;
    }
    const struct queue_keys *keys = &line->keys;
    assert_null(
        REDIS_RUN(line->ctx, NULL, "DEL", keys->state, keys->view, keys->seen, keys->used, keys->gone, keys->joined));
    for (unsigned shard = 0; shard < QUEUE_SHARDS; shard++) {
        assert_null(REDIS_RUN(line->ctx, NULL, "DEL", queue_people_key(line->ctx->arena, keys, shard)));
    }
    line->schedule.sale_start_at = clock_now() + MINUTE; /* the operator gives everybody a minute */
    queue_line_publish(line);
    for (int i = EARLY - 1; i >= 0; i--) {
        struct queue_place place;
        const struct queue_caller caller = {users[i], NULL};
        const char *receipt = receipt_issue(line->ctx->arena, line->id, users[i], i);
        assert_null(queue_enter(line->ctx, &caller, line->id, receipt, &place));
        assert_int_equal(place.arrival, i + 1);
    }
    let_sale_begin(line);
    open_line(line);
    for (int i = 0; i < EARLY; i++) {
        assert_int_equal(queue_line_status(line, users[i]).sequence, sequences[i]);
    }
}

static void test_receipt_restores_a_drawn_place(void **state)
{
    struct queue_line *line = *state;
    const char *users[EARLY];
    fill(line, users);
    let_sale_begin(line);
    open_line(line);
    int64_t before = queue_line_status(line, users[7]).sequence;
    struct queue_user user = queue_user_of(users[7]);
    assert_null(
        REDIS_RUN(line->ctx, NULL, "DEL", queue_people_key(line->ctx->arena, &line->keys, queue_shard_of(&user))));
    struct queue_place place;
    const struct queue_caller caller = {users[7], NULL};
    const char *receipt = receipt_issue(line->ctx->arena, line->id, users[7], 7);
    assert_null(queue_enter(line->ctx, &caller, line->id, receipt, &place));
    assert_int_equal(place.sequence, before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, queue_line_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_entering_before_the_sale_gives_an_arrival_number),
        TEST(test_sale_that_is_moved_tells_those_who_wait_when_it_opens_now),
        TEST(test_opening_gives_everybody_the_place_that_the_draw_says),
        TEST(test_people_are_called_in_the_order_of_the_draw),
        TEST(test_draw_matches_its_commitment_and_is_secret_before),
        TEST(test_seed_stays_the_one_committed_to_when_the_key_changes),
        TEST(test_opening_is_sealed_until_it_is_on_disk),
        TEST(test_opening_by_many_at_once_happens_once),
        TEST(test_sale_that_nobody_came_early_for_is_open_at_once),
        TEST(test_who_leaves_before_the_draw_leaves_no_gap_in_the_ranks),
        TEST(test_leaving_after_the_draw_frees_the_drawn_place),
        TEST(test_receipts_bring_back_the_draw_after_everything_was_lost),
        TEST(test_receipt_restores_a_drawn_place),
    };
    return cmocka_run_group_tests_name("queue opening", tests, NULL, NULL);
}
