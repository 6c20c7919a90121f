/* Copies of schedules: whose they are, how long they serve, and when the event service is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/contract/schedule.h"
#include "tests/support/fixture.h"
#include "tests/support/sale.h"
#include "tests/support/stub_server.h"

#define MANY 12 /* more than a process keeps copies of */
#define HOUR (3600 * CLOCK_SECOND)

/* The event service: gives one answer to everything. */
struct service {
    int status;
    char body[STUB_BODY_MAX];
    int requests;
};

struct bench {
    struct ctx *ctx;
    struct service *service;
    struct stub_server *server;
    const char *id;
};

static void answer_as_told(const struct stub_request *request, struct stub_answer *answer_r, void *shared)
{
    struct service *service = shared;
    (void)request;
    service->requests++;
    answer_r->status = service->status;
    memcpy(answer_r->body, service->body, sizeof answer_r->body);
}

/* What the service says of a schedule. */
static void tell(struct bench *bench, int status, const struct schedule *schedule)
{
    struct buf text;
    struct json_out out;
    buf_init(&text, bench->ctx->arena, STUB_BODY_MAX - 1);
    json_out_init(&out, &text);
    json_add_shape(&out, NULL, &schedule_shape, schedule);
    snprintf(bench->service->body, sizeof bench->service->body, "%s", text.data);
    bench->service->status = status;
}

static struct schedule named(const char *id, const char *title)
{
    struct schedule schedule = sale_schedule(&(struct sale){.schedule_id = id});
    schedule.event_title = title;
    return schedule;
}

static int setup(void **state)
{
    static struct bench bench;
    bench = (struct bench){.ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP), .id = fixture_uuid()};
    bench.service = stub_shared(sizeof *bench.service);
    bench.server = stub_start(answer_as_told, bench.service);
    cfg_service.key = "5f0c2c1e-5b1c-4b7e-9c67-3f1f6f3a2b10";
    cfg_service.internal_url = stub_url(bench.server);
    cfg_schedule.local_ms = 0;
    schedule_forget(bench.ctx, bench.id); /* nor that the service was away for the last test */
    struct schedule schedule = named(bench.id, "Concert");
    tell(&bench, 200, &schedule);
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    stub_stop(&bench->server);
    fixture_free(&bench->ctx);
    return 0;
}

static const char *key_of(struct bench *bench, const char *what)
{
    return arena_printf(bench->ctx->arena, "schedule:{%s}:%s", bench->id, what);
}

static int64_t life_ms(struct bench *bench, const char *what)
{
    const struct redis_value *left;
    assert_null(REDIS_RUN(bench->ctx, &left, "PTTL", key_of(bench, what)));
    return left->integer;
}

/* The shared copy has grown old: somebody should fetch a new one. */
static void grow_old(struct bench *bench)
{
    assert_null(REDIS_RUN(bench->ctx, NULL, "PEXPIRE", key_of(bench, "info"), "50000"));
}

static const struct err *get(struct bench *bench)
{
    struct schedule schedule;
    return schedule_get(bench->ctx, bench->id, &schedule);
}

/* ---- the process's own copies ---- */

static void test_own_copies_are_each_of_its_schedule(void **state)
{
    struct bench *bench = *state;
    const char *ids[MANY];
    struct schedule schedule;
    cfg_schedule.local_ms = 60000;
    for (int i = 0; i < MANY; i++) {
        ids[i] = fixture_uuid();
        schedule = named(ids[i], ids[i]);
        tell(bench, 200, &schedule);
        assert_null(schedule_get(bench->ctx, ids[i], &schedule));
        clock_skip(CLOCK_SECOND);
    }
    for (int i = 0; i < MANY; i++) {
        assert_null(schedule_get(bench->ctx, ids[i], &schedule));
        assert_string_equal(schedule.schedule_id, ids[i]);
        assert_string_equal(schedule.event_title, ids[i]);
    }
}

/* When there are more schedules than copies the one that would end first makes room. */
static void test_own_copy_asked_for_last_is_kept(void **state)
{
    struct bench *bench = *state;
    const char *last = NULL;
    struct schedule schedule;
    cfg_schedule.local_ms = 60000;
    for (int i = 0; i < MANY; i++) {
        const char *before = last;
        last = fixture_uuid();
        schedule = named(last, "Concert");
        sale_publish(bench->ctx, &schedule);
        assert_null(schedule_get(bench->ctx, last, &schedule));
        clock_skip(CLOCK_SECOND);
        if (before) { /* still there, though Redis knows no more of it */
            assert_null(REDIS_RUN(bench->ctx, NULL, "SET",
                                  arena_printf(bench->ctx->arena, "schedule:{%s}:info", before), "-", "EX", "60"));
            assert_null(schedule_get(bench->ctx, before, &schedule));
        }
    }
}

static void test_own_copy_outlives_the_request_that_made_it(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    cfg_schedule.local_ms = 60000;
    assert_null(get(bench));
    assert_null(REDIS_RUN(bench->ctx, NULL, "SET", key_of(bench, "info"), "-", "EX", "60"));
    ctx_begin(bench->ctx, NULL, NULL);
    for (int i = 0; i < 1000; i++) {
        memset(arena_alloc(bench->ctx->arena, 64), 'x', 64);
    }
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    assert_string_equal(schedule.schedule_id, bench->id);
    assert_string_equal(schedule.event_title, "Concert");
    assert_string_equal(schedule.status, "OPEN");
}

static void test_own_copy_is_forgotten_with_the_shared_one(void **state)
{
    struct bench *bench = *state;
    cfg_schedule.local_ms = 60000;
    assert_null(get(bench));
    schedule_forget(bench->ctx, bench->id);
    bench->service->status = 404;
    assert_ptr_equal(get(bench), &err_not_found);
}

/* ---- the service ---- */

/* Whether the service is asked once more after so long. */
static bool asked_after(struct bench *bench, int64_t ms)
{
    struct schedule schedule;
    int before = bench->service->requests;
    clock_skip(ms * 1000);
    assert_ptr_equal(schedule_get(bench->ctx, fixture_uuid(), &schedule), &err_unavailable);
    return bench->service->requests > before;
}

static void expect_asked_ever_later(struct bench *bench)
{
    static const int away_s[] = {2, 4, 8, 8, 8};
    assert_true(asked_after(bench, 0));
    for (size_t i = 0; i < ARRAY_COUNT(away_s); i++) {
        assert_false(asked_after(bench, away_s[i] * 1000 - 900));
        assert_true(asked_after(bench, 900));
    }
}

static void test_service_that_stays_away_is_asked_ever_later(void **state)
{
    struct bench *bench = *state;
    bench->service->status = 500;
    expect_asked_ever_later(bench);
    clock_skip(8 * CLOCK_SECOND);
    bench->service->status = 200;
    assert_null(get(bench)); /* it has answered: all begins anew */
    bench->service->status = 500;
    expect_asked_ever_later(bench);
}

static void test_old_copy_serves_without_asking_while_the_service_is_away(void **state)
{
    struct bench *bench = *state;
    assert_null(get(bench));
    grow_old(bench);
    bench->service->status = 500;
    for (int i = 0; i < 5; i++) {
        assert_null(get(bench));
    }
    assert_int_equal(bench->service->requests, 2);
}

static void test_old_copy_does_not_outlive_its_schedule(void **state)
{
    struct bench *bench = *state;
    assert_null(get(bench));
    grow_old(bench);
    bench->service->status = 404;
    assert_ptr_equal(get(bench), &err_not_found);
}

static void test_answer_of_another_status_is_no_answer(void **state)
{
    static const int statuses[] = {201, 301, 400, 401, 403, 409, 500, 503};
    struct bench *bench = *state;
    const struct schedule_seats *seats;
    for (size_t i = 0; i < ARRAY_COUNT(statuses); i++) {
        schedule_forget(bench->ctx, bench->id);
        bench->service->status = statuses[i];
        assert_ptr_equal(get(bench), &err_unavailable);
        assert_ptr_equal(schedule_seats_get(bench->ctx, bench->id, &seats), &err_unavailable);
    }
}

static void test_seats_of_what_is_no_id_are_not_asked_for(void **state)
{
    struct bench *bench = *state;
    const struct schedule_seats *seats;
    assert_ptr_equal(schedule_seats_get(bench->ctx, "../../etc", &seats), &err_not_found);
    assert_int_equal(bench->service->requests, 0);
}

static void test_right_to_fetch_ends_with_a_process_that_died(void **state)
{
    struct bench *bench = *state;
    bench->service->status = 500;
    assert_ptr_equal(get(bench), &err_unavailable);
    assert_in_range(life_ms(bench, "fetching"), 1, 5000);
}

static void test_forgetting_lengthens_no_copys_life(void **state)
{
    struct bench *bench = *state;
    bench->service->status = 404;
    assert_ptr_equal(get(bench), &err_not_found);
    schedule_forget(bench->ctx, bench->id);
    assert_in_range(life_ms(bench, "info"), 1, 2000);
}

/* ---- what a schedule says ---- */

static void test_seats_are_sold_out_only_when_it_is_said(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    char *said = strstr(bench->service->body, ",\"soldOut\":");
    assert_non_null(said);
    strcpy(said, "}"); /* as an older event service */
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    assert_int_equal(schedule.sold_out, 0);
    schedule.sold_out = 1;
    schedule.schedule_id = bench->id = fixture_uuid();
    tell(bench, 200, &schedule);
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    assert_int_equal(schedule.sold_out, 1);
}

static void test_sale_runs_from_its_start_to_before_its_end(void **state)
{
    struct schedule schedule = named(((struct bench *)*state)->id, "Concert");
    clock_freeze(schedule.sale_start_at - 1);
    assert_ptr_equal(schedule_check_sale(&schedule), &err_sale_not_open);
    clock_freeze(schedule.sale_start_at);
    assert_null(schedule_check_sale(&schedule));
    clock_freeze(schedule.sale_end_at - 1);
    assert_null(schedule_check_sale(&schedule));
    clock_freeze(schedule.sale_end_at);
    assert_ptr_equal(schedule_check_sale(&schedule), &err_sale_ended);
    clock_freeze(schedule.sale_start_at - HOUR);
    schedule.status = "CANCELLED";
    assert_ptr_equal(schedule_check_sale(&schedule), &err_sale_ended);
    clock_freeze(CLOCK_NONE);
}

static void test_find_tells_what_is_over_from_what_is_not_known(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    bool over = true;
    assert_null(schedule_find(bench->ctx, bench->id, &schedule, &over));
    assert_false(over);
    schedule.sale_end_at = clock_now() - 1;
    sale_publish(bench->ctx, &schedule);
    assert_null(schedule_find(bench->ctx, bench->id, &schedule, &over));
    assert_true(over);
    over = false;
    schedule = named(bench->id, "Concert");
    bench->service->status = 404;
    assert_null(schedule_find(bench->ctx, fixture_uuid(), &schedule, &over));
    assert_true(over);
    over = false;
    bench->service->status = 500;
    assert_ptr_equal(schedule_find(bench->ctx, fixture_uuid(), &schedule, &over), &err_unavailable);
    assert_false(over);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_own_copies_are_each_of_its_schedule),
        TEST(test_own_copy_asked_for_last_is_kept),
        TEST(test_own_copy_outlives_the_request_that_made_it),
        TEST(test_own_copy_is_forgotten_with_the_shared_one),
        TEST(test_service_that_stays_away_is_asked_ever_later),
        TEST(test_old_copy_serves_without_asking_while_the_service_is_away),
        TEST(test_old_copy_does_not_outlive_its_schedule),
        TEST(test_answer_of_another_status_is_no_answer),
        TEST(test_seats_of_what_is_no_id_are_not_asked_for),
        TEST(test_right_to_fetch_ends_with_a_process_that_died),
        TEST(test_forgetting_lengthens_no_copys_life),
        TEST(test_seats_are_sold_out_only_when_it_is_said),
        TEST(test_sale_runs_from_its_start_to_before_its_end),
        TEST(test_find_tells_what_is_over_from_what_is_not_known),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
