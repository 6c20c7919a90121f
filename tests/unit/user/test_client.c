#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "src/user/client.h"

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

static void test_address_has_one_spelling(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"::FFFF:c000:0207", "192.0.2.7"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::1", "::1"},
        {"::192.0.2.7", "::192.0.2.7"}, /* compatible, not mapped */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_string_equal(client_address(arena, cases[i][0]), cases[i][1]);
    }
}

static void test_what_is_no_address_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "none", "unix:", "192.0.2", "192.0.2.256", "2001:db8::1%eth0", "192.0.2.7/24", "[::1]"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_null(client_address(arena, bad[i]));
        assert_string_equal(client_host(arena, bad[i]), bad[i]);
        assert_string_equal(client_network(arena, bad[i]), bad[i]);
    }
}

static void test_client_is_an_address_or_a_64_and_its_network_a_24_or_a_48(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"192.0.2.7", "192.0.2.7", "192.0.2.0"},
        {"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.0"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::"},
        {"2001:db8:1:ffff::1", "2001:db8:1:ffff::", "2001:db8:1::"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_string_equal(client_host(arena, cases[i][0]), cases[i][1]);
        assert_string_equal(client_network(arena, cases[i][0]), cases[i][2]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_address_has_one_spelling),
        TEST(test_what_is_no_address_is_none),
        TEST(test_client_is_an_address_or_a_64_and_its_network_a_24_or_a_48),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
