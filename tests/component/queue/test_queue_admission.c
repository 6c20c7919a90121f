/* Who is called, and how fast (QUEUE-005, QUEUE-007); people who vanish and come back; settings while it runs; the end.
 */
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
#include "common/json/json.h"
#include "src/contract/queue_token.h"
#include "src/queue/closing.h"
#include "src/queue/line.h"
#include "src/queue/opening.h"
#include "src/queue/queue_errors.h"
#include "src/queue/queue_settings.h"
#include "src/queue/tuning.h"
#include "tests/support/fixture.h"
#include "tests/support/queue_line.h"

#define MANY 30

/* ---- rate and order ---- */

static int64_t redis_us(struct queue_line *line)
{
    const struct redis_value *time;
    assert_null(REDIS_RUN(line->ctx, &time, "TIME"));
    return redis_int(time, 0) * 1000000 + redis_int(time, 1);
}

static void test_admission_calls_in_order_of_sequence(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    assert_int_equal(queue_line_admit(line, 1000).called, 10);
    for (int i = 0; i < MANY; i++) {
        struct queue_place place = queue_line_status(line, users[i]);
        assert_int_equal(place.state, i < 10 ? QUEUE_ACTIVE : QUEUE_WAITING);
        assert_int_equal(place.rank, i < 10 ? 0 : i - 9);
    }
}

static void test_admission_after_an_outage_is_bounded(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    assert_int_equal(queue_line_admit(line, 3600 * 1000).called, 10);
}

static void test_admission_carries_fractions(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    struct queue_admission admission;
    queue_line_fill(line, users, MANY);
    assert_int_equal(queue_line_admit(line, 150).called, 1); /* one and a half */
    const char *rest = queue_line_get(line, "credit");
    assert_in_range(strtoll(rest, NULL, 10), 500000, 599999);
    queue_line_set(line, "paused", NULL);
    int64_t then = redis_us(line) - 50 * 1000;
    queue_line_set(line, "credited_us", arena_printf(line->ctx->arena, "%lld", (long long)then));
    assert_null(queue_admit(line->ctx, &line->schedule, &admission));
    assert_int_equal(admission.called, 1); /* the other half */
}

/* 8 approvers at once, over and over, with 0.7 s to share: 7 people and what the test itself takes. */
static void test_admission_follows_rate_and_time_whoever_asks(void **state)
{
    struct queue_line *line = *state;
    enum { APPROVERS = 8, TRIES = 40 };
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    int64_t start_us = redis_us(line);
    queue_line_set(line, "credit", "0");
    queue_line_set(line, "credited_us", arena_printf(line->ctx->arena, "%lld", (long long)(start_us - 700000)));
    queue_line_set(line, "paused", NULL);
    for (int p = 0; p < APPROVERS; p++) {
        if (fork() == 0) {
            struct ctx *ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP);
            struct queue_admission admission;
            int failed = 0;
            for (int i = 0; i < TRIES; i++) {
                failed += queue_admit(ctx, &line->schedule, &admission) != NULL;
            }
            fixture_free(&ctx);
            _exit(failed ? 1 : 0);
        }
    }
    for (int p = 0; p < APPROVERS; p++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    int64_t took_us = redis_us(line) - start_us;
    struct line now = queue_line_look(line);
    assert_in_range(now.total.called, 7, 7 + took_us / 100000 + 1);
    assert_int_equal(now.cursor, now.total.called);
}

/* An approver that hung between reading the cursor and calling comes back with numbers of the past. */
static void test_admission_with_a_stale_cursor_calls_nobody(void **state)
{
    struct queue_line *line = *state;
    extern const struct redis_script redis_script_queue_admit;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    assert_int_equal(queue_line_admit(line, 500).called, 5);
    queue_line_set(line, "credit", "5000000");
    queue_line_set(line, "paused", NULL);
    const struct queue_keys *keys = &line->keys;
    const char *key_list[] = {keys->state,  keys->seen,     keys->called, keys->returning,
                              keys->active, keys->finished, keys->view,   keys->used};
    const char *args[] = {"10", "120000", "1000", keys->people, keys->tokens, "0", "0", "3", "0", "1", "2"};
    const struct redis_value *answer;
    assert_null(redis_eval(line->ctx, &redis_script_queue_admit, &answer, key_list, 8, args, 11));
    assert_int_equal(redis_int(answer, 0), 0);
    assert_int_equal(redis_int(answer, 3), 5);
    assert_int_equal(queue_line_look(line).total.called, 5);
}

static void test_newcomer_to_an_empty_line_is_admitted_at_once(void **state)
{
    struct queue_line *line = *state;
    queue_line_set(line, "paused", NULL);
    const char *user = queue_line_user(line);
    struct queue_place place = queue_line_enter(line, user);
    assert_int_equal(place.state, QUEUE_ACTIVE);
    assert_null(queue_token_check(line->ctx, place.token, user, line->id));
    assert_int_equal(queue_line_enter(line, queue_line_user(line)).state, QUEUE_WAITING);
}

/* ---- people who are not there ---- */

static void test_vanished_people_are_passed_over_and_use_up_no_rate(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    for (int i = 0; i < 8; i++) {
        queue_line_vanish(line, i);
    }
    struct queue_admission admission = queue_line_admit(line, 1000);
    assert_int_equal(admission.called, 10);
    assert_int_equal(admission.passed_over, 8);
    assert_int_equal(queue_line_status(line, users[8]).state, QUEUE_ACTIVE);
    assert_int_equal(queue_line_status(line, users[17]).state, QUEUE_ACTIVE);
    assert_int_equal(queue_line_status(line, users[18]).rank, 1);
}

static void test_who_comes_back_is_called_before_the_line(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    queue_line_vanish(line, 3);
    queue_line_vanish(line, 1);
    queue_line_admit(line, 500);
    assert_int_equal(queue_line_status(line, users[3]).rank, 1);
    assert_int_equal(queue_line_status(line, users[3]).sequence, 4);
    assert_int_equal(queue_line_status(line, users[1]).rank, 1); /* the earlier of the two */
    assert_int_equal(queue_line_status(line, users[3]).rank, 2);
    assert_int_equal(queue_line_admit(line, 100).called, 1);
    assert_int_equal(queue_line_status(line, users[1]).state, QUEUE_ACTIVE);
    assert_int_equal(queue_line_admit(line, 300).called, 3);
    assert_int_equal(queue_line_status(line, users[3]).state, QUEUE_ACTIVE);
    assert_int_equal(queue_line_status(line, users[8]).state, QUEUE_ACTIVE);
    assert_int_equal(queue_line_status(line, users[9]).state, QUEUE_WAITING);
    assert_int_equal(queue_line_look(line).total.returned, 2);
}

/* Many who were passed over come back at once: they use up the rate like everybody, which is 10 a second with a second
 * to catch up. */
static void test_who_comes_back_uses_up_the_rate(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    for (int i = 0; i < MANY; i++) {
        queue_line_vanish(line, i);
    }
    const char *present = queue_line_newcomer(line);
    assert_int_equal(queue_line_admit(line, 1000).passed_over, MANY);
    assert_int_equal(queue_line_status(line, present).state, QUEUE_ACTIVE);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(queue_line_status(line, users[i]).rank, i + 1);
    }
    int64_t start_us = redis_us(line), called = queue_line_admit(line, 1000).called;
    assert_int_equal(called, 10);
    queue_line_set(line, "paused", NULL);
    while (called < 13) {
        struct queue_admission admission;
        assert_null(queue_admit(line->ctx, &line->schedule, &admission));
        called += admission.called;
        assert_true(called <= 10 + (redis_us(line) - start_us) / 100000 + 1);
    }
}

static void test_called_user_who_never_arrives_gives_the_slot_back_and_keeps_the_place(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    queue_line_set(line, "max_active", "2");
    assert_int_equal(queue_line_admit(line, 1000).called, 2);
    assert_int_equal(queue_line_admit(line, 1000).called, 0);
    queue_line_end_now(line, line->keys.called);
    struct queue_admission admission = queue_line_admit(line, 1000);
    assert_int_equal(admission.no_shows, 2);
    assert_int_equal(admission.called, 2);
    assert_int_equal(queue_line_status(line, users[0]).rank, 1);
    assert_int_equal(queue_line_status(line, users[0]).sequence, 1);
    queue_line_end_now(line, line->keys.called);
    assert_int_equal(queue_line_admit(line, 1000).called, 2);
    assert_int_equal(queue_line_status(line, users[0]).state, QUEUE_ACTIVE);
    assert_int_equal(line_abandoned(&(struct line){.total = {.no_shows = 2, .left = 3, .returned = 1}}), 4);
}

/* Redis or the responders were away: nobody could poll, and nobody shall lose the turn. */
static void test_outage_in_which_nobody_could_poll_costs_nobody_the_turn(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    for (int i = 0; i < MANY; i++) {
        queue_line_vanish(line, i);
    }
    struct queue_admission admission = queue_line_admit(line, 500);
    assert_int_equal(admission.called, 5);
    assert_int_equal(admission.passed_over, 0);
    queue_line_status(line, users[20]); /* the first to be back */
    admission = queue_line_admit(line, 1000);
    assert_int_equal(admission.called, 10);
    assert_int_equal(admission.passed_over, 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(queue_line_status(line, users[i]).state, i < 15 ? QUEUE_ACTIVE : QUEUE_WAITING);
    }
}

/* Polls are not in Redis' log, so a restart forgets them. */
static void test_presence_that_a_restart_has_forgotten_costs_nobody_the_turn(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    assert_null(queue_leave(line->ctx, users[2], line->id));
    assert_null(REDIS_RUN(line->ctx, NULL, "DEL", line->keys.seen));
    struct queue_admission admission = queue_line_admit(line, 500);
    assert_int_equal(admission.called, 5);
    assert_int_equal(admission.passed_over, 0);
    assert_int_equal(queue_line_status(line, users[5]).state, QUEUE_ACTIVE); /* the third had left */
    assert_int_equal(queue_line_status(line, users[6]).rank, 1);
}

/* ---- slots ---- */

static void test_most_active_people_are_never_exceeded(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    queue_line_set(line, "max_active", "4");
    assert_int_equal(queue_line_admit(line, 1000).called, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(queue_line_status(line, users[i]).state, QUEUE_ACTIVE);
    }
    assert_int_equal(queue_line_admit(line, 1000).called, 0);
    assert_null(queue_leave(line->ctx, users[0], line->id));
    assert_int_equal(queue_line_admit(line, 1000).called, 1);
    queue_line_end_now(line, line->keys.active);
    assert_int_equal(queue_line_admit(line, 1000).called, 3);
    assert_int_equal(queue_line_look(line).total.expired, 3);
}

static void test_who_has_bought_frees_the_slot_and_holds_no_more_seats(void **state)
{
    struct queue_line *line = *state;
    struct queue_line other = queue_line_beside(line);
    const char *user = queue_line_newcomer(line);
    queue_line_admit(line, 1000);
    const char *token = queue_line_status(line, user).token;
    assert_int_equal(queue_line_look(line).active, 1);
    assert_null(queue_token_finish(line->ctx, user, line->id, clock_now()));
    queue_line_admit(line, 0);
    struct line now = queue_line_look(line);
    assert_int_equal(now.active, 0);
    assert_int_equal(now.total.finished, 1);
    const struct redis_value *owner;
    assert_null(REDIS_RUN(line->ctx, &owner, "GET", queue_token_key(line->ctx->arena, line->id, token)));
    assert_string_not_equal(owner->str, user);                             /* no hold is let through */
    assert_null(queue_token_check(line->ctx, token, user, line->id));      /* a payment may be repeated */
    assert_int_equal(queue_line_enter(&other, user).state, QUEUE_WAITING); /* free for another performance */
    assert_null(queue_token_finish(line->ctx, user, line->id, clock_now()));
    queue_line_admit(line, 0);
    assert_int_equal(queue_line_look(line).total.finished, 1);
}

/* ---- statistics ---- */

static void test_statistics_count_everybody(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    queue_line_vanish(line, 0);
    queue_line_admit(line, 300);
    queue_line_status(line, users[1]);
    queue_line_end_now(line, line->keys.called);
    queue_line_admit(line, 0);
    assert_null(queue_leave(line->ctx, users[20], line->id));
    struct line now = queue_line_look(line);
    assert_int_equal(now.waiting, MANY - 5);
    assert_int_equal(now.cursor, 4);
    assert_int_equal(now.active, 1);
    assert_int_equal(now.total.called, 3);
    assert_int_equal(now.total.admitted, 1);
    assert_int_equal(now.total.passed_over, 1);
    assert_int_equal(now.total.no_shows, 2);
    assert_int_equal(now.total.left, 1);
    assert_int_equal(line_abandoned(&now), 4);
    assert_int_equal(line_ghost_percent(&now), 75);
    assert_in_range(now.oldest_wait_s, 0, 60);
}

/* ---- the list, and the end ---- */

static bool listed(struct queue_line *line)
{
    const struct redis_value *there;
    assert_null(REDIS_RUN(line->ctx, &there, "SISMEMBER", QUEUE_SCHEDULES_KEY, line->id));
    return there->integer == 1;
}

/* One tick of an approver, for this line alone. */
static void tick(struct queue_line *line)
{
    struct queue_admission total;
    assert_null(REDIS_RUN(line->ctx, NULL, "DEL", QUEUE_SCHEDULES_KEY)); /* other tests' schedules */
    assert_null(REDIS_RUN(line->ctx, NULL, "SADD", QUEUE_SCHEDULES_KEY, line->id));
    assert_null(queue_admit_all(line->ctx, &total));
}

/* One tick of closing, for this line alone; answers the people with a token before it. */
static int64_t close_tick(struct queue_line *line)
{
    int64_t active;
    assert_null(REDIS_RUN(line->ctx, NULL, "DEL", QUEUE_LINES_KEY)); /* other tests' schedules */
    assert_null(REDIS_RUN(line->ctx, NULL, "SADD", QUEUE_LINES_KEY, line->id));
    assert_null(closing_run_all(line->ctx, &active));
    return active;
}

static void test_admit_all_forgets_a_line_with_nobody_in_it_until_somebody_joins(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    assert_true(listed(line));
    tick(line);
    assert_true(listed(line));
    queue_line_admit(line, 1000);
    assert_int_equal(queue_line_status(line, user).state, QUEUE_ACTIVE);
    tick(line);
    assert_false(listed(line));
    assert_null(queue_leave(line->ctx, user, line->id));
    queue_line_enter(line, user);
    assert_true(listed(line));
}

/* Too late for the slot, and nobody else comes to the line: it is looked after again, for this person alone. */
static void test_who_comes_back_to_a_line_that_nobody_waits_in_is_called(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    assert_int_equal(queue_line_admit(line, 1000).called, 1);
    queue_line_end_now(line, line->keys.called);
    tick(line); /* gives the slot back */
    tick(line);
    assert_false(listed(line));
    struct queue_place place = queue_line_status(line, user);
    assert_int_equal(place.state, QUEUE_WAITING);
    assert_int_equal(place.rank, 1);
    assert_true(listed(line));
    assert_int_equal(queue_line_admit(line, 1000).called, 1);
    assert_int_equal(queue_line_status(line, user).state, QUEUE_ACTIVE);
}

/* Of those who were called too early, all but the last have gone: nobody of the line overtakes that one. */
static void test_who_is_back_is_called_before_the_line_though_others_have_gone(void **state)
{
    struct queue_line *line = *state;
    enum { BACK = 70, BEHIND = 5 };
    const char *users[BACK + BEHIND];
    queue_line_fill(line, users, BACK + BEHIND);
    for (int i = 0; i < BACK; i += 10) {
        assert_int_equal(queue_line_admit(line, 1000).called, 10);
    }
    queue_line_end_now(line, line->keys.called);
    for (int i = 0; i < BACK; i++) {
        assert_int_equal(queue_line_status(line, users[i]).state, QUEUE_WAITING);
    }
    for (int i = 0; i < BACK - 1; i++) {
        queue_line_vanish(line, i);
    }
    assert_int_equal(queue_line_admit(line, 100).called, 1);
    assert_int_equal(queue_line_status(line, users[BACK - 1]).state, QUEUE_ACTIVE);
    assert_int_equal(queue_line_status(line, users[BACK]).rank, 1);
}

/* One person's tabs are told to move apart here too: this may last for hours. */
static void test_tabs_of_who_is_back_are_told_to_move_apart(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    struct queue_place place = {0};
    assert_int_equal(queue_line_admit(line, 1000).called, 1);
    queue_line_end_now(line, line->keys.called);
    for (int used = 2; used <= 15; used++) { /* entering was the first */
        place = queue_line_status_running(line, user);
        assert_int_equal(place.state, QUEUE_WAITING);
        assert_true(used > 2 || place.poll_after_s == QUEUE_POLL_NEAR_S);
    }
    assert_true(place.poll_after_s >= 4 * 5);
}

static void test_slots_are_given_back_also_when_nobody_waits(void **state)
{
    struct queue_line *line = *state;
    const char *users[4];
    queue_line_fill(line, users, 4);
    queue_line_admit(line, 400);
    queue_line_status(line, users[0]);
    queue_line_status(line, users[1]);
    assert_null(queue_token_finish(line->ctx, users[0], line->id, clock_now()));
    assert_int_equal(close_tick(line), 2);
    assert_int_equal(queue_line_look(line).active, 1);
    assert_int_equal(queue_line_look(line).called, 2);
    queue_line_end_now(line, line->keys.active);
    queue_line_end_now(line, line->keys.called);
    close_tick(line);
    assert_int_equal(queue_line_look(line).active, 0);
    assert_int_equal(queue_line_look(line).called, 0);
}

static void test_cancelled_sale_tells_everybody_and_forgets_them(void **state)
{
    struct queue_line *line = *state;
    struct queue_line other = queue_line_beside(line);
    const char *users[MANY];
    struct queue_place place;
    queue_line_fill(line, users, MANY);
    queue_line_admit(line, 100);
    const char *token = queue_line_status(line, users[0]).token;
    line->schedule.status = "CANCELLED";
    queue_line_publish(line);
    tick(line);
    assert_false(listed(line));
    close_tick(line);
    for (int i = 0; i < MANY; i++) {
        assert_ptr_equal(queue_line_ask(line, users[i], &place), &err_sale_ended);
    }
    assert_non_null(token);
    queue_settings.closing_grace_s = 0;
    for (int i = 0; i < QUEUE_SHARDS / 32; i++) {
        assert_int_equal(queue_line_size(line, "EXISTS", line->keys.seen), 1);
        close_tick(line);
    }
    assert_int_equal(queue_line_size(line, "SCARD", QUEUE_LINES_KEY), 0);
    assert_int_equal(queue_line_size(line, "EXISTS", line->keys.seen), 0);
    for (int i = 0; i < MANY; i++) {
        struct queue_user user = queue_user_of(users[i]);
        const char *people = queue_people_key(line->ctx->arena, &line->keys, queue_shard_of(&user));
        assert_int_equal(queue_line_size(line, "EXISTS", people), 0);
        struct redis_pipe *pipe = redis_pipe_new(line->ctx);
        const char *marker = queue_marker_key(line->ctx->arena, queue_shard_of(&user));
        redis_pipe_begin(pipe, 3);
        redis_pipe_arg(pipe, "HEXISTS", 7);
        redis_pipe_arg(pipe, marker, strlen(marker));
        redis_pipe_arg(pipe, user.ref, sizeof user.ref);
        const struct redis_value *there;
        assert_null(redis_pipe_run(pipe, &there));
        assert_int_equal(there->integer, 0);
    }
    assert_non_null(queue_line_get(line, "seed")); /* the draw stays public */
    assert_in_range(queue_line_size(line, "TTL", line->keys.state), 1, 600);
    assert_int_equal(queue_line_enter(&other, users[0]).rank, 1);
}

static void test_sale_that_runs_again_opens_its_line_again(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    struct queue_place place;
    line->schedule.status = "CANCELLED";
    queue_line_publish(line);
    close_tick(line);
    assert_ptr_equal(queue_line_ask(line, user, &place), &err_sale_ended);
    line->schedule.status = "OPEN";
    queue_line_publish(line);
    close_tick(line);
    assert_true(listed(line));
    assert_int_equal(queue_line_status(line, user).rank, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_line_set_up, queue_line_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_admission_calls_in_order_of_sequence),
        TEST(test_admission_after_an_outage_is_bounded),
        TEST(test_admission_carries_fractions),
        TEST(test_admission_follows_rate_and_time_whoever_asks),
        TEST(test_admission_with_a_stale_cursor_calls_nobody),
        TEST(test_newcomer_to_an_empty_line_is_admitted_at_once),
        TEST(test_vanished_people_are_passed_over_and_use_up_no_rate),
        TEST(test_who_comes_back_is_called_before_the_line),
        TEST(test_who_comes_back_uses_up_the_rate),
        TEST(test_called_user_who_never_arrives_gives_the_slot_back_and_keeps_the_place),
        TEST(test_outage_in_which_nobody_could_poll_costs_nobody_the_turn),
        TEST(test_presence_that_a_restart_has_forgotten_costs_nobody_the_turn),
        TEST(test_most_active_people_are_never_exceeded),
        TEST(test_who_has_bought_frees_the_slot_and_holds_no_more_seats),
        TEST(test_statistics_count_everybody),
        TEST(test_admit_all_forgets_a_line_with_nobody_in_it_until_somebody_joins),
        TEST(test_who_comes_back_to_a_line_that_nobody_waits_in_is_called),
        TEST(test_who_is_back_is_called_before_the_line_though_others_have_gone),
        TEST(test_tabs_of_who_is_back_are_told_to_move_apart),
        TEST(test_slots_are_given_back_also_when_nobody_waits),
        TEST(test_cancelled_sale_tells_everybody_and_forgets_them),
        TEST(test_sale_that_runs_again_opens_its_line_again),
    };
    return cmocka_run_group_tests_name("queue admission", tests, NULL, NULL);
}
