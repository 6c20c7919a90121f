#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/base/gzip.h"

#define LARGEST 300000

static int setup(void **state)
{
    *state = arena_new(1u << 22);
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

static struct buf compressed(struct arena *arena, const void *bytes, size_t len, size_t max)
{
    struct buf out;
    buf_init(&out, arena, max);
    gzip_add(&out, bytes, len);
    return out;
}

static void expect_whole(const struct buf *gzip, const unsigned char *bytes, size_t len)
{
    static unsigned char back[LARGEST + 1];
    z_stream stream = {.next_in = (unsigned char *)gzip->data,
                       .avail_in = (uInt)gzip->len,
                       .next_out = back,
                       .avail_out = sizeof back};
    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, len);
    assert_memory_equal(back, bytes, len);
    inflateEnd(&stream);
}

static void test_gzip_of_any_length_becomes_the_bytes_again(void **state)
{
    static const size_t lengths[] = {0, 1, 1000, 65536, LARGEST};
    static unsigned char bytes[LARGEST];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(random >> 24);
    }
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        struct buf out = compressed(*state, bytes, lengths[i], 2 * LARGEST);
        assert_false(out.overflow);
        expect_whole(&out, bytes, lengths[i]);
    }
}

static void test_gzip_of_the_same_bytes_is_the_same(void **state)
{
    static unsigned char zeros[LARGEST];
    struct buf one = compressed(*state, zeros, sizeof zeros, LARGEST),
               other = compressed(*state, zeros, sizeof zeros, LARGEST);
    assert_true(one.len < LARGEST / 100);
    assert_int_equal(one.len, other.len);
    assert_memory_equal(one.data, other.data, one.len);
}

static void test_gzip_beyond_the_limit_overflows(void **state)
{
    static unsigned char zeros[LARGEST];
    assert_true(compressed(*state, zeros, sizeof zeros, 10).overflow);
}

static void test_crc_is_that_of_the_standard(void **state)
{
    (void)state;
    assert_int_equal(gzip_crc("123456789", 9), 0xcbf43926);
    assert_int_equal(gzip_crc("", 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_gzip_of_any_length_becomes_the_bytes_again),
        TEST(test_gzip_of_the_same_bytes_is_the_same),
        TEST(test_gzip_beyond_the_limit_overflows),
        TEST(test_crc_is_that_of_the_standard),
    };
    return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
