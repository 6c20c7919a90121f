/* What the copies of the catalogue take of the Redis that sells: its memory to a bound, and no bytes for who has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/cfg.h"
#include "common/io/redis.h"
#include "src/event/catalogue_cache.h"
#include "src/event/event_settings.h"
#include "tests/support/fixture.h"

#define MB (INT64_C(1) << 20)
#define ROOM (12 * MB) /* that is left to copies */
#define MAPS 40

static struct ctx *ctx;
static const char *most; /* maxmemory before the test */
static char map[MB + 1]; /* NUL-terminated */

static int64_t number_of(const char *section, const char *name)
{
    const struct redis_value *info;
    assert_null(REDIS_RUN(ctx, &info, "INFO", section));
    const char *at = strstr(info->str, ARENA_JOIN(ctx->arena, "\n", name, ":"));
    assert_non_null(at);
    return strtoll(at + strlen(name) + 2, NULL, 10);
}

static int64_t used(void)
{
    return number_of("memory", "used_memory");
}

static void set_most(const char *bytes)
{
    assert_null(REDIS_RUN(ctx, NULL, "CONFIG", "SET", "maxmemory", bytes));
}

static int begin(void **state)
{
    static const struct cfg_section *const sections[] = {&cfg_event_section, NULL};
    const char *why;
    (void)state;
    ctx = fixture_ctx("event_service", NEED_DB | NEED_REDIS);
    assert_true(cfg_load(sections, &why));
    most = arena_int(ctx->arena, number_of("memory", "maxmemory"));
    memset(map, 'm', MB);
    return 0;
}

static int end(void **state)
{
    (void)state;
    set_most(most);
    fixture_free(&ctx);
    return 0;
}

static const struct err *make(struct ctx *unit, void *with, struct catalogue_answer *answer_r)
{
    (void)unit;
    (void)with;
    *answer_r = (struct catalogue_answer){.etag = "\"tag\"", .bytes = map, .len = MB};
    return NULL;
}

static struct catalogue_place a_map(void)
{
    return catalogue_place_seats(ctx, fixture_uuid(), "seats");
}

static void ask_for(const struct catalogue_place *place)
{
    struct catalogue_answer answer;
    assert_null(catalogue_cache_get(ctx, place, make, NULL, &answer));
    assert_int_equal(answer.len, MB);
}

static bool is_kept(const struct copy *copy)
{
    struct copy_found found;
    assert_true(copy_look(ctx, copy, &found));
    return found.bytes != NULL;
}

/* Asks for more maps than there is room for; the last one's place. */
static struct catalogue_place fill(void)
{
    struct catalogue_place place;
    set_most(arena_int(ctx->arena, (used() + ROOM) * 100 / COPY_SPARE_PERCENT));
    for (int i = 0; i < MAPS; i++) {
        place = a_map();
        ask_for(&place);
    }
    return place;
}

static void test_maps_without_end_leave_room_for_what_is_sold(void **state)
{
    (void)state;
    int64_t before = used();
    const struct catalogue_place last = fill();
    assert_false(is_kept(&last.copy));
    assert_true(used() - before > ROOM / 2 && used() - before < ROOM + 4 * MB);
    assert_null(REDIS_RUN(ctx, NULL, "SET", fixture_uuid(), map, "EX", "60"));
    assert_null(redis_ping(ctx));
}

static void test_copy_that_sales_need_is_kept_all_the_same(void **state)
{
    (void)state;
    struct copy copy = fill().copy;
    copy.spare = false;
    assert_int_equal(copy_begin(ctx, &copy, "name"), COPY_OURS);
    copy_keep(ctx, &copy, "name", "it", 2, copy.old_ms);
    assert_true(is_kept(&copy));
}

static void test_map_that_is_asked_for_again_and_again_stays(void **state)
{
    (void)state;
    struct catalogue_answer answer;
    const struct catalogue_place place = a_map();
    ask_for(&place);
    fill();
    copy_forget(ctx, &place.copy);
    assert_false(catalogue_cache_head(ctx, &place, &answer));
    ask_for(&place);
    assert_true(catalogue_cache_head(ctx, &place, &answer));
}

static void test_who_makes_what_is_not_kept_leaves_the_right_to_the_next(void **state)
{
    (void)state;
    const struct catalogue_place last = fill();
    assert_int_equal(copy_begin(ctx, &last.copy, "name"), COPY_OURS);
}

static void test_who_has_it_is_told_so_without_its_bytes(void **state)
{
    (void)state;
    struct catalogue_answer answer;
    const struct catalogue_place place = a_map();
    assert_false(catalogue_cache_head(ctx, &place, &answer));
    ask_for(&place);
    int64_t before = number_of("stats", "total_net_output_bytes");
    assert_true(catalogue_cache_head(ctx, &place, &answer));
    assert_string_equal(answer.etag, "\"tag\"");
    assert_null(answer.bytes);
    assert_true(number_of("stats", "total_net_output_bytes") - before < MB / 2);
}

static void test_head_that_was_damaged_is_none(void **state)
{
    (void)state;
    struct catalogue_answer answer;
    const struct catalogue_place place = a_map();
    ask_for(&place);
    const struct redis_value *head;
    assert_null(REDIS_RUN(ctx, &head, "GETRANGE", place.copy.key, "0", "99"));
    for (int64_t offset = 0; offset <= strchr(head->str, '\n') - head->str; offset++) {
        const char *at = arena_int(ctx->arena, offset);
        assert_null(REDIS_RUN(ctx, NULL, "SETRANGE", place.copy.key, at, "~"));
        assert_false(catalogue_cache_head(ctx, &place, &answer));
        assert_null(REDIS_RUN(ctx, NULL, "SETRANGE", place.copy.key, "0", head->str));
        assert_true(catalogue_cache_head(ctx, &place, &answer));
    }
}

static void test_redis_that_is_full_is_not_up(void **state)
{
    (void)state;
    set_most("1");
    assert_ptr_equal(redis_ping(ctx), &err_unavailable);
    set_most(most);
    assert_null(redis_ping(ctx));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_maps_without_end_leave_room_for_what_is_sold),
        TEST(test_copy_that_sales_need_is_kept_all_the_same),
        TEST(test_map_that_is_asked_for_again_and_again_stays),
        TEST(test_who_makes_what_is_not_kept_leaves_the_right_to_the_next),
        TEST(test_who_has_it_is_told_so_without_its_bytes),
        TEST(test_head_that_was_damaged_is_none),
        TEST(test_redis_that_is_full_is_not_up),
    };
    return cmocka_run_group_tests_name("catalogue_room", tests, NULL, NULL);
}
