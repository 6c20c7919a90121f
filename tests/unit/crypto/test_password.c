#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/crypto/password.h"

#define COST 5 /* quick; production uses 10 */
#define LONGEST "123456789-123456789-123456789-123456789-123456789-123456789-123456789-12"

static void test_password_hash_verifies_the_same_password_only(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash("correct horse", COST, hash));
    assert_int_equal(strlen(hash), PASSWORD_HASH_SIZE - 1);
    assert_memory_equal(hash, "$2b$05$", 7);
    assert_true(password_verify("correct horse", hash, COST));
    assert_false(password_verify("correct horsf", hash, COST));
    assert_false(password_verify("Correct horse", hash, COST));
}

static void test_password_hash_is_salted(void **state)
{
    (void)state;
    char first[PASSWORD_HASH_SIZE];
    char second[PASSWORD_HASH_SIZE];
    assert_true(password_hash("same", COST, first));
    assert_true(password_hash("same", COST, second));
    assert_string_not_equal(first, second);
}

static void test_password_hash_matches_a_published_vector(void **state)
{
    (void)state;
    assert_true(password_verify("U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", COST));
    assert_true(password_verify("U*U*", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", COST));
}

static void test_password_beyond_72_bytes_is_refused(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE] = "untouched";
    assert_false(password_hash("", COST, hash));
    assert_false(password_hash(LONGEST "3", COST, hash));
    assert_string_equal(hash, "untouched");
    assert_true(password_hash(LONGEST, COST, hash));
    assert_true(password_verify(LONGEST, hash, COST));
    assert_false(password_verify(LONGEST "3", hash, COST));
    assert_false(password_verify("", hash, COST));
}

static void test_password_verify_malformed_hash_is_false(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "garbage",
        "ga3B1/xxxxxxx",
        "*0",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$32$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe!",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(password_verify("U*U", bad[i], COST));
    }
}

static double cpu_ms(const char *password, const char *hash, int cost)
{
    clock_t start = clock();
    assert_false(password_verify(password, hash, cost));
    return (double)(clock() - start) * 1000 / CLOCKS_PER_SEC;
}

static void test_password_verify_unknown_account_costs_as_much(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash("known", 9, hash));
    double wrong_ms = cpu_ms("wrong", hash, 9);
    assert_true(cpu_ms("wrong", NULL, 9) > wrong_ms / 3);
    assert_true(cpu_ms("wrong", "garbage", 9) > wrong_ms / 3);
    assert_true(cpu_ms(LONGEST "3", hash, 9) > wrong_ms / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_hash_verifies_the_same_password_only),
        cmocka_unit_test(test_password_hash_is_salted),
        cmocka_unit_test(test_password_hash_matches_a_published_vector),
        cmocka_unit_test(test_password_beyond_72_bytes_is_refused),
        cmocka_unit_test(test_password_verify_malformed_hash_is_false),
        cmocka_unit_test(test_password_verify_unknown_account_costs_as_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
