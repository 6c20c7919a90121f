#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/hangul.h"

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void test_hangul_becomes_the_keys_that_it_is_typed_with(void **state)
{
    (void)state;
    static const char *const typed[][2] = {{"", ""},
                                           {"abc 1!", "abc 1!"},
                                           {"김민수", "rlaalstn"},
                                           {"값", "rkqt"},
                                           {"뷁", "qnpfr"},
                                           {"쌌다", "TkTek"},
                                           {"ㅁㄴㅇㄹ", "asdf"},
                                           {"ㅃㅖㅢ", "QPml"},
                                           {"\xe1\x84\x80\xe1\x85\xb5", "rl"}, /* jamo that are apart */
                                           {"１２ａ", "12a"},
                                           {"é🎫", "e\xcc\x81🎫"}};
    for (size_t i = 0; i < ARRAY_COUNT(typed); i++) {
        assert_string_equal(hangul_keys(arena, typed[i][0]), typed[i][1]);
    }
}

static void test_hangul_that_is_no_utf8_is_refused(void **state)
{
    (void)state;
    assert_null(hangul_keys(arena, "\xff"));
    assert_null(hangul_keys(arena, "\xea\xb9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hangul_becomes_the_keys_that_it_is_typed_with),
        cmocka_unit_test(test_hangul_that_is_no_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
