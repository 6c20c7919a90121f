#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "common/crypto/crypto_rsa.h"

/* RFC 7515, appendix A.2. */
#define RFC_N                                                                                                      \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ" \
    "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2" \
    "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD" \
    "TW9gb54h4FRWyuXpoQ"
#define RFC_E "AQAB"
#define RFC_TEXT                                                                                                    \
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
    "cnVlfQ"
#define RFC_SIGNATURE                                                                                              \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU" \
    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d" \
    "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig" \
    "cN_IoypGlUPQGe77Rw"

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

static void test_verify_rfc_vector_passes(void **state)
{
    struct crypto_rsa *key = crypto_rsa_from_jwk(*state, RFC_N, RFC_E);
    assert_non_null(key);
    assert_true(crypto_rsa_verify(*state, key, RFC_TEXT, RFC_SIGNATURE));
    assert_false(crypto_rsa_verify(*state, key, RFC_TEXT "x", RFC_SIGNATURE));
    assert_false(crypto_rsa_verify(*state, key, RFC_TEXT, "AAAA"));
    assert_false(crypto_rsa_verify(*state, key, RFC_TEXT, ""));
    assert_false(crypto_rsa_verify(*state, key, RFC_TEXT, "no base64!"));
    crypto_rsa_free(&key);
    assert_null(key);
}

static void test_jwk_gives_back_its_numbers(void **state)
{
    const char *n, *e;
    struct crypto_rsa *key = crypto_rsa_from_jwk(*state, RFC_N, RFC_E);
    crypto_rsa_jwk(*state, key, &n, &e);
    assert_string_equal(n, RFC_N);
    assert_string_equal(e, RFC_E);
    crypto_rsa_free(&key);
}

static void test_jwk_malformed_or_weak_is_refused(void **state)
{
    static const char *const numbers[][2] = {{"", RFC_E}, {RFC_N, ""}, {"AQAB", RFC_E}, {RFC_N, "Ag"}, {"?", RFC_E}};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        assert_null(crypto_rsa_from_jwk(*state, numbers[i][0], numbers[i][1]));
    }
}

/* Whoever publishes a key must not choose how long it takes to use it. */
static void test_jwk_that_makes_checking_slow_is_refused(void **state)
{
    char *large = arena_alloc(*state, 1025); /* 6144 bits */
    memset(large, '_', 1024);
    large[1024] = '\0';
    assert_null(crypto_rsa_from_jwk(*state, large, RFC_E));
    assert_null(crypto_rsa_from_jwk(*state, RFC_N, "AQAAAAE"));    /* of 33 bits */
    assert_null(crypto_rsa_from_jwk(*state, RFC_N, "AQ"));         /* 1: the message is its own signature */
    assert_null(crypto_rsa_from_jwk(*state, RFC_N, "AAAAAAAAAQ")); /* the same with zeros before it */
}

static void test_public_pem_has_no_private_half(void **state)
{
    struct crypto_rsa *key = crypto_rsa_generate();
    const char *pem = crypto_rsa_public_pem(*state, key);
    assert_memory_equal(pem, "-----BEGIN PUBLIC KEY-----\n", 27);
    assert_null(crypto_rsa_from_pem(pem));
    crypto_rsa_free(&key);
}

static void test_generated_key_signs_for_its_public_half(void **state)
{
    const char *n, *e;
    struct crypto_rsa *key = crypto_rsa_generate();
    crypto_rsa_jwk(*state, key, &n, &e);
    struct crypto_rsa *public = crypto_rsa_from_jwk(*state, n, e);
    struct crypto_rsa *copy = crypto_rsa_from_pem(crypto_rsa_pem(*state, key));
    const char *signature = crypto_rsa_sign(*state, copy, "a text");
    assert_true(crypto_rsa_verify(*state, public, "a text", signature));
    assert_false(crypto_rsa_verify(*state, public, "another", signature));
    struct crypto_rsa *stranger = crypto_rsa_generate();
    assert_false(crypto_rsa_verify(*state, stranger, "a text", signature));
    crypto_rsa_free(&key);
    crypto_rsa_free(&public);
    crypto_rsa_free(&copy);
    crypto_rsa_free(&stranger);
}

static void test_pem_malformed_is_refused(void **state)
{
    (void)state;
    assert_null(crypto_rsa_from_pem(""));
    assert_null(crypto_rsa_from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verify_rfc_vector_passes),         TEST(test_jwk_gives_back_its_numbers),
        TEST(test_jwk_malformed_or_weak_is_refused), TEST(test_generated_key_signs_for_its_public_half),
        TEST(test_pem_malformed_is_refused),         TEST(test_jwk_that_makes_checking_slow_is_refused),
        TEST(test_public_pem_has_no_private_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
