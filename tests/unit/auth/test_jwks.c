#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/auth/jwks.h"
#include "common/base/array.h"
#include "common/crypto/crypto_ec.h"

#define PUBLIC                                                           \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e" \
    "8Tus9uPHvRVEXH8UTNG72bfocs3-257rn0s2ldbqkLJK2KRiMohYjlrQ"
#define X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define MEMBERS(kid)                                                                                     \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"" kid "\",\"alg\":\"ES256\",\"use\":\"sig\",\"x\":\"" X \
    "\",\"y\":\"" Y "\"}"

static bool load(const char *keys)
{
    const char *why;
    setenv("BOX_JWT_PUBLIC_KEYS", keys, 1);
    if (!cfg_load((const struct cfg_section *const[]){&cfg_jwks_section, NULL}, &why)) {
        fail_msg("%s", why);
    }
    return jwks_init(&why);
}

static void assert_written(const char *expected)
{
    struct arena *arena = arena_new(1u << 16);
    struct buf buf;
    struct json_out out;
    buf_init(&buf, arena, 1u << 14);
    json_out_init(&out, &buf);
    jwks_write(&out);
    assert_string_equal(buf.data, expected);
    arena_free(&arena);
}

static void test_public_keys_are_listed(void **state)
{
    (void)state;
    assert_true(load(""));
    assert_written("{\"keys\":[]}");
    assert_true(load("k1:ES256-public:" PUBLIC));
    assert_written("{\"keys\":[" MEMBERS("k1") "]}");
    assert_true(load("k2@1780308060:ES256-public:" PUBLIC ",k1:ES256-public:" PUBLIC));
    assert_written("{\"keys\":[" MEMBERS("k2") "," MEMBERS("k1") "]}");
}

static void test_secrets_are_never_listed(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1u << 16);
    struct crypto_ec *key = crypto_ec_generate();
    const char *const bad[] = {
        "k1:0123456789abcdef0123456789abcdef", "k1:ES256-public:" PUBLIC ",k0:0123456789abcdef0123456789abcdef",
        arena_printf(arena, "k1:ES256:%s", crypto_ec_private_der(arena, key)), "k1", "k1:ES256-public:"};
    assert_true(load("k1:ES256-public:" PUBLIC));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(load(bad[i]));
        assert_written("{\"keys\":[" MEMBERS("k1") "]}");
    }
    crypto_ec_free(&key);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_keys_are_listed),
        cmocka_unit_test(test_secrets_are_never_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
