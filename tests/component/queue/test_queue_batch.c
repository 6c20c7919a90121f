/* Requests that share an exchange with Redis: what one is answered never depends on the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/auth/token.h"
#include "common/base/clock.h"
#include "common/io/redis.h"
#include "common/run/program.h"
#include "src/queue/line.h"
#include "src/queue/queue_errors.h"
#include "src/queue/waiting_room.h"
#include "tests/support/fixture.h"
#include "tests/support/queue_line.h"

#define PEOPLE 1000
#define BATCH 32

/* One request of a batch, with a context of its own on the same connection. */
struct asking {
    struct ctx *ctx;
    struct queue_caller caller;
    struct queue_visit *visit;
    struct redis_pipe *pipe;
    const struct err *e;
    struct queue_place place;
};

static void open_batch(struct queue_line *line, struct asking asking[BATCH])
{
    for (int i = 0; i < BATCH; i++) {
        asking[i] = (struct asking){.ctx = program_ctx_beside(line->ctx)};
    }
}

static void close_batch(struct asking asking[BATCH])
{
    for (int i = 0; i < BATCH; i++) {
        program_ctx_free_beside(&asking[i].ctx);
    }
}

/* One exchange for those that ask anything. */
static void exchange(struct asking *asking, int count)
{
    struct redis_pipe *pipes[BATCH];
    size_t asked = 0;
    for (int i = 0; i < count; i++) {
        if (!asking[i].e) {
            pipes[asked++] = asking[i].pipe;
        }
    }
    redis_pipes_run(pipes, asked);
}

static void enter_together(struct queue_line *line, struct asking *asking, const char *const *users, int count)
{
    const struct redis_value *answers;
    for (int i = 0; i < count; i++) {
        struct asking *one = &asking[i];
        ctx_begin(one->ctx, NULL, NULL);
        one->caller = (struct queue_caller){users[i], NULL};
        one->visit = queue_visit_new(one->ctx, &one->caller, line->id);
        one->e = queue_enter_ask(one->visit, NULL, &one->pipe);
    }
    exchange(asking, count);
    for (int i = 0; i < count; i++) {
        struct asking *one = &asking[i];
        one->e = one->e ? one->e : redis_pipe_outcome(one->pipe, &answers);
        one->e = one->e ? one->e : queue_enter_join(one->visit, answers, &one->pipe);
    }
    exchange(asking, count);
    for (int i = 0; i < count; i++) {
        struct asking *one = &asking[i];
        one->e = one->e ? one->e : redis_pipe_outcome(one->pipe, &answers);
        one->e = one->e ? one->e : queue_enter_answer(one->visit, answers, &one->place);
    }
}

static void ask_together(struct queue_line *line, struct asking *asking, const char *const *users, int count,
                         const char *jti)
{
    const struct redis_value *answers;
    for (int i = 0; i < count; i++) {
        struct asking *one = &asking[i];
        ctx_begin(one->ctx, NULL, NULL);
        one->caller = (struct queue_caller){users[i], jti};
        one->visit = queue_visit_new(one->ctx, &one->caller, line->id);
        one->pipe = queue_status_ask(one->visit);
        one->e = NULL;
    }
    exchange(asking, count);
    for (int i = 0; i < count; i++) {
        struct asking *one = &asking[i];
        one->e = redis_pipe_outcome(one->pipe, &answers);
        one->e = one->e ? one->e : queue_status_answer(one->visit, answers, &one->place);
    }
}

static void assert_same_place(const struct queue_place *a, const struct queue_place *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->arrival, b->arrival);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->rank, b->rank);
    assert_int_equal(a->estimated_wait_s, b->estimated_wait_s);
    assert_string_equal(a->delay_reason ? a->delay_reason : "", b->delay_reason ? b->delay_reason : "");
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* A thousand people enter one line one by one, another line in batches, then ask: the same answers and the same state.
 */
static void test_thousand_requests_in_batches_are_answered_as_one_by_one(void **state)
{
    struct queue_line *line = *state, beside = queue_line_beside(line);
    static const char *users[PEOPLE], *others[PEOPLE];
    struct asking asking[BATCH];
    open_batch(line, asking);
    for (int i = 0; i < PEOPLE; i++) {
        users[i] = fixture_uuid();
        others[i] = fixture_uuid();
    }
    for (int first = 0; first < PEOPLE; first += BATCH) {
        int count = least(BATCH, PEOPLE - first);
        enter_together(&beside, asking, others + first, count);
        for (int i = 0; i < count; i++) {
            struct queue_place alone = queue_line_enter(line, users[first + i]);
            assert_null(asking[i].e);
            assert_same_place(&alone, &asking[i].place);
        }
    }
    for (int first = 0; first < PEOPLE; first += BATCH) {
        int count = least(BATCH, PEOPLE - first);
        ask_together(&beside, asking, others + first, count, NULL);
        for (int i = 0; i < count; i++) {
            struct queue_place alone = queue_line_status(line, users[first + i]);
            assert_null(asking[i].e);
            assert_same_place(&alone, &asking[i].place);
        }
    }
    struct line one = queue_line_look(line), other = queue_line_look(&beside);
    assert_int_equal(one.sequence, other.sequence);
    assert_int_equal(one.waiting, other.waiting);
    assert_int_equal(one.cursor, other.cursor);
    assert_int_equal(one.total.called, other.total.called);
    close_batch(asking);
}

/* Refusals are each one's own: a stranger, somebody who asks too often, somebody who has logged out. */
static void test_refusals_in_a_batch_are_each_ones_own(void **state)
{
    struct queue_line *line = *state;
    struct asking asking[BATCH];
    const char *jti = fixture_uuid(),
               *users[3] = {queue_line_newcomer(line), fixture_uuid(), queue_line_newcomer(line)};
    open_batch(line, asking);
    while (!queue_line_ask(line, users[2], &(struct queue_place){0})) {
    }
    ask_together(line, asking, users, 3, NULL);
    assert_null(asking[0].e);
    assert_int_equal(asking[0].place.rank, 1);
    assert_ptr_equal(asking[1].e, &err_not_in_queue);
    assert_ptr_equal(asking[2].e, &err_too_many_requests);
    assert_true(asking[2].ctx->retry_after_s > 0);
    assert_int_equal(asking[0].ctx->retry_after_s, 0);
    assert_null(token_revoke(line->ctx, jti, clock_now() / CLOCK_SECOND + 600));
    ask_together(line, asking, users, 1, jti);
    assert_ptr_equal(asking[0].e, &err_token_revoked);
    close_batch(asking);
}

/* ---- one person at two lines ---- */

/* Asks for a place in `line` as far as the exchange that takes it. */
static void begin_enter(struct asking *one, const struct queue_line *line, const char *user)
{
    ctx_begin(one->ctx, NULL, NULL);
    one->caller = (struct queue_caller){user, NULL};
    one->visit = queue_visit_new(one->ctx, &one->caller, line->id);
    one->e = queue_enter_ask(one->visit, NULL, &one->pipe);
    assert_null(one->e);
}

static void join(struct asking *one)
{
    const struct redis_value *answers;
    one->e = redis_pipe_outcome(one->pipe, &answers);
    one->e = one->e ? one->e : queue_enter_join(one->visit, answers, &one->pipe);
}

static void finish_enter(struct asking *one)
{
    const struct redis_value *answers;
    one->e = one->e ? one->e : redis_pipe_outcome(one->pipe, &answers);
    one->e = one->e ? one->e : queue_enter_answer(one->visit, answers, &one->place);
}

static bool stands_in(struct queue_line *line, const char *user)
{
    return queue_line_ask(line, user, &(struct queue_place){0}) == NULL;
}

/* Two devices, in one batch: neither has a place yet when the other asks. */
static void test_one_person_gets_one_place_though_two_lines_are_entered_at_once(void **state)
{
    struct queue_line *line = *state, other = queue_line_beside(line);
    const char *user = queue_line_user(line);
    struct asking asking[BATCH];
    open_batch(line, asking);
    begin_enter(&asking[0], line, user);
    begin_enter(&asking[1], &other, user);
    exchange(asking, 2);
    join(&asking[0]);
    join(&asking[1]);
    exchange(asking, 2);
    finish_enter(&asking[0]);
    finish_enter(&asking[1]);
    assert_true((asking[0].e == NULL) != (asking[1].e == NULL));
    assert_ptr_equal(asking[0].e ? asking[0].e : asking[1].e, &err_already_queued_elsewhere);
    assert_int_equal(stands_in(line, user), asking[0].e == NULL);
    assert_int_equal(stands_in(&other, user), asking[1].e == NULL);
    close_batch(asking);
}

/* The line where the place was taken first is found by whoever took the marker over meanwhile. */
static void test_line_entered_while_the_marker_is_taken_over_stays_the_only_one(void **state)
{
    struct queue_line *line = *state, other = queue_line_beside(line);
    const char *user = queue_line_user(line);
    struct asking asking[BATCH];
    open_batch(line, asking);
    begin_enter(&asking[0], line, user);
    exchange(asking, 1);
    join(&asking[0]);
    begin_enter(&asking[1], &other, user);
    asking[0].e = &err_unavailable; /* waits */
    exchange(asking, 2);
    asking[0].e = NULL;
    exchange(asking, 1); /* the place is taken */
    join(&asking[1]);
    finish_enter(&asking[0]);
    assert_null(asking[0].e);
    assert_ptr_equal(asking[1].e, &err_already_queued_elsewhere);
    assert_true(stands_in(line, user));
    close_batch(asking);
}

/* One device leaves while the other enters the same line: the marker stays with the place. */
static void test_line_left_and_entered_at_once_keeps_its_marker(void **state)
{
    struct queue_line *line = *state, other = queue_line_beside(line);
    const char *user = queue_line_newcomer(line);
    struct asking asking[BATCH];
    struct queue_place place;
    open_batch(line, asking);
    begin_enter(&asking[0], line, user);
    exchange(asking, 1);
    join(&asking[0]);
    assert_null(queue_leave(line->ctx, user, line->id));
    exchange(asking, 1);
    finish_enter(&asking[0]);
    assert_null(asking[0].e);
    const struct queue_caller caller = {user, NULL};
    assert_ptr_equal(queue_enter(line->ctx, &caller, other.id, NULL, &place), &err_already_queued_elsewhere);
    close_batch(asking);
}

/* Of three lines the one that was entered first; who has seen the marker before that comes too late. */
static void test_marker_that_has_changed_since_is_not_taken_over(void **state)
{
    struct queue_line *line = *state, second = queue_line_beside(line), third = queue_line_beside(line);
    const char *user = queue_line_user(line);
    struct asking asking[BATCH];
    open_batch(line, asking);
    begin_enter(&asking[0], line, user);
    exchange(asking, 1); /* the marker names it, and nobody goes on */
    begin_enter(&asking[1], &second, user);
    asking[0].e = &err_unavailable;
    exchange(asking, 2);
    assert_int_equal(queue_line_enter(&third, user).rank, 1);
    join(&asking[1]);
    assert_ptr_equal(asking[1].e, &err_already_queued_elsewhere);
    assert_true(stands_in(&third, user));
    close_batch(asking);
}

static void set_marker(struct queue_line *line, const char *user, const void *bytes, size_t len)
{
    struct queue_user ref = queue_user_of(user);
    const char *key = queue_marker_key(line->ctx->arena, queue_shard_of(&ref));
    struct redis_pipe *pipe = redis_pipe_new(line->ctx);
    redis_pipe_begin(pipe, 4);
    redis_pipe_arg(pipe, "HSET", 4);
    redis_pipe_arg(pipe, key, strlen(key));
    redis_pipe_arg(pipe, ref.ref, sizeof ref.ref);
    redis_pipe_arg(pipe, bytes, len);
    assert_null(redis_pipe_run(pipe, &(const struct redis_value *){NULL}));
}

/* Another device was about to leave this line, and may have died over it. */
static void test_place_taken_while_the_marker_is_being_left_is_kept(void **state)
{
    struct queue_line *line = *state, other = queue_line_beside(line);
    const char *user = queue_line_user(line);
    unsigned char leaving[UUID_BYTES + 8] = {0};
    struct asking asking[BATCH];
    struct queue_place place;
    uuid_bytes(line->id, leaving);
    open_batch(line, asking);
    begin_enter(&asking[0], line, user);
    exchange(asking, 1);
    join(&asking[0]);
    set_marker(line, user, leaving, sizeof leaving);
    exchange(asking, 1);
    finish_enter(&asking[0]);
    assert_null(asking[0].e);
    const struct queue_caller caller = {user, NULL};
    assert_ptr_equal(queue_enter(line->ctx, &caller, other.id, NULL, &place), &err_already_queued_elsewhere);
    set_marker(line, user, leaving, sizeof leaving);
    assert_ptr_equal(queue_enter(line->ctx, &caller, other.id, NULL, &place), &err_already_queued_elsewhere);
    assert_null(queue_leave(line->ctx, user, line->id));
    assert_int_equal(queue_line_enter(&other, user).rank, 1);
    close_batch(asking);
}

/* The process that took the place may die before anybody looks at the line: the person has a minute to ask again. */
static void test_place_that_nobody_was_told_of_counts_as_there(void **state)
{
    struct queue_line *line = *state;
    struct asking asking[BATCH];
    open_batch(line, asking);
    begin_enter(&asking[0], line, queue_line_user(line));
    exchange(asking, 1);
    join(&asking[0]);
    assert_int_equal(queue_line_size(line, "EXISTS", line->keys.view), 0);
    exchange(asking, 1); /* and nobody goes on */
    struct queue_admission admission = queue_line_admit(line, 1000);
    assert_int_equal(admission.called, 1);
    assert_int_equal(admission.passed_over, 0);
    close_batch(asking);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_line_set_up, queue_line_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_thousand_requests_in_batches_are_answered_as_one_by_one),
        TEST(test_refusals_in_a_batch_are_each_ones_own),
        TEST(test_one_person_gets_one_place_though_two_lines_are_entered_at_once),
        TEST(test_line_entered_while_the_marker_is_taken_over_stays_the_only_one),
        TEST(test_line_left_and_entered_at_once_keeps_its_marker),
        TEST(test_marker_that_has_changed_since_is_not_taken_over),
        TEST(test_place_taken_while_the_marker_is_being_left_is_kept),
        TEST(test_place_that_nobody_was_told_of_counts_as_there),
    };
    return cmocka_run_group_tests_name("queue batches", tests, NULL, NULL);
}
