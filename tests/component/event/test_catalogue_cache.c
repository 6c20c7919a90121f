/* Answers that one makes for all: made once, old after a change, right at the edges of a sale, there without the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/cfg.h"
#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/event/catalogue_cache.h"
#include "src/event/event_settings.h"
#include "tests/support/fixture.h"
#include "tests/support/stub_server.h"

#define CROWD 12

/* Shared with the processes of a crowd. */
struct made {
    int count;
    int dying; /* so many die while they make it */
    const struct err *error;
    int slow_ms;
    bool changed; /* it changes while it is made */
    bool gzip;
};

static struct ctx *ctx;
static struct made *made;
static const char *id;

static const struct err *make(struct ctx *unit, void *with, struct catalogue_answer *answer_r)
{
    const struct catalogue_place *place = with;
    int count = __atomic_add_fetch(&made->count, 1, __ATOMIC_SEQ_CST);
    if (count <= made->dying) {
        _exit(0);
    }
    poll(NULL, 0, made->slow_ms);
    if (made->changed) {
        copy_forget(unit, &place->copy);
    }
    if (made->error) {
        return made->error;
    }
    const char *text = arena_printf(unit->arena, "answer %d", count);
    *answer_r = (struct catalogue_answer){.etag = "\"tag\"", .bytes = text, .len = strlen(text), .gzip = made->gzip};
    return NULL;
}

static int begin(void **state)
{
    static const struct cfg_section *const sections[] = {&cfg_event_section, NULL};
    const char *why;
    (void)state;
    ctx = fixture_ctx("event_service", NEED_DB | NEED_REDIS);
    assert_true(cfg_load(sections, &why));
    made = stub_shared(sizeof *made);
    *made = (struct made){0};
    id = fixture_uuid();
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&ctx);
    return 0;
}

static const struct err *get_of(struct ctx *unit, const struct catalogue_place *place, const char **text_r)
{
    struct catalogue_answer answer;
    const struct err *e = catalogue_cache_get(unit, place, make, (void *)place, &answer);
    if (!e) {
        assert_string_equal(answer.etag, "\"tag\"");
        *text_r = arena_memdup(unit->arena, answer.bytes, answer.len);
    }
    return e;
}

static const char *get(void)
{
    const struct catalogue_place place = catalogue_place_event(ctx, id);
    const char *text = NULL;
    assert_null(get_of(ctx, &place, &text));
    return text;
}

/* The copy of the event has been old for so long. */
static void age(int64_t ms)
{
    const struct catalogue_place place = catalogue_place_event(ctx, id);
    assert_null(REDIS_RUN(ctx, NULL, "PEXPIRE", place.copy.key, arena_int(ctx->arena, CATALOGUE_KEPT_MS - ms)));
}

static void somebody_makes_it(const char *for_ms)
{
    const struct catalogue_place place = catalogue_place_event(ctx, id);
    assert_null(REDIS_RUN(ctx, NULL, "SET", place.copy.maker, "somebody", "PX", for_ms));
}

static void test_answer_is_made_once(void **state)
{
    (void)state;
    assert_string_equal(get(), "answer 1");
    assert_string_equal(get(), "answer 1");
    assert_int_equal(made->count, 1);
}

static void test_answer_is_made_anew_after_a_change(void **state)
{
    (void)state;
    get();
    catalogue_cache_forget(ctx, id);
    assert_string_equal(get(), "answer 2");
    assert_string_equal(get(), "answer 2");
}

static void test_answer_that_changed_while_it_was_made_is_made_anew(void **state)
{
    (void)state;
    made->changed = true;
    get();
    made->changed = false;
    assert_string_equal(get(), "answer 2");
    assert_string_equal(get(), "answer 2");
}

static void test_old_answer_serves_while_somebody_makes_it(void **state)
{
    (void)state;
    get();
    age(100);
    somebody_makes_it("60000");
    assert_string_equal(get(), "answer 1");
    assert_int_equal(made->count, 1);
}

static void test_older_answer_does_not(void **state)
{
    (void)state;
    get();
    age(CATALOGUE_OLD_MS + 1);
    somebody_makes_it("50");
    assert_string_equal(get(), "answer 2");
}

static void test_lists_of_before_a_change_are_not_looked_at(void **state)
{
    (void)state;
    const char *text = NULL;
    const struct catalogue_place before = catalogue_place_list(ctx, id);
    catalogue_cache_forget(ctx, fixture_uuid()); /* while the list is made */
    assert_null(get_of(ctx, &before, &text));
    const struct catalogue_place after = catalogue_place_list(ctx, id);
    assert_null(get_of(ctx, &after, &text));
    assert_string_equal(text, "answer 2");
}

static void test_sold_seats_make_maps_and_details_old(void **state)
{
    (void)state;
    const char *text = NULL;
    const struct schedule schedule = {.schedule_id = fixture_uuid(), .event_id = id};
    static const char *const whats[] = {"seats", "live"};
    const struct catalogue_place list = catalogue_place_list(ctx, id);
    for (int i = 0; i < 2; i++) {
        for (size_t what = 0; what < ARRAY_COUNT(whats); what++) {
            const struct catalogue_place place = catalogue_place_seats(ctx, schedule.schedule_id, whats[what]);
            assert_null(get_of(ctx, &place, &text));
        }
        get();
        assert_int_equal(made->count, 3 * (i + 1));
        catalogue_cache_forget_seats(ctx, &schedule, false);
    }
    assert_string_equal(catalogue_place_list(ctx, id).copy.key, list.copy.key);
    catalogue_cache_forget_seats(ctx, &schedule, true);
    assert_string_not_equal(catalogue_place_list(ctx, id).copy.key, list.copy.key);
}

static void test_last_answer_is_given_while_none_can_be_made(void **state)
{
    (void)state;
    get();
    age(CATALOGUE_KEPT_MS / 2);
    made->error = &err_unavailable;
    assert_string_equal(get(), "answer 1");
    assert_string_equal(get(), "answer 1");
    assert_int_equal(made->count, 2); /* nobody tries again at once */
}

/* Writes over the copy of the event from `offset` on. */
static void damage(int64_t offset, const char *bytes)
{
    const struct catalogue_place place = catalogue_place_event(ctx, id);
    assert_null(REDIS_RUN(ctx, NULL, "SETRANGE", place.copy.key, arena_int(ctx->arena, offset), bytes));
}

static void test_damaged_copy_is_none(void **state)
{
    (void)state;
    const struct catalogue_place place = catalogue_place_event(ctx, id);
    static const char *const others[] = {"x", "\n", "1795823052468430 \"tag\"\nanswer",
                                         "00000000 1 plain \"tag\"\nanswer"};
    const struct redis_value *len;
    get();
    assert_null(REDIS_RUN(ctx, &len, "STRLEN", place.copy.key));
    int expected = 1;
    for (int64_t offset = 0; offset < len->integer; offset++) {
        damage(offset, "~");
        assert_string_equal(get(), arena_printf(ctx->arena, "answer %d", ++expected));
    }
    damage(len->integer + 2, "~"); /* longer than it was */
    assert_string_equal(get(), arena_printf(ctx->arena, "answer %d", ++expected));
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_null(REDIS_RUN(ctx, NULL, "SET", place.copy.key, others[i], "PX", "7200000"));
        assert_string_equal(get(), arena_printf(ctx->arena, "answer %d", ++expected));
    }
    assert_string_equal(get(), arena_printf(ctx->arena, "answer %d", expected));
}

static void test_copy_tells_whether_it_is_compressed(void **state)
{
    (void)state;
    const struct catalogue_place place = catalogue_place_event(ctx, id);
    struct catalogue_answer answer;
    for (int gzip = 0; gzip < 2; gzip++) {
        made->gzip = gzip == 1;
        copy_forget(ctx, &place.copy);
        for (int i = 0; i < 2; i++) {
            assert_null(catalogue_cache_get(ctx, &place, make, (void *)&place, &answer));
            assert_int_equal(answer.gzip, gzip == 1);
        }
        assert_int_equal(made->count, gzip + 1);
    }
}

static void test_error_is_told_when_there_is_no_answer(void **state)
{
    (void)state;
    const struct catalogue_place place = catalogue_place_event(ctx, id);
    const char *text;
    made->error = &err_unavailable;
    assert_ptr_equal(get_of(ctx, &place, &text), &err_unavailable);
    assert_ptr_equal(get_of(ctx, &place, &text), &err_unavailable);
}

static void test_what_is_there_no_more_is_not_seen_again(void **state)
{
    (void)state;
    const struct catalogue_place place = catalogue_place_event(ctx, id);
    const char *text;
    get();
    catalogue_cache_forget(ctx, id);
    made->error = &err_not_found;
    assert_ptr_equal(get_of(ctx, &place, &text), &err_not_found);
    made->error = &err_unavailable;
    assert_ptr_equal(get_of(ctx, &place, &text), &err_unavailable);
}

static void test_without_redis_everybody_makes_it(void **state)
{
    (void)state;
    redis_free(&ctx->redis);
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_string_equal(get(), "answer 1");
    assert_string_equal(get(), "answer 2");
}

static void be_one_of_a_crowd(void)
{
    struct ctx *own = fixture_ctx("event_service", NEED_DB | NEED_REDIS);
    const char *text = NULL;
    for (int i = 0; i < 100; i++) {
        const struct catalogue_place place = catalogue_place_event(own, id);
        if (get_of(own, &place, &text) != NULL || strncmp(text, "answer ", 7) != 0) {
            _exit(1);
        }
        ctx_begin(own, NULL, NULL);
    }
    _exit(0);
}

static void expect_crowd_is_served(void)
{
    pid_t people[CROWD];
    for (int i = 0; i < CROWD; i++) {
        people[i] = fork();
        assert_true(people[i] >= 0);
        if (people[i] == 0) {
            be_one_of_a_crowd();
        }
    }
    for (int i = 0; i < CROWD; i++) {
        int status;
        assert_int_equal(waitpid(people[i], &status, 0), people[i]);
        assert_int_equal(status, 0);
    }
}

static void test_crowd_without_a_copy_costs_one_answer(void **state)
{
    (void)state;
    made->slow_ms = 100;
    expect_crowd_is_served();
    assert_int_equal(made->count, 1);
}

static void test_crowd_whose_maker_dies_costs_one_more(void **state)
{
    (void)state;
    made->slow_ms = 100;
    made->dying = 1;
    expect_crowd_is_served();
    assert_int_equal(made->count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answer_is_made_once),
        TEST(test_answer_is_made_anew_after_a_change),
        TEST(test_answer_that_changed_while_it_was_made_is_made_anew),
        TEST(test_old_answer_serves_while_somebody_makes_it),
        TEST(test_older_answer_does_not),
        TEST(test_lists_of_before_a_change_are_not_looked_at),
        TEST(test_sold_seats_make_maps_and_details_old),
        TEST(test_last_answer_is_given_while_none_can_be_made),
        TEST(test_damaged_copy_is_none),
        TEST(test_copy_tells_whether_it_is_compressed),
        TEST(test_error_is_told_when_there_is_no_answer),
        TEST(test_what_is_there_no_more_is_not_seen_again),
        TEST(test_without_redis_everybody_makes_it),
        TEST(test_crowd_without_a_copy_costs_one_answer),
        TEST(test_crowd_whose_maker_dies_costs_one_more),
    };
    return cmocka_run_group_tests_name("catalogue_cache", tests, NULL, NULL);
}
