#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "src/user/user_text.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void test_email_with_capitals_is_brought_to_one_form(void **state)
{
    (void)state;
    assert_string_equal(user_email_normalise(arena, "Kim.Min+tickets@Example.CO.KR"), "kim.min+tickets@example.co.kr");
}

static void test_email_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      " ",
                                      " kim@example.com",
                                      "kim",
                                      "@example.com",
                                      "kim@",
                                      "kim@example",
                                      "kim@@example.com",
                                      "kim@example..com",
                                      "kim@-example.com",
                                      "kim@example-.com",
                                      "kim@.example.com",
                                      "kim@example.com.",
                                      ".kim@example.com",
                                      "kim.@example.com",
                                      "k..im@example.com",
                                      "k im@example.com",
                                      "\"kim\"@example.com",
                                      "kim@exam ple.com",
                                      "kim@[127.0.0.1]",
                                      "김@example.com",
                                      "kim@예시.com",
                                      "kim<b>@example.com"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_null(user_email_normalise(arena, bad[i]));
    }
}

static void test_email_at_the_length_limit_is_taken_and_beyond_refused(void **state)
{
    (void)state;
    char local[66], email[300];
    memset(local, 'a', 65);
    local[65] = '\0';
    assert_null(user_email_normalise(arena, arena_printf(arena, "%s@example.com", local)));
    assert_non_null(user_email_normalise(arena, arena_printf(arena, "%s@example.com", local + 1)));
    memset(email, 'b', sizeof email);
    memcpy(email, "k@", 2);
    for (size_t i = 62; i < USER_EMAIL_MAX; i += 60) {
        email[i] = '.';
    }
    email[USER_EMAIL_MAX] = '\0';
    assert_non_null(user_email_normalise(arena, email));
    email[USER_EMAIL_MAX] = 'b';
    email[USER_EMAIL_MAX + 1] = '\0';
    assert_null(user_email_normalise(arena, email));
}

static void test_phone_in_any_spelling_becomes_digits(void **state)
{
    (void)state;
    static const char *const same[] = {"01012345678",      "010-1234-5678",   "010 1234 5678",
                                       "+82 10-1234-5678", "+821012345678",   "+82 010 1234 5678",
                                       "821012345678",     "82-10-1234-5678", "8201012345678"};
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        assert_string_equal(user_phone_normalise(arena, same[i]), "01012345678");
    }
}

static void test_phone_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     "-",          "01234567",     "0123456789012",   "010-1234-567a",       "010.1234.5678",
        "+1 2", "1012345678", "001012345678", "+1 650 253 0000", "+82 0 010 1234 5678", "+82"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_null(user_phone_normalise(arena, bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_email_with_capitals_is_brought_to_one_form),
        cmocka_unit_test(test_email_that_is_none_is_refused),
        cmocka_unit_test(test_email_at_the_length_limit_is_taken_and_beyond_refused),
        cmocka_unit_test(test_phone_in_any_spelling_becomes_digits),
        cmocka_unit_test(test_phone_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
