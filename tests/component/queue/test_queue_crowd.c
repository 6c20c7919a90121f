/* A full line of 50,000 people on a real Redis: everything works as in a short one, and costs what it may cost
 * (QUEUE-006, QUEUE-009; the times are measured by tests/load/bench and tests/load/queue_sale). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/io/redis.h"
#include "src/queue/line.h"
#include "src/queue/queue_errors.h"
#include "tests/support/fixture.h"
#include "tests/support/queue_line.h"

#define CROWD 50000
#define PROCESSES 2
#define BYTES_MOST 160 /* of Redis, for one waiting person */

/* The id of the crowd's nth; `leader` makes it another crowd's in another run. */
static const char *user_of(pid_t leader, unsigned number, char id[UUID_SIZE])
{
    snprintf(id, UUID_SIZE, "%08x-0000-4000-8000-%012x", (unsigned)leader, number);
    return id;
}

/* One part of the crowd enters, in a process of its own. */
static int enter_part(const struct queue_line *line, unsigned part)
{
    int failed = 0;
    struct ctx *ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP);
    cfg_schedule.local_ms = 1000;
    for (unsigned number = part; number < CROWD; number += PROCESSES) {
        char id[UUID_SIZE];
        struct queue_place place;
        const struct queue_caller caller = {user_of(getppid(), number, id), NULL};
        ctx_begin(ctx, NULL, NULL);
        failed += queue_enter(ctx, &caller, line->id, NULL, &place) != NULL;
    }
    fixture_free(&ctx);
    return failed != 0;
}

static void enter_all(const struct queue_line *line)
{
    for (unsigned part = 0; part < PROCESSES; part++) {
        if (fork() == 0) {
            _exit(enter_part(line, part));
        }
    }
    for (unsigned part = 0; part < PROCESSES; part++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

static int64_t bytes_of(struct queue_line *line, const char *key)
{
    const struct redis_value *bytes;
    assert_null(REDIS_RUN(line->ctx, &bytes, "MEMORY", "USAGE", key, "SAMPLES", "0"));
    return bytes->type == REDIS_INT ? bytes->integer : 0;
}

/* Bytes of the line's keys for each person, and of a one-queue marker: other tests' users have some too. */
static double bytes_of_a_person(struct queue_line *line)
{
    const struct queue_keys *keys = &line->keys;
    const char *whole[] = {keys->state, keys->view, keys->seen, keys->used, keys->gone, keys->early, keys->joined};
    int64_t bytes = 0, markers = 0, marker_bytes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(whole); i++) {
        bytes += bytes_of(line, whole[i]);
    }
    for (unsigned shard = 0; shard < QUEUE_SHARDS; shard++) {
        const char *marker_key = queue_marker_key(line->ctx->arena, shard);
        const struct redis_value *count;
        bytes += bytes_of(line, queue_people_key(line->ctx->arena, keys, shard));
        marker_bytes += bytes_of(line, marker_key);
        assert_null(REDIS_RUN(line->ctx, &count, "HLEN", marker_key));
        markers += count->integer;
    }
    return (double)bytes / CROWD + (double)marker_bytes / (double)markers;
}

static void test_fifty_thousand_wait_and_the_next_is_refused(void **state)
{
    struct queue_line *line = *state;
    static const unsigned samples[] = {0, 1, 777, 24999, 25000, 49998, 49999};
    char id[UUID_SIZE];
    struct line now;
    struct queue_place place;
    enter_all(line);
    assert_null(line_find(line->ctx, line->id, &now));
    assert_int_equal(now.sequence, CROWD);
    assert_int_equal(now.waiting, CROWD);
    for (size_t i = 0; i < ARRAY_COUNT(samples); i++) {
        place = queue_line_status_running(line, user_of(getpid(), samples[i], id));
        assert_in_range(place.rank, 1, CROWD);
        assert_int_equal(place.rank, place.sequence);
        assert_int_equal(place.estimated_wait_s, (place.rank + 9) / 10);
    }

    const char *late = queue_line_user(line);
    const struct queue_caller caller = {late, NULL};
    assert_ptr_equal(queue_enter(line->ctx, &caller, line->id, NULL, &place), &err_queue_full);
    assert_true(line->ctx->retry_after_s > 0);
    assert_null(queue_leave(line->ctx, user_of(getpid(), 25000, id), line->id));
    place = queue_line_enter(line, late);
    assert_int_equal(place.sequence, CROWD + 1);
    assert_int_equal(place.rank, CROWD);

    assert_int_equal(queue_line_admit(line, 1000).called, 10);
    assert_int_equal(queue_line_status(line, late).rank, CROWD - 10);
    assert_true(bytes_of_a_person(line) <= BYTES_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fifty_thousand_wait_and_the_next_is_refused, queue_line_set_up,
                                        queue_line_tear_down),
    };
    return cmocka_run_group_tests_name("queue crowd", tests, NULL, NULL);
}
