/* Copies that one makes for all: whose turn it is, and what becomes of a copy whose original changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/io/redis.h"
#include "src/contract/copy.h"
#include "tests/support/fixture.h"

#define OLD_MS 60000
#define LIFE_MS 90000

static struct ctx *ctx;
static struct copy copy;

static int begin(void **state)
{
    (void)state;
    ctx = fixture_ctx(NULL, NEED_REDIS);
    const char *id = fixture_uuid();
    copy = (struct copy){.key = arena_printf(ctx->arena, "copy:{%s}:it", id),
                         .maker = arena_printf(ctx->arena, "copy:{%s}:maker", id),
                         .old_ms = OLD_MS};
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&ctx);
    return 0;
}

static void keep(const char *name, const char *text)
{
    copy_keep(ctx, &copy, name, text, strlen(text), LIFE_MS);
}

/* What there is: NULL for none; *old_r: it is old. */
static const char *look(bool *old_r)
{
    struct copy_found found;
    assert_true(copy_look(ctx, &copy, &found));
    *old_r = found.old_for_ms > 0;
    return found.bytes;
}

static void test_one_makes_it_and_all_find_it(void **state)
{
    (void)state;
    bool old;
    assert_null(look(&old));
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OURS);
    assert_int_equal(copy_begin(ctx, &copy, "b"), COPY_OTHERS);
    keep("b", "of b");
    assert_null(look(&old));
    keep("a", "of a");
    assert_string_equal(look(&old), "of a");
    assert_false(old);
    assert_int_equal(copy_begin(ctx, &copy, "b"), COPY_OURS);
}

static void test_bytes_of_any_kind_are_kept(void **state)
{
    (void)state;
    static const char bytes[] = "a\0b\xff";
    struct copy_found found;
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OURS);
    copy_keep(ctx, &copy, "a", bytes, sizeof bytes, LIFE_MS);
    assert_true(copy_look(ctx, &copy, &found));
    assert_int_equal(found.len, sizeof bytes);
    assert_memory_equal(found.bytes, bytes, sizeof bytes);
}

static void test_right_to_make_it_ends_with_a_process_that_died(void **state)
{
    (void)state;
    const struct redis_value *left;
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OURS);
    assert_true(copy_forget(ctx, &copy));
    assert_null(REDIS_RUN(ctx, &left, "PTTL", copy.maker));
    assert_in_range(left->integer, 1, COPY_MAKING_MS);
}

static void test_forgotten_copy_is_old(void **state)
{
    (void)state;
    bool old;
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OURS);
    keep("a", "before");
    assert_true(copy_forget(ctx, &copy));
    assert_string_equal(look(&old), "before");
    assert_true(old);
}

/* Who makes it may have read before the change; who comes after the change makes it anew. */
static void test_copy_forgotten_while_it_is_made_is_old_at_once(void **state)
{
    (void)state;
    bool old;
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OURS);
    assert_true(copy_forget(ctx, &copy));
    assert_true(copy_forget(ctx, &copy));
    assert_int_equal(copy_begin(ctx, &copy, "b"), COPY_OTHERS);
    keep("a", "before");
    assert_string_equal(look(&old), "before");
    assert_true(old);
    assert_int_equal(copy_begin(ctx, &copy, "b"), COPY_OURS);
    keep("b", "after");
    assert_string_equal(look(&old), "after");
    assert_false(old);
}

/* A maker that was too slow has been replaced: what it made is older than what there is. */
static void test_late_maker_replaces_nothing(void **state)
{
    (void)state;
    bool old;
    assert_int_equal(copy_begin(ctx, &copy, "slow"), COPY_OURS);
    assert_null(REDIS_RUN(ctx, NULL, "DEL", copy.maker));
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OURS);
    keep("a", "new");
    keep("slow", "late");
    assert_string_equal(look(&old), "new");
}

static void test_what_cannot_be_made_is_not_tried_by_others(void **state)
{
    (void)state;
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OURS);
    copy_give_up(ctx, &copy, "b", 2000);
    assert_int_equal(copy_begin(ctx, &copy, "b"), COPY_OTHERS);
    copy_give_up(ctx, &copy, "a", 2000);
    assert_int_equal(copy_begin(ctx, &copy, "b"), COPY_AWAY);
    assert_true(copy_forget(ctx, &copy)); /* who tells of a change is there */
    assert_int_equal(copy_begin(ctx, &copy, "b"), COPY_OURS);
    copy_give_up(ctx, &copy, "b", 0);
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OURS);
}

static void test_without_redis_there_is_none(void **state)
{
    (void)state;
    struct copy_found found;
    redis_free(&ctx->redis);
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_false(copy_look(ctx, &copy, &found));
    assert_null(found.bytes);
    assert_int_equal(copy_begin(ctx, &copy, "a"), COPY_OTHERS);
    keep("a", "text");
    assert_false(copy_forget(ctx, &copy));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_makes_it_and_all_find_it),
        TEST(test_bytes_of_any_kind_are_kept),
        TEST(test_right_to_make_it_ends_with_a_process_that_died),
        TEST(test_forgotten_copy_is_old),
        TEST(test_copy_forgotten_while_it_is_made_is_old_at_once),
        TEST(test_late_maker_replaces_nothing),
        TEST(test_what_cannot_be_made_is_not_tried_by_others),
        TEST(test_without_redis_there_is_none),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
