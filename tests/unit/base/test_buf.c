#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/base/buf.h"

static int setup(void **state)
{
    *state = arena_new(1u << 20);
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

static void test_buf_fresh_is_an_empty_string(void **state)
{
    struct buf buf;
    buf_init(&buf, *state, 0);
    assert_string_equal(buf.data, "");
    buf_add(&buf, "", 0);
    assert_false(buf.overflow);
    buf_char(&buf, 'x');
    assert_true(buf.overflow);
    assert_string_equal(buf.data, "");
}

static void test_buf_grows_over_many_writes(void **state)
{
    struct buf buf;
    buf_init(&buf, *state, 100000);
    for (int i = 0; i < 10000; i++) {
        buf_printf(&buf, "%04d ", i);
    }
    assert_int_equal(buf.len, 50000);
    assert_memory_equal(buf.data, "0000 0001 ", 10);
    assert_string_equal(buf.data + 49990, "9998 9999 ");
}

static void test_buf_holds_exactly_its_limit(void **state)
{
    struct buf buf;
    buf_init(&buf, *state, 5);
    buf_str(&buf, "12345");
    assert_false(buf.overflow);
    assert_string_equal(buf.data, "12345");
}

static void test_buf_past_its_limit_keeps_content_and_ignores_the_rest(void **state)
{
    struct buf buf;
    buf_init(&buf, *state, 5);
    buf_str(&buf, "123");
    buf_printf(&buf, "%d", 456);
    assert_true(buf.overflow);
    buf_char(&buf, '4');
    assert_string_equal(buf.data, "123");
    assert_int_equal(buf.len, 3);
}

static void test_buf_int_writes_every_size(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } rows[] = {{0, "0"},
                {7, "7"},
                {-7, "-7"},
                {10, "10"},
                {1780308000, "1780308000"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf buf;
        buf_init(&buf, *state, 20);
        buf_int(&buf, rows[i].number);
        assert_string_equal(buf.data, rows[i].text);
    }
}

/* Around the size of the first memory, and around the limit. */
static void test_buf_printf_grows_or_leaves_what_was_there(void **state)
{
    char text[1200];
    memset(text, 'x', sizeof text);
    for (int len = 0; len < (int)sizeof text; len++) {
        struct buf buf;
        buf_init(&buf, *state, 1000);
        buf_str(&buf, "ab");
        buf_printf(&buf, "%.*s", len, text);
        assert_int_equal(buf.overflow, len > 998);
        assert_int_equal(buf.len, len > 998 ? 2 : len + 2);
        assert_int_equal(strlen(buf.data), buf.len);
        arena_reset(*state);
    }
}

static void test_buf_cleared_can_be_used_again(void **state)
{
    struct buf buf;
    buf_init(&buf, *state, 3);
    buf_str(&buf, "1234");
    buf_clear(&buf);
    buf_str(&buf, "abc");
    assert_false(buf.overflow);
    assert_string_equal(buf.data, "abc");
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(test_buf_fresh_is_an_empty_string),
        WITH_ARENA(test_buf_grows_over_many_writes),
        WITH_ARENA(test_buf_holds_exactly_its_limit),
        WITH_ARENA(test_buf_past_its_limit_keeps_content_and_ignores_the_rest),
        WITH_ARENA(test_buf_int_writes_every_size),
        WITH_ARENA(test_buf_printf_grows_or_leaves_what_was_there),
        WITH_ARENA(test_buf_cleared_can_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
