#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "common/crypto/crypto.h"
#include "common/crypto/crypto_ec.h"

/* RFC 7515, appendix A.3: the key as SEC 1, as PKCS #8 and its public half, as `openssl` writes them; text, signature.
 */
#define RFC_POINT                                                      \
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3-257rn0" \
    "s2ldbqkLJK2KRiMohYjlrQ"
#define RFC_PUBLIC "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" RFC_POINT
#define RFC_SEC1 "MHcCAQEEII6bEJ5xkJi_mASH3x9dd-nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49AwEHoUQDQgAE" RFC_POINT
#define RFC_PKCS8                                                                                      \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LKhRANC" \
    "AAR_zc4ncPbEXUGDy-5v20t7WAczNXvp7xO6z248e9FURcfxRM0bvZt-hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt"
#define RFC_TEXT                                                                                                    \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
    "cnVlfQ"
/* The RFC's has the larger s; the other one has the smaller. */
#define RFC_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define LOW_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmU69fgrc8OPGycO0lD3tat_FoFp57SETepkeks4eL_QfA"

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

static bool verifies(struct arena *arena, const struct crypto_ec *key, const char *text, const char *signature)
{
    size_t len;
    const unsigned char *bytes = crypto_base64_decode(arena, signature, &len);
    assert_non_null(bytes);
    assert_int_equal(len, CRYPTO_EC_SIGNATURE_SIZE);
    return crypto_ec_verify(key, text, strlen(text), bytes);
}

static void test_verify_rfc_vector_passes_with_the_smaller_s_only(void **state)
{
    struct crypto_ec *key = crypto_ec_public(*state, RFC_PUBLIC);
    assert_non_null(key);
    assert_true(verifies(*state, key, RFC_TEXT, LOW_SIGNATURE));
    assert_false(verifies(*state, key, RFC_TEXT, RFC_SIGNATURE));
    assert_false(verifies(*state, key, RFC_TEXT "x", LOW_SIGNATURE));
    assert_true(verifies(*state, key, RFC_TEXT, LOW_SIGNATURE)); /* a failure leaves nothing behind */
    crypto_ec_free(&key);
    assert_null(key);
    crypto_ec_free(&key);
}

static void test_private_key_is_read_in_both_forms(void **state)
{
    static const char *const forms[] = {RFC_SEC1, RFC_PKCS8};
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        const char *x, *y;
        struct crypto_ec *key = crypto_ec_private(*state, forms[i]);
        assert_non_null(key);
        assert_string_equal(crypto_ec_private_der(*state, key), RFC_PKCS8);
        assert_string_equal(crypto_ec_public_der(*state, key), RFC_PUBLIC);
        crypto_ec_jwk(*state, key, &x, &y);
        assert_string_equal(x, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
        assert_string_equal(y, "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        crypto_ec_free(&key);
    }
}

/* Half of what ECDSA makes has the larger s: of so many, some do. */
static void test_every_signature_is_of_the_smaller_s(void **state)
{
    struct crypto_ec *private = crypto_ec_generate();
    struct crypto_ec *public = crypto_ec_public(*state, crypto_ec_public_der(*state, private));
    assert_non_null(public);
    for (int i = 0; i < 64; i++) {
        unsigned char signature[CRYPTO_EC_SIGNATURE_SIZE];
        crypto_ec_sign(private, &i, sizeof i, signature);
        assert_true(crypto_ec_verify(public, &i, sizeof i, signature));
        assert_true(signature[CRYPTO_EC_SIGNATURE_SIZE / 2] < 0x80);
        signature[i] ^= 1;
        assert_false(crypto_ec_verify(public, &i, sizeof i, signature));
    }
    crypto_ec_free(&private);
    crypto_ec_free(&public);
}

static void test_signature_of_numbers_that_are_none_is_refused(void **state)
{
    static const unsigned char order[] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                          0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    struct crypto_ec *key = crypto_ec_public(*state, RFC_PUBLIC);
    unsigned char one[32] = {[31] = 1}, zero[32] = {0}, most[32];
    memset(most, 0xff, sizeof most);
    const unsigned char *const numbers[] = {zero, one, order, most};
    for (size_t r = 0; r < ARRAY_COUNT(numbers); r++) {
        for (size_t s = 0; s < ARRAY_COUNT(numbers); s++) {
            unsigned char signature[CRYPTO_EC_SIGNATURE_SIZE];
            memcpy(signature, numbers[r], 32);
            memcpy(signature + 32, numbers[s], 32);
            assert_false(crypto_ec_verify(key, RFC_TEXT, strlen(RFC_TEXT), signature));
        }
    }
    crypto_ec_free(&key);
}

static void test_key_of_another_kind_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "AAAA",
        "no base64!",
        RFC_PUBLIC "AAAA",
        RFC_PKCS8 "AAAA",
        /* P-384 */
        "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBFH9e3rUcwsyEO8UO2mbFlfpFepFCwXzcQJxVOYediqV2IJf5_0wTGWczYAcGmud"
        "ahZANiAARYoA3RVbZ8XwKBDdEtorX6JBNbMp6bpmgwwZ7HABdceUQ0le2lhwY-ARt7DARqLPCuVoVMC4r_wOT7HpezJ4A7H2nq0Y8qQHyp4tb0"
        "JvsVbgoJieZsUViFBzrQlWmaM3M",
        /* secp256k1 */
        "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEEgoYDF8_42UpKrsFlVBqcU_OKWJzLlspovCmjPwEVqMVXeA_tKfn5VqYh4YGYddZtEcib5E-"
        "nVlELNDc"
        "x0xLng",
        /* a point beside the curve */
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3-"
        "257rn0s2ldbqkLJK2K"
        "RiMohYjlrg",
        /* another's public half */
        "MHcCAQEEII6bEJ5xkJi_mASH3x9dd-nLKWBuvtImO19XwhPfhPSzoAoGCCqGSM49AwEHoUQDQgAE" RFC_POINT,
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_null(crypto_ec_public(*state, bad[i]));
        assert_null(crypto_ec_private(*state, bad[i]));
    }
    assert_null(crypto_ec_public(*state, RFC_PKCS8));
    assert_null(crypto_ec_private(*state, RFC_PUBLIC));
    char *endless = arena_alloc(*state, 100001);
    memset(endless, 'A', 100000);
    assert_null(crypto_ec_public(*state, endless));
    for (size_t len = 0; len < strlen(RFC_PUBLIC); len++) {
        assert_null(crypto_ec_public(*state, arena_memdup(*state, RFC_PUBLIC, len)));
    }
    for (size_t len = 0; len < strlen(RFC_PKCS8); len++) {
        assert_null(crypto_ec_private(*state, arena_memdup(*state, RFC_PKCS8, len)));
    }
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_verify_rfc_vector_passes_with_the_smaller_s_only),
        FIXED(test_private_key_is_read_in_both_forms),
        FIXED(test_every_signature_is_of_the_smaller_s),
        FIXED(test_signature_of_numbers_that_are_none_is_refused),
        FIXED(test_key_of_another_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
