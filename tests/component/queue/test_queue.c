/* A person in the waiting room, on a real Redis: places, tokens, limits, receipts (QUEUE-001 to QUEUE-004, QUEUE-006,
 * QUEUE-008, QUEUE-011). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/contract/queue_token.h"
#include "src/queue/queue_errors.h"
#include "src/queue/queue_settings.h"
#include "src/queue/receipt.h"
#include "tests/support/fixture.h"
#include "tests/support/queue_line.h"

#define HOUR (3600 * CLOCK_SECOND)

static const struct err *try_enter(struct queue_line *line, const char *user, const char *receipt,
                                   struct queue_place *place)
{
    const struct queue_caller caller = {user, NULL};
    return queue_enter(line->ctx, &caller, line->id, receipt, place);
}

static const struct err *refusal(struct queue_line *line, const char *user)
{
    struct queue_place place;
    return try_enter(line, user, NULL, &place);
}

static const char *receipt_of(struct queue_line *line, const char *user, int64_t arrival)
{
    return receipt_issue(line->ctx->arena, line->id, user, arrival - 1);
}

/* ---- places ---- */

static void test_enter_twice_keeps_the_place(void **state)
{
    struct queue_line *line = *state;
    const char *first = queue_line_newcomer(line);
    struct queue_place second = queue_line_enter(line, queue_line_user(line));
    assert_int_equal(second.rank, 2);
    assert_int_equal(second.sequence, 2);
    struct queue_place again = queue_line_enter(line, first);
    assert_int_equal(again.state, QUEUE_WAITING);
    assert_int_equal(again.rank, 1);
    assert_int_equal(again.sequence, 1);
    assert_null(again.token);
    assert_string_equal(queue_line_get(line, "sequence"), "2");
}

static void test_enter_outside_the_window_is_refused(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_user(line);
    line->schedule.sale_start_at = clock_now() + 2 * HOUR;
    queue_line_publish(line);
    assert_ptr_equal(refusal(line, user), &err_sale_not_open);
    line->schedule.sale_start_at = clock_now() - 2 * HOUR;
    line->schedule.sale_end_at = clock_now() - CLOCK_SECOND;
    queue_line_publish(line);
    assert_ptr_equal(refusal(line, user), &err_sale_ended);
    line->schedule.sale_end_at = clock_now() + HOUR;
    line->schedule.status = "CANCELLED";
    queue_line_publish(line);
    assert_ptr_equal(refusal(line, user), &err_sale_ended);
    assert_null(queue_line_get(line, "sequence"));
}

static void test_enter_beyond_capacity_is_refused_with_a_time(void **state)
{
    struct queue_line *line = *state;
    line->schedule.queue_capacity = 2;
    queue_line_publish(line);
    const char *first = queue_line_newcomer(line), *second = queue_line_newcomer(line), *third = queue_line_user(line);
    assert_ptr_equal(refusal(line, third), &err_queue_full);
    assert_true(line->ctx->retry_after_s > 0);
    assert_int_equal(queue_line_enter(line, first).rank, 1);
    struct queue_line other = queue_line_beside(line);
    assert_int_equal(queue_line_enter(&other, third).rank, 1);
    assert_null(queue_leave(line->ctx, second, line->id));
    assert_int_equal(queue_line_enter(line, queue_line_user(line)).rank, 2);
}

static void test_leaving_moves_everybody_behind_up_by_one(void **state)
{
    struct queue_line *line = *state;
    const char *users[20];
    for (int i = 0; i < 20; i++) {
        users[i] = queue_line_newcomer(line);
    }
    assert_null(queue_leave(line->ctx, users[0], line->id));
    assert_null(queue_leave(line->ctx, users[9], line->id));
    assert_int_equal(queue_line_status(line, users[1]).rank, 1);
    assert_int_equal(queue_line_status(line, users[8]).rank, 8);
    assert_int_equal(queue_line_status(line, users[10]).rank, 9);
    assert_int_equal(queue_line_status(line, users[19]).rank, 18);
    assert_int_equal(queue_line_status(line, users[19]).sequence, 20);
    assert_int_equal(queue_line_enter(line, users[0]).rank, 19);
}

/* 8 processes x 50 people enter at once: sequences 1 to 400 are each given once. */
static void test_enter_concurrently_gives_distinct_places(void **state)
{
    struct queue_line *line = *state;
    enum { PROCESSES = 8, USERS = 50 };
    int results[2];
    assert_int_equal(pipe(results), 0);
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            struct queue_line mine = *line;
            mine.ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP);
            for (int i = 0; i < USERS; i++) {
                struct queue_place place = {0};
                const struct err *e = try_enter(&mine, queue_line_user(&mine), NULL, &place);
                int sequence = e ? 0 : (int)place.sequence;
                if (write(results[1], &sequence, sizeof sequence) != sizeof sequence) {
                    _exit(1);
                }
            }
            fixture_free(&mine.ctx);
            _exit(0);
        }
    }
    bool given[PROCESSES * USERS + 1] = {false};
    for (int i = 0; i < PROCESSES * USERS; i++) {
        int sequence;
        assert_int_equal(read(results[0], &sequence, sizeof sequence), sizeof sequence);
        assert_in_range(sequence, 1, PROCESSES * USERS);
        assert_false(given[sequence]);
        given[sequence] = true;
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    close(results[0]);
    close(results[1]);
}

static void test_status_before_enter_is_not_found(void **state)
{
    struct queue_line *line = *state;
    struct queue_place place;
    assert_ptr_equal(queue_line_ask(line, queue_line_user(line), &place), &err_not_in_queue);
    assert_ptr_equal(queue_leave(line->ctx, queue_line_user(line), line->id), &err_not_in_queue);
}

/* ---- one line at a time ---- */

static void test_second_schedule_is_refused_while_waiting_and_open_after_leaving(void **state)
{
    struct queue_line *line = *state;
    struct queue_line other = queue_line_beside(line);
    const char *user = queue_line_newcomer(line);
    assert_ptr_equal(refusal(&other, user), &err_already_queued_elsewhere);
    assert_null(queue_leave(line->ctx, user, line->id));
    assert_int_equal(queue_line_enter(&other, user).rank, 1);
    assert_null(queue_leave(line->ctx, user, line->id)); /* again: its answer may have been lost */
    assert_int_equal(queue_line_status(&other, user).rank, 1);
}

/* Known to the line before it is to every process's copy of the schedule. */
static void test_second_schedule_is_open_as_soon_as_the_first_line_is_closed(void **state)
{
    struct queue_line *line = *state;
    struct queue_line other = queue_line_beside(line);
    const char *user = queue_line_newcomer(line);
    assert_ptr_equal(refusal(&other, user), &err_already_queued_elsewhere);
    queue_line_set(line, "closed_ms", "1");
    assert_int_equal(queue_line_enter(&other, user).rank, 1);
}

static void test_marker_lives_as_long_as_the_wait(void **state)
{
    struct queue_line *line = *state;
    struct queue_line other = queue_line_beside(line);
    const char *user = queue_line_newcomer(line);
    struct queue_user ref = queue_user_of(user);
    const char *marker = queue_marker_key(line->ctx->arena, queue_shard_of(&ref));
    const struct redis_value *ttl;
    assert_null(REDIS_RUN(line->ctx, &ttl, "PTTL", marker));
    assert_int_equal(ttl->integer, -1); /* nothing but the end of the wait ends it */
    queue_line_admit(line, 1000);
    assert_int_equal(queue_line_status(line, user).state, QUEUE_ACTIVE);
    assert_ptr_equal(refusal(&other, user), &err_already_queued_elsewhere);
}

static void test_marker_that_was_lost_is_set_again_by_entering(void **state)
{
    struct queue_line *line = *state;
    struct queue_line other = queue_line_beside(line);
    const char *user = queue_line_newcomer(line);
    struct queue_user ref = queue_user_of(user);
    assert_null(REDIS_RUN(line->ctx, NULL, "DEL", queue_marker_key(line->ctx->arena, queue_shard_of(&ref))));
    assert_int_equal(queue_line_enter(line, user).rank, 1);
    assert_ptr_equal(refusal(&other, user), &err_already_queued_elsewhere);
}

static void test_marker_of_a_place_that_is_gone_refuses_nobody(void **state)
{
    struct queue_line *line = *state;
    struct queue_line other = queue_line_beside(line);
    const char *user = queue_line_newcomer(line);
    struct queue_user ref = queue_user_of(user);
    assert_null(
        REDIS_RUN(line->ctx, NULL, "DEL", queue_people_key(line->ctx->arena, &line->keys, queue_shard_of(&ref))));
    assert_int_equal(queue_line_enter(&other, user).rank, 1);
    line->schedule.sale_end_at = clock_now() + HOUR;
    const char *second = queue_line_newcomer(line);
    line->schedule.status = "CANCELLED";
    queue_line_publish(line);
    assert_int_equal(queue_line_enter(&other, second).rank, 2);
}

/* ---- tokens ---- */

static void test_called_user_gets_one_token_that_the_contract_accepts(void **state)
{
    struct queue_line *line = *state;
    struct ctx *ctx = line->ctx;
    const char *user = queue_line_newcomer(line), *stranger = queue_line_user(line);
    assert_int_equal(queue_line_admit(line, 1000).called, 1);
    struct queue_place place = queue_line_status(line, user);
    assert_int_equal(place.state, QUEUE_ACTIVE);
    assert_int_equal(strlen(place.token), QUEUE_TOKEN_LENGTH);
    assert_string_equal(queue_line_status(line, user).token, place.token);
    assert_string_equal(queue_line_enter(line, user).token, place.token);
    assert_null(queue_token_check(ctx, place.token, user, line->id));
    assert_ptr_equal(queue_token_check(ctx, place.token, stranger, line->id), &err_queue_token_invalid);
    char other[UUID_SIZE];
    assert_ptr_equal(queue_token_check(ctx, place.token, user, uuid_v7(other)), &err_queue_token_invalid);
    assert_null(queue_leave(ctx, user, line->id));
    assert_ptr_equal(queue_token_check(ctx, place.token, user, line->id), &err_queue_token_invalid);
}

static void test_token_ends_after_its_life(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    queue_line_admit(line, 1000);
    struct queue_place place = queue_line_status(line, user);
    const struct redis_value *ttl;
    assert_null(REDIS_RUN(line->ctx, &ttl, "PTTL", queue_token_key(line->ctx->arena, line->id, place.token)));
    assert_in_range(ttl->integer, 590 * 1000, 600 * 1000);
    const struct redis_value *refs;
    assert_null(REDIS_RUN(line->ctx, &refs, "ZPOPMIN", line->keys.active)); /* its time is over */
    struct queue_place gone;
    assert_ptr_equal(queue_line_ask(line, user, &gone), &err_not_in_queue);
    assert_int_equal(queue_line_enter(line, user).sequence, 2);
}

static void test_status_with_a_revoked_access_token_is_refused(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line), *jti = queue_line_user(line);
    struct queue_place place;
    const struct queue_caller caller = {user, jti};
    assert_null(queue_status(line->ctx, &caller, line->id, &place));
    assert_null(token_revoke(line->ctx, jti, clock_now() / CLOCK_SECOND + 60));
    assert_ptr_equal(queue_status(line->ctx, &caller, line->id, &place), &err_token_revoked);
    assert_ptr_equal(queue_enter(line->ctx, &caller, line->id, NULL, &place), &err_token_revoked);
}

/* ---- limits ---- */

static void test_status_more_often_than_15_a_minute_is_limited(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line), *other = queue_line_newcomer(line);
    struct queue_place place;
    for (int left = 13; left >= 0; left--) { /* entering was the first */
        assert_null(queue_line_ask(line, user, &place));
        assert_int_equal(line->ctx->limit.left, left);
        assert_int_equal(line->ctx->limit.quota, 15);
    }
    assert_ptr_equal(queue_line_ask(line, user, &place), &err_too_many_requests);
    assert_in_range(line->ctx->retry_after_s, 1, 4);
    assert_int_equal(line->ctx->limit.left, 0);
    assert_ptr_equal(refusal(line, user), &err_too_many_requests);
    assert_int_equal(queue_line_status(line, other).rank, 2);
    queue_line_admit(line, 1000);
    assert_ptr_equal(queue_line_ask(line, user, &place), &err_too_many_requests);
}

/* Each answer says how long to wait, so that the tabs of one person, which share the limit, move apart. */
static void test_tabs_that_ask_often_are_told_to_wait_longer(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    struct queue_place place;
    for (int used = 2; used <= 15; used++) { /* entering was the first */
        place = queue_line_status_running(line, user);
        int interval_s = 60 / 15, tabs_before = (used - 2) / 3;
        assert_true(place.poll_after_s >= interval_s * (1 + tabs_before));
        assert_true(place.poll_after_s <= interval_s * (2 + tabs_before) + 1);
    }
    const char *other = queue_line_newcomer(line);
    assert_int_equal(queue_line_status_running(line, other).poll_after_s, QUEUE_POLL_NEAR_S);
}

static void test_strangers_are_limited_too(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_user(line);
    struct queue_place place;
    for (int i = 0; i < 15; i++) {
        assert_ptr_equal(queue_line_ask(line, user, &place), &err_not_in_queue);
    }
    struct queue_line other = queue_line_beside(line);
    assert_ptr_equal(queue_line_ask(&other, user, &place), &err_too_many_requests);
    assert_in_range(line->ctx->retry_after_s, 1, 60);
    assert_ptr_equal(queue_leave(line->ctx, user, line->id), &err_too_many_requests);
}

static void test_leaving_and_entering_over_and_over_is_limited(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_user(line);
    for (int i = 0; i < 5; i++) {
        queue_line_enter(line, user);
        assert_null(queue_leave(line->ctx, user, line->id));
    }
    assert_ptr_equal(refusal(line, user), &err_too_many_requests);
    assert_string_equal(queue_line_get(line, "sequence"), "5");
}

/* ---- receipts ---- */

/* What a crash of Redis takes away: the last commands. */
static void forget(struct queue_line *line, const char *user, const char *sequence)
{
    struct queue_user ref = queue_user_of(user);
    assert_null(
        REDIS_RUN(line->ctx, NULL, "DEL", queue_people_key(line->ctx->arena, &line->keys, queue_shard_of(&ref))));
    queue_line_set(line, "sequence", sequence);
}

static void test_receipt_restores_a_place_that_redis_has_forgotten(void **state)
{
    struct queue_line *line = *state;
    queue_line_newcomer(line);
    const char *user = queue_line_newcomer(line);
    forget(line, user, "1");
    struct queue_place place;
    assert_null(try_enter(line, user, receipt_of(line, user, 2), &place));
    assert_int_equal(place.sequence, 2);
    assert_int_equal(place.rank, 2);
    assert_int_equal(queue_line_enter(line, queue_line_user(line)).sequence, 3);
}

static void test_receipt_of_a_number_given_twice_admits_both(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    forget(line, user, "0");
    const char *later = queue_line_newcomer(line);
    struct queue_place place;
    assert_null(try_enter(line, user, receipt_of(line, user, 1), &place));
    assert_int_equal(place.sequence, 1);
    assert_int_equal(queue_line_admit(line, 1000).called, 1);
    assert_int_equal(queue_line_status(line, later).state, QUEUE_ACTIVE);
    assert_int_equal(queue_line_status(line, user).rank, 1);
    assert_int_equal(queue_line_admit(line, 1000).called, 1);
    assert_int_equal(queue_line_status(line, user).state, QUEUE_ACTIVE);
}

static void test_receipt_of_somebody_else_or_forged_is_ignored(void **state)
{
    struct queue_line *line = *state;
    struct queue_line other = queue_line_beside(line);
    const char *owner = queue_line_newcomer(line);
    queue_line_newcomer(line);
    char uuid[UUID_SIZE];
    const char *forged[] = {receipt_of(line, owner, 1),
                            receipt_of(&other, owner, 1),
                            "0.AAAAAAAAAAAAAAAAAAAAAA",
                            "0",
                            ".",
                            "99999999999999999999.x",
                            uuid_v4(uuid)};
    for (size_t i = 0; i < ARRAY_COUNT(forged); i++) {
        struct queue_place place;
        assert_null(try_enter(line, queue_line_user(line), forged[i], &place));
        assert_int_equal(place.sequence, 3 + i);
    }
}

static void test_receipt_of_a_used_place_is_ignored(void **state)
{
    struct queue_line *line = *state;
    const char *admitted = queue_line_newcomer(line), *left = queue_line_newcomer(line);
    queue_line_admit(line, 100);
    assert_int_equal(queue_line_status(line, admitted).state, QUEUE_ACTIVE);
    assert_null(queue_leave(line->ctx, admitted, line->id));
    assert_null(queue_leave(line->ctx, left, line->id));
    struct queue_place place;
    assert_null(try_enter(line, admitted, receipt_of(line, admitted, 1), &place));
    assert_int_equal(place.sequence, 3);
    assert_null(try_enter(line, left, receipt_of(line, left, 2), &place));
    assert_int_equal(place.sequence, 4);
}

static void test_receipt_of_a_place_whose_token_has_ended_is_ignored(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    struct queue_place place;
    queue_line_admit(line, 100);
    assert_int_equal(queue_line_status(line, user).state, QUEUE_ACTIVE);
    queue_line_end_now(line, line->keys.active);
    assert_ptr_equal(queue_line_ask(line, user, &place), &err_not_in_queue);
    assert_null(try_enter(line, user, receipt_of(line, user, 1), &place));
    assert_int_equal(place.sequence, 2);
}

/* ---- faults ---- */

static void test_queue_after_script_flush_goes_on(void **state)
{
    struct queue_line *line = *state;
    const char *user = queue_line_newcomer(line);
    assert_null(REDIS_RUN(line->ctx, NULL, "SCRIPT", "FLUSH"));
    assert_int_equal(queue_line_enter(line, user).rank, 1);
    assert_null(REDIS_RUN(line->ctx, NULL, "SCRIPT", "FLUSH"));
    assert_int_equal(queue_line_admit(line, 1000).called, 1);
    assert_null(REDIS_RUN(line->ctx, NULL, "SCRIPT", "FLUSH"));
    assert_int_equal(queue_line_status(line, user).state, QUEUE_ACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_line_set_up, queue_line_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_enter_twice_keeps_the_place),
        TEST(test_enter_outside_the_window_is_refused),
        TEST(test_enter_beyond_capacity_is_refused_with_a_time),
        TEST(test_leaving_moves_everybody_behind_up_by_one),
        TEST(test_enter_concurrently_gives_distinct_places),
        TEST(test_status_before_enter_is_not_found),
        TEST(test_second_schedule_is_refused_while_waiting_and_open_after_leaving),
        TEST(test_second_schedule_is_open_as_soon_as_the_first_line_is_closed),
        TEST(test_marker_lives_as_long_as_the_wait),
        TEST(test_marker_that_was_lost_is_set_again_by_entering),
        TEST(test_marker_of_a_place_that_is_gone_refuses_nobody),
        TEST(test_called_user_gets_one_token_that_the_contract_accepts),
        TEST(test_token_ends_after_its_life),
        TEST(test_status_with_a_revoked_access_token_is_refused),
        TEST(test_status_more_often_than_15_a_minute_is_limited),
        TEST(test_tabs_that_ask_often_are_told_to_wait_longer),
        TEST(test_strangers_are_limited_too),
        TEST(test_leaving_and_entering_over_and_over_is_limited),
        TEST(test_receipt_restores_a_place_that_redis_has_forgotten),
        TEST(test_receipt_of_a_number_given_twice_admits_both),
        TEST(test_receipt_of_somebody_else_or_forged_is_ignored),
        TEST(test_receipt_of_a_used_place_is_ignored),
        TEST(test_receipt_of_a_place_whose_token_has_ended_is_ignored),
        TEST(test_queue_after_script_flush_goes_on),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
