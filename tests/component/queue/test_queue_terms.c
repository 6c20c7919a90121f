/* What an administrator sets while the sale runs, what people are told of their wait, and sales that are full, paused
 * or sold out (QUEUE-002, QUEUE-005, QUEUE-007). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/io/redis.h"
#include "common/json/json.h"
#include "src/contract/queue_token.h"
#include "src/queue/admission.h"
#include "src/queue/line.h"
#include "src/queue/queue_settings.h"
#include "src/queue/tuning.h"
#include "tests/support/fixture.h"
#include "tests/support/queue_line.h"

#define MANY 30

static struct queue_tuned tune(struct queue_line *line, struct queue_tuning tuning)
{
    struct queue_tuned tuned;
    assert_null(queue_tune(line->ctx, line->id, queue_line_user(line), &tuning, &tuned));
    return tuned;
}

static void test_settings_change_while_it_runs_and_are_kept_for_audit(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    struct queue_tuned tuned = tune(line, (struct queue_tuning){3, -1, FIELD_NO_INT});
    assert_int_equal(tuned.admission_rate, 3);
    assert_true(tuned.paused);
    assert_int_equal(queue_line_admit(line, 1000).called, 3);
    assert_int_equal(queue_line_status_running(line, users[MANY - 1]).estimated_wait_s, MANY / 3 - 1);
    tuned = tune(line, (struct queue_tuning){FIELD_NO_INT, 0, 5});
    assert_int_equal(tuned.admission_rate, 3);
    assert_false(tuned.paused);
    assert_int_equal(tuned.max_active, 5);
    assert_int_equal(tune(line, (struct queue_tuning){FIELD_NO_INT, -1, 0}).max_active, 0);
    assert_int_equal(queue_line_size(line, "XLEN", line->keys.audit), 3);
}

static void assert_told(struct queue_place place, int64_t least_s, int64_t most_s, const char *reason)
{
    assert_int_equal(place.state, QUEUE_WAITING);
    assert_true(least_s <= place.estimated_wait_s && place.estimated_wait_s <= most_s);
    assert_string_equal(place.delay_reason ? place.delay_reason : "", reason);
}

static void test_pause_calls_nobody_saves_nothing_up_and_is_told(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    struct queue_admission admission;
    queue_line_fill(line, users, MANY);
    queue_line_admit(line, 100);
    assert_told(queue_line_status(line, users[MANY - 1]), QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "PAUSED");
    queue_line_set(line, "credited_us", "1"); /* since 1970 */
    assert_null(queue_admit(line->ctx, &line->schedule, &admission));
    assert_int_equal(admission.called, 0);
    tune(line, (struct queue_tuning){FIELD_NO_INT, 0, FIELD_NO_INT});
    assert_null(queue_admit(line->ctx, &line->schedule, &admission));
    assert_true(admission.called <= 1);
    assert_null(queue_line_status(line, users[MANY - 1]).delay_reason);
}

static void test_estimate_follows_the_measured_rate_and_says_slower(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    assert_told(queue_line_status_running(line, users[MANY - 1]), 3, 3, "");
    for (int i = 0; i < 2; i++) {
        queue_line_admit(line, 20000); /* what an outage leaves: 20 in 40 s */
    }
    assert_told(queue_line_status_running(line, users[MANY - 1]), 6, 8, "SLOWER");
    queue_line_set(line, "paused", NULL);
    assert_int_equal(queue_line_look(line).rate, 10);
    assert_true(queue_line_look(line).pace < 2);
}

static void fill_and_cap(struct queue_line *line, const char **users, int64_t most_active)
{
    queue_line_fill(line, users, MANY);
    tune(line, (struct queue_tuning){FIELD_NO_INT, -1, most_active});
}

/* As if the cap had begun to bind so long ago, with so many calls before it. */
static void note_calls(struct queue_line *line, int64_t seconds_ago, int64_t calls)
{
    enum { EPOCH_S = 1767225600 };
    const struct redis_value *time;
    assert_null(REDIS_RUN(line->ctx, &time, "TIME"));
    int64_t at_ds = (redis_int(time, 0) - EPOCH_S - seconds_ago) * 10;
    queue_line_set(line, "notes", arena_printf(line->ctx->arena, "%lld:%lld", (long long)at_ds, (long long)calls));
}

static void test_estimate_of_a_full_sale_comes_from_slots_given_back(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    tune(line, (struct queue_tuning){FIELD_NO_INT, -1, 1});
    for (int i = 0; i < 5; i++) {
        assert_int_equal(queue_line_admit(line, 60000).called, i == 0);
        assert_told(queue_line_status_running(line, users[1]), QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "FULL");
    }
    note_calls(line, 60, 1);
    queue_line_end_now(line, line->keys.called);
    assert_int_equal(queue_line_admit(line, 60000).called, 1);
    struct queue_place next = queue_line_status_running(line, users[2]);
    assert_told(next, 60, 62, "FULL");
    assert_int_equal(next.poll_after_s, QUEUE_POLL_NEAR_S); /* it may be one's turn at any moment */
    assert_told(queue_line_status_running(line, users[3]), 120, 124, "FULL");
    note_calls(line, 600, 1); /* and nobody has left since */
    assert_told(queue_line_status_running(line, users[2]), 600, 620, "FULL");
    tune(line, (struct queue_tuning){10, -1, 0});
    assert_told(queue_line_status_running(line, users[2]), 1, 1, "");
}

static void test_full_sale_keeps_few_notes_and_forgets_them_when_nobody_waits(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    tune(line, (struct queue_tuning){FIELD_NO_INT, -1, 1});
    queue_line_set(line, "notes", "1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0");
    assert_int_equal(queue_line_admit(line, 60000).called, 1);
    const char *slots = queue_line_get(line, "notes");
    assert_memory_equal(slots, "2:0 3:0 4:0 5:0 6:0 7:0 8:0 ", 28); /* the oldest has made room for now */
    assert_int_equal(strtoll(strrchr(slots, ':') + 1, NULL, 10), 1);
    assert_null(strchr(slots + 28, ' '));
    tune(line, (struct queue_tuning){FIELD_NO_INT, -1, MANY + 1});
    assert_null(queue_line_get(line, "notes"));
    while (queue_line_admit(line, 60000).called > 0) {
    }
    assert_null(queue_line_get(line, "notes"));
}

static void sell_out(struct queue_line *line, int sold_out)
{
    line->schedule.sold_out = sold_out;
    queue_line_publish(line);
}

static void test_sold_out_sale_admits_nobody_and_goes_on_when_seats_come_back(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    assert_int_equal(queue_line_admit(line, 300).called, 3);
    struct queue_place inside = queue_line_status(line, users[0]);
    assert_int_equal(inside.state, QUEUE_ACTIVE);
    sell_out(line, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(queue_line_admit(line, 60000).called, 0);
    }
    assert_true(queue_line_look(line).sold_out);
    assert_null(queue_token_check(line->ctx, inside.token, users[0], line->id)); /* nothing is taken from who is in */
    for (int i = 1; i < 5; i++) { /* two who had been called, two who had not */
        struct queue_place place = queue_line_status_running(line, users[i]);
        assert_told(place, QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "SOLD_OUT");
        assert_int_equal(place.rank, i); /* who was sent back stands before the line */
    }
    queue_line_set(line, "paused", NULL);
    assert_told(queue_line_enter(line, queue_line_user(line)), QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "SOLD_OUT");
    queue_line_set(line, "paused", "1");
    struct queue_place last = queue_line_status(line, users[MANY - 1]);
    assert_told(last, QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "SOLD_OUT"); /* rather than PAUSED */
    assert_true(last.poll_after_s >= 24);                                  /* as nobody may be called */
    sell_out(line, 0);
    assert_int_equal(queue_line_admit(line, 300).called, 3);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(queue_line_status(line, users[i]).state, i < 4 ? QUEUE_ACTIVE : QUEUE_WAITING);
    }
}

/* A cap that no longer binds says nothing, however long it did before. */
static void test_estimate_after_a_full_sale_is_that_of_the_rate(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    fill_and_cap(line, users, 2);
    note_calls(line, 600, 0);
    assert_int_equal(queue_line_admit(line, 60000).called, 2);
    assert_told(queue_line_status_running(line, users[MANY - 1]), 60, 36000, "FULL");
    tune(line, (struct queue_tuning){FIELD_NO_INT, -1, MANY + 1});
    assert_int_equal(queue_line_admit(line, 1000).called, 10);
    note_calls(line, 600, 0);
    assert_told(queue_line_status_running(line, users[MANY - 1]), 2, 3, "");
}

static void test_estimate_of_a_full_sale_forgets_a_standstill(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    fill_and_cap(line, users, 1);
    note_calls(line, 600, 0);
    assert_int_equal(queue_line_admit(line, 60000).called, 1);
    assert_non_null(queue_line_get(line, "notes"));
    assert_told(queue_line_status(line, users[2]), QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "PAUSED");
    assert_null(queue_line_get(line, "notes"));
    note_calls(line, -3600, 0); /* the clock was an hour ahead */
    queue_line_end_now(line, line->keys.called);
    assert_int_equal(queue_line_admit(line, 60000).called, 1);
    note_calls(line, 60, 1);
    assert_told(queue_line_status_running(line, users[2]), 60, 62, "FULL");
}

/* Calls in quick succession make one note; people who are called again are slots used as well; and the rate is a bound.
 */
static void test_estimate_of_a_full_sale_counts_every_call_and_never_exceeds_the_rate(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    fill_and_cap(line, users, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(queue_line_admit(line, 60000).called, 1);
        queue_line_end_now(line, line->keys.called);
    }
    assert_int_equal(queue_line_admit(line, 60000).called, 1);
    assert_null(strchr(queue_line_get(line, "notes"), ' '));
    note_calls(line, 60, 1);
    queue_line_end_now(line, line->keys.called);
    assert_int_equal(queue_line_status_running(line, users[0]).state, QUEUE_WAITING); /* back */
    assert_int_equal(queue_line_admit(line, 60000).called, 1);
    assert_told(queue_line_status_running(line, users[MANY - 1]), (MANY - 5) * 12, (MANY - 5) * 12 + 8, "FULL");
    tune(line, (struct queue_tuning){1, -1, FIELD_NO_INT});
    note_calls(line, 1, 0);
    assert_told(queue_line_status_running(line, users[MANY - 1]), MANY - 5, MANY - 5, "");
}

static void test_view_of_another_version_is_made_anew(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    assert_null(REDIS_RUN(line->ctx, NULL, "SET", line->keys.view, "another"));
    assert_int_equal(queue_line_status(line, user).rank, 1);
}

/* All have been called and nobody comes after them: the line is looked after all the same. */
static void test_called_people_get_no_token_for_a_sale_that_is_sold_out_meanwhile(void **state)
{
    struct queue_line *line = *state;
    const char *users[3];
    queue_line_fill(line, users, 3);
    assert_int_equal(queue_line_admit(line, 300).called, 3);
    assert_null(queue_admit_all(line->ctx, &(struct queue_admission){0}));
    sell_out(line, 1);
    assert_null(queue_admit_all(line->ctx, &(struct queue_admission){0}));
    for (int i = 0; i < 3; i++) {
        assert_told(queue_line_status(line, users[i]), QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "SOLD_OUT");
    }
    struct line now = queue_line_look(line);
    assert_int_equal(now.called, 0); /* they keep no slot */
    assert_int_equal(now.waiting, 3);
    assert_int_equal(line_abandoned(&now), 0);
    sell_out(line, 0);
    assert_int_equal(queue_line_admit(line, 300).called, 3);
    now = queue_line_look(line);
    assert_int_equal(line_abandoned(&now), 0);
    assert_int_equal(queue_line_status(line, users[0]).state, QUEUE_ACTIVE);
}

/* Who joins a line whose people know nothing of it yet is told at once. */
static void test_sold_out_is_told_by_the_first_who_enters(void **state)
{
    struct queue_line *line = *state;
    queue_line_newcomer(line);
    queue_line_set(line, "paused", NULL);
    queue_line_set(line, "max_active", "0");
    queue_line_status(line, queue_line_newcomer(line));
    sell_out(line, 1);
    assert_told(queue_line_enter(line, queue_line_user(line)), QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "SOLD_OUT");
}

static void test_newcomer_to_a_sold_out_sale_is_not_admitted_at_once(void **state)
{
    struct queue_line *line = *state;
    queue_line_set(line, "paused", NULL);
    sell_out(line, 1);
    assert_told(queue_line_enter(line, queue_line_user(line)), QUEUE_WAIT_UNKNOWN, QUEUE_WAIT_UNKNOWN, "SOLD_OUT");
}

static void test_estimate_leaves_out_who_has_stopped_asking(void **state)
{
    struct queue_line *line = *state;
    enum { CROWD = 100 };
    const char *users[CROWD];
    queue_line_fill(line, users, CROWD);
    tune(line, (struct queue_tuning){1, -1, FIELD_NO_INT});
    int64_t all = queue_line_status_running(line, users[CROWD - 1]).estimated_wait_s;
    for (int i = 0; i < CROWD; i += 2) {
        queue_line_vanish(line, i);
    }
    queue_line_set(line, "max_active", "0"); /* looks, and calls nobody */
    for (int i = 0; i < 60; i++) {
        queue_line_admit(line, 1000);
    }
    tune(line, (struct queue_tuning){1, -1, 0}); /* only the share shall differ */
    int64_t half = queue_line_status_running(line, users[CROWD - 1]).estimated_wait_s;
    assert_int_equal(all, CROWD);
    assert_in_range(half, 35, 65);
}

static void test_poll_after_is_five_near_the_front_and_spread_far_behind(void **state)
{
    struct queue_line *line = *state;
    const char *users[MANY];
    queue_line_fill(line, users, MANY);
    assert_int_equal(queue_line_status_running(line, users[0]).poll_after_s, 5);
    queue_line_set(line, "rate", "0.05");
    int64_t least = INT64_MAX, most = 0;
    for (int i = 20; i < MANY; i++) {
        int64_t after = queue_line_status_running(line, users[i]).poll_after_s;
        assert_in_range(after, 30, 72);
        least = after < least ? after : least;
        most = after > most ? after : most;
    }
    assert_true(most > least);
    queue_line_set(line, "rate", "0.001");
    assert_in_range(queue_line_status_running(line, users[MANY - 1]).poll_after_s, 96, 144);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_line_set_up, queue_line_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_settings_change_while_it_runs_and_are_kept_for_audit),
        TEST(test_pause_calls_nobody_saves_nothing_up_and_is_told),
        TEST(test_estimate_follows_the_measured_rate_and_says_slower),
        TEST(test_estimate_of_a_full_sale_comes_from_slots_given_back),
        TEST(test_full_sale_keeps_few_notes_and_forgets_them_when_nobody_waits),
        TEST(test_sold_out_sale_admits_nobody_and_goes_on_when_seats_come_back),
        TEST(test_estimate_after_a_full_sale_is_that_of_the_rate),
        TEST(test_estimate_of_a_full_sale_forgets_a_standstill),
        TEST(test_estimate_of_a_full_sale_counts_every_call_and_never_exceeds_the_rate),
        TEST(test_called_people_get_no_token_for_a_sale_that_is_sold_out_meanwhile),
        TEST(test_sold_out_is_told_by_the_first_who_enters),
        TEST(test_view_of_another_version_is_made_anew),
        TEST(test_newcomer_to_a_sold_out_sale_is_not_admitted_at_once),
        TEST(test_estimate_leaves_out_who_has_stopped_asking),
        TEST(test_poll_after_is_five_near_the_front_and_spread_far_behind),
    };
    return cmocka_run_group_tests_name("queue terms", tests, NULL, NULL);
}
