/* The waiting room against a real Redis: places, order, admission, tokens (QUEUE-001 to QUEUE-006, QUEUE-011). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/redis.h"
#include "common/token.h"
#include "common/uuid.h"
#include "src/contract/queue_token.h"
#include "src/contract/schedule.h"
#include "src/queue/admission.h"
#include "src/queue/queue_errors.h"
#include "src/queue/queue_keys.h"
#include "src/queue/queue_settings.h"
#include "src/queue/waiting_room.h"
#include "tests/support/fixture.h"
#include "tests/support/sale.h"

#define HOUR (3600 * CLOCK_SECOND)

struct line {
    struct ctx *ctx;
    char schedule[UUID_SIZE];
};

static struct schedule open_schedule(const char *id)
{
    return sale_schedule(&(struct sale){.schedule_id = id});
}

static int set_up(void **state)
{
    struct line *line = calloc(1, sizeof *line);
    queue_settings = (struct queue_settings){
        .token_s = 600, .arrival_s = 60, .tick_ms = 100, .tick_most = 1000, .catch_up_ms = 1000};
    cfg_schedule.cache_s = 60;
    line->ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP);
    uuid_v7(line->schedule);
    struct schedule schedule = open_schedule(line->schedule);
    sale_publish(line->ctx, &schedule);
    *state = line;
    return 0;
}

static int tear_down(void **state)
{
    struct line *line = *state;
    struct queue_keys keys = queue_keys_of(line->ctx->arena, line->schedule);
    const struct err *e = REDIS_RUN(line->ctx, NULL, "DEL", keys.state, keys.waiting, keys.active, keys.tokens);
    fixture_free(&line->ctx);
    free(line);
    return e ? 1 : 0;
}

static const char *new_user(struct ctx *ctx)
{
    char id[UUID_SIZE];
    return arena_strdup(ctx->arena, uuid_v7(id));
}

static struct queue_place enter(struct line *line, const char *user)
{
    struct queue_place place = {0};
    assert_null(queue_enter(line->ctx, user, line->schedule, &place));
    return place;
}

static struct queue_admission admit(struct line *line, int64_t rate)
{
    struct queue_admission admission = {0};
    assert_null(queue_admit(line->ctx, line->schedule, rate, &admission));
    return admission;
}

/* Pretends that the last admission was `ms` ago by moving the script's own mark back on Redis' clock. */
static void let_pass(struct line *line, int64_t ms)
{
    struct ctx *ctx = line->ctx;
    const char *key = queue_keys_of(ctx->arena, line->schedule).state;
    const struct redis_value *before;
    admit(line, 0);
    assert_null(REDIS_RUN(ctx, &before, "HGET", key, "credited_us"));
    const char *moved = arena_printf(ctx->arena, "%lld", (long long)(strtoll(before->str, NULL, 10) - ms * 1000));
    assert_null(REDIS_RUN(ctx, NULL, "HSET", key, "credited_us", moved));
}

static void test_enter_twice_keeps_the_place(void **state)
{
    struct line *line = *state;
    const char *first = new_user(line->ctx), *second = new_user(line->ctx);
    assert_int_equal(enter(line, first).rank, 1);
    assert_int_equal(enter(line, second).rank, 2);
    struct queue_place again = enter(line, first);
    assert_int_equal(again.state, QUEUE_WAITING);
    assert_int_equal(again.rank, 1);
    assert_int_equal(again.sequence, 1);
    assert_null(again.token);
}

static void test_enter_outside_the_window_is_refused(void **state)
{
    struct line *line = *state;
    struct queue_place place;
    struct schedule schedule = open_schedule(line->schedule);
    schedule.sale_start_at = clock_now() + HOUR;
    sale_publish(line->ctx, &schedule);
    assert_ptr_equal(queue_enter(line->ctx, new_user(line->ctx), line->schedule, &place), &err_sale_not_open);
    schedule = open_schedule(line->schedule);
    schedule.sale_end_at = clock_now() - CLOCK_SECOND;
    sale_publish(line->ctx, &schedule);
    assert_ptr_equal(queue_enter(line->ctx, new_user(line->ctx), line->schedule, &place), &err_sale_ended);
    schedule = open_schedule(line->schedule);
    schedule.status = "CANCELLED";
    sale_publish(line->ctx, &schedule);
    assert_ptr_equal(queue_enter(line->ctx, new_user(line->ctx), line->schedule, &place), &err_sale_ended);
}

static void test_enter_beyond_capacity_is_refused_with_a_time(void **state)
{
    struct line *line = *state;
    struct schedule schedule = open_schedule(line->schedule);
    schedule.queue_capacity = 2;
    sale_publish(line->ctx, &schedule);
    const char *first = new_user(line->ctx);
    struct queue_place place;
    enter(line, first);
    enter(line, new_user(line->ctx));
    assert_ptr_equal(queue_enter(line->ctx, new_user(line->ctx), line->schedule, &place), &err_queue_full);
    assert_true(line->ctx->retry_after_s > 0);
    assert_int_equal(enter(line, first).rank, 1);
}

static void test_second_schedule_is_refused_while_waiting_and_open_after_leaving(void **state)
{
    struct line *line = *state;
    struct line other = {.ctx = line->ctx};
    uuid_v7(other.schedule);
    struct schedule schedule = open_schedule(other.schedule);
    sale_publish(line->ctx, &schedule);
    const char *user = new_user(line->ctx);
    struct queue_place place;
    enter(line, user);
    assert_ptr_equal(queue_enter(line->ctx, user, other.schedule, &place), &err_already_queued_elsewhere);
    assert_null(queue_leave(line->ctx, user, line->schedule));
    assert_int_equal(enter(&other, user).rank, 1);
    assert_ptr_equal(queue_leave(line->ctx, user, line->schedule), &err_not_in_queue);
}

static void test_stale_marker_is_taken_over(void **state)
{
    struct line *line = *state;
    const char *user = new_user(line->ctx);
    char gone[UUID_SIZE];
    uuid_v7(gone);
    assert_null(REDIS_RUN(line->ctx, NULL, "SET", queue_marker_key(line->ctx->arena, user), gone));
    assert_int_equal(enter(line, user).state, QUEUE_WAITING);
}

static void test_status_before_enter_is_not_found(void **state)
{
    struct line *line = *state;
    struct queue_place place;
    assert_ptr_equal(queue_status(line->ctx, &(struct queue_caller){new_user(line->ctx), NULL}, line->schedule, &place),
                     &err_not_in_queue);
}

static void test_called_user_gets_one_token_that_the_contract_accepts(void **state)
{
    struct line *line = *state;
    struct ctx *ctx = line->ctx;
    const char *user = new_user(ctx), *stranger = new_user(ctx);
    struct queue_place place, again;
    enter(line, user);
    let_pass(line, 1000);
    assert_int_equal(admit(line, 10).called, 1);
    assert_null(queue_status(ctx, &(struct queue_caller){user, NULL}, line->schedule, &place));
    assert_int_equal(place.state, QUEUE_ACTIVE);
    assert_int_equal(strlen(place.token), QUEUE_TOKEN_LENGTH);
    assert_null(queue_status(ctx, &(struct queue_caller){user, NULL}, line->schedule, &again));
    assert_string_equal(place.token, again.token);
    assert_string_equal(enter(line, user).token, place.token);
    assert_null(queue_token_check(ctx, place.token, user, line->schedule));
    assert_ptr_equal(queue_token_check(ctx, place.token, stranger, line->schedule), &err_queue_token_invalid);
    char other[UUID_SIZE];
    assert_ptr_equal(queue_token_check(ctx, place.token, user, uuid_v7(other)), &err_queue_token_invalid);
    assert_null(queue_leave(ctx, user, line->schedule));
    assert_ptr_equal(queue_token_check(ctx, place.token, user, line->schedule), &err_queue_token_invalid);
}

static void test_admission_follows_rate_and_time_whoever_asks(void **state)
{
    struct line *line = *state;
    for (int i = 0; i < 50; i++) {
        enter(line, new_user(line->ctx));
    }
    let_pass(line, 500);
    int64_t called = 0;
    /* Ten approvers in a row: what the first took is gone. The loop itself takes a little Redis time. */
    for (int i = 0; i < 10; i++) {
        called += admit(line, 20).called;
    }
    assert_in_range(called, 10, 12);
}

static void test_admission_after_an_outage_is_bounded(void **state)
{
    struct line *line = *state;
    for (int i = 0; i < 100; i++) {
        enter(line, new_user(line->ctx));
    }
    let_pass(line, 3600 * 1000);
    assert_int_equal(admit(line, 10).called, 10);
}

static void test_admission_calls_in_order_of_sequence(void **state)
{
    struct line *line = *state;
    const char *users[30];
    for (int i = 0; i < 30; i++) {
        users[i] = new_user(line->ctx);
        enter(line, users[i]);
    }
    let_pass(line, 1000);
    assert_int_equal(admit(line, 10).called, 10);
    for (int i = 0; i < 30; i++) {
        struct queue_place place;
        assert_null(queue_status(line->ctx, &(struct queue_caller){users[i], NULL}, line->schedule, &place));
        assert_int_equal(place.state, i < 10 ? QUEUE_ACTIVE : QUEUE_WAITING);
        assert_int_equal(place.rank, i < 10 ? 0 : i - 9);
    }
}

static void test_called_user_who_never_arrives_gives_the_slot_back(void **state)
{
    struct line *line = *state;
    const char *user = new_user(line->ctx);
    queue_settings.arrival_s = 0;
    enter(line, user);
    let_pass(line, 1000);
    assert_int_equal(admit(line, 1).called, 1);
    assert_int_equal(admit(line, 1).active, 0);
    struct queue_place place;
    assert_ptr_equal(queue_status(line->ctx, &(struct queue_caller){user, NULL}, line->schedule, &place),
                     &err_not_in_queue);
}

/* 8 processes x 50 users join at once: sequences 1 to 400 are each given once. */
static void test_enter_concurrently_gives_distinct_places(void **state)
{
    struct line *line = *state;
    enum { PROCESSES = 8, USERS = 50 };
    pid_t children[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        children[p] = fork();
        if (children[p] == 0) {
            struct ctx *ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP);
            int failed = 0;
            for (int i = 0; i < USERS; i++) {
                struct queue_place place;
                failed += queue_enter(ctx, new_user(ctx), line->schedule, &place) != NULL;
            }
            fixture_free(&ctx);
            _exit(failed ? 1 : 0);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_int_equal(waitpid(children[p], &status, 0), children[p]);
        assert_int_equal(status, 0);
    }
    const struct redis_value *scores;
    const char *key = queue_keys_of(line->ctx->arena, line->schedule).waiting;
    assert_null(REDIS_RUN(line->ctx, &scores, "ZRANGE", key, "0", "-1", "WITHSCORES"));
    assert_int_equal(scores->count, 2 * PROCESSES * USERS);
    for (size_t i = 0; i < PROCESSES * USERS; i++) {
        assert_int_equal(redis_int(scores, 2 * i + 1), i + 1);
    }
}

static bool listed(struct line *line)
{
    const struct redis_value *there;
    assert_null(REDIS_RUN(line->ctx, &there, "SISMEMBER", QUEUE_SCHEDULES_KEY, line->schedule));
    return there->integer == 1;
}

static void test_admit_all_forgets_a_line_with_nobody_in_it_until_somebody_joins(void **state)
{
    struct line *line = *state;
    const char *user = new_user(line->ctx);
    struct queue_admission total;
    assert_null(REDIS_RUN(line->ctx, NULL, "DEL", QUEUE_SCHEDULES_KEY)); /* other tests' schedules */
    enter(line, user);
    assert_true(listed(line));
    assert_null(queue_leave(line->ctx, user, line->schedule));
    assert_null(queue_admit_all(line->ctx, &total));
    assert_false(listed(line));
    enter(line, user);
    assert_true(listed(line));
}

static void test_status_with_a_revoked_access_token_is_refused(void **state)
{
    struct line *line = *state;
    const char *user = new_user(line->ctx), *jti = new_user(line->ctx);
    struct queue_place place;
    enter(line, user);
    assert_null(queue_status(line->ctx, &(struct queue_caller){user, jti}, line->schedule, &place));
    assert_null(token_revoke(line->ctx, jti, clock_now() / CLOCK_SECOND + 60));
    assert_ptr_equal(queue_status(line->ctx, &(struct queue_caller){user, jti}, line->schedule, &place),
                     &err_token_revoked);
}

static void test_queue_after_script_flush_goes_on(void **state)
{
    struct line *line = *state;
    const char *user = new_user(line->ctx);
    enter(line, user);
    assert_null(REDIS_RUN(line->ctx, NULL, "SCRIPT", "FLUSH"));
    assert_int_equal(enter(line, user).rank, 1);
    assert_null(REDIS_RUN(line->ctx, NULL, "SCRIPT", "FLUSH"));
    let_pass(line, 1000);
    assert_int_equal(admit(line, 1).called, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_enter_twice_keeps_the_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_enter_outside_the_window_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_enter_beyond_capacity_is_refused_with_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_second_schedule_is_refused_while_waiting_and_open_after_leaving, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_stale_marker_is_taken_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_before_enter_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_called_user_gets_one_token_that_the_contract_accepts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_admission_follows_rate_and_time_whoever_asks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_admission_after_an_outage_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_admission_calls_in_order_of_sequence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_called_user_who_never_arrives_gives_the_slot_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_enter_concurrently_gives_distinct_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_admit_all_forgets_a_line_with_nobody_in_it_until_somebody_joins, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_status_with_a_revoked_access_token_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_queue_after_script_flush_goes_on, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
