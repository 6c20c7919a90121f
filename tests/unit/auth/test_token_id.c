#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/auth/token_id.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/crypto_rsa.h"

#define NOW_S INT64_C(1780308000)
#define HEADER "{\"alg\":\"RS256\",\"kid\":\"one\",\"typ\":\"JWT\"}"
#define TIMES "\"iat\":1780307990,\"exp\":1780311590"
#define WHO "\"iss\":\"https://issuer.example\",\"sub\":\"subject-1\",\"nonce\":\"the nonce\""
#define FOR_US "\"aud\":\"client\""
#define PAYLOAD "{" WHO "," FOR_US "," TIMES "}"

static struct arena *arena;
static struct crypto_rsa *signer, *stranger;
static struct token_id_keys *keys;
static const struct token_id_expected expected = {{"https://issuer.example", "issuer.example"}, "client", "the nonce"};

static const char *jwk(const struct crypto_rsa *key, const char *kid, const char *more)
{
    const char *n, *e;
    crypto_rsa_jwk(arena, key, &n, &e);
    return arena_printf(arena, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"%s}", kid, n, e, more);
}

static struct token_id_keys *read_set(const char *set)
{
    return token_id_keys_read(set, strlen(set));
}

static struct token_id_keys *set_of(const char *key)
{
    return read_set(arena_printf(arena, "{\"keys\":[%s]}", key));
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(16u << 20);
    signer = crypto_rsa_generate();
    stranger = crypto_rsa_generate();
    keys = set_of(jwk(signer, "one", ",\"use\":\"sig\",\"alg\":\"RS256\""));
    clock_freeze(NOW_S * CLOCK_SECOND);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    clock_freeze(CLOCK_NONE);
    token_id_keys_free(&keys);
    crypto_rsa_free(&signer);
    crypto_rsa_free(&stranger);
    arena_free(&arena);
    return 0;
}

static const char *part(const char *text)
{
    return crypto_base64url(arena, text, strlen(text));
}

static const char *sign_with(const struct crypto_rsa *key, const char *header, const char *payload)
{
    const char *text = arena_printf(arena, "%s.%s", part(header), part(payload));
    return arena_printf(arena, "%s.%s", text, crypto_rsa_sign(arena, key, text));
}

static const char *token_of(const char *payload)
{
    return sign_with(signer, HEADER, payload);
}

static void assert_refused(const char *token, const char *reason)
{
    struct token_id_claims claims = {.subject = "untouched"};
    const char *why = "accepted";
    assert_false(token_id_verify(arena, token, keys, &expected, &claims, &why));
    assert_string_equal(why, reason);
    assert_string_equal(claims.subject, "untouched");
}

static struct token_id_claims accepted(const char *token)
{
    struct token_id_claims claims;
    const char *why = NULL;
    if (!token_id_verify(arena, token, keys, &expected, &claims, &why)) {
        fail_msg("refused for %s", why);
    }
    return claims;
}

static void test_token_id_of_the_provider_is_believed(void **state)
{
    (void)state;
    struct token_id_claims claims = accepted(token_of(PAYLOAD));
    assert_string_equal(claims.subject, "subject-1");
    assert_null(claims.email);
    assert_null(claims.name);
    accepted(token_of("{\"iss\":\"issuer.example\",\"sub\":\"s\",\"nonce\":\"the nonce\"," FOR_US "," TIMES "}"));
    accepted(token_of("{" WHO ",\"aud\":[\"client\"]," TIMES "}"));
    accepted(token_of("{" WHO ",\"aud\":[\"other\",\"client\"],\"azp\":\"client\"," TIMES "}"));
    assert_string_equal(token_id_kid(arena, token_of(PAYLOAD)), "one");
}

static void test_token_id_gives_an_address_only_when_it_is_verified(void **state)
{
    (void)state;
    static const char *const unverified[] = {"", ",\"email_verified\":false", ",\"email_verified\":\"true\"",
                                             ",\"email_verified\":1"};
    for (size_t i = 0; i < ARRAY_COUNT(unverified); i++) {
        const char *payload =
            arena_printf(arena, "{%s,%s,%s,\"email\":\"a@example.com\"%s}", WHO, FOR_US, TIMES, unverified[i]);
        assert_null(accepted(token_of(payload)).email);
    }
    struct token_id_claims claims = accepted(token_of(
        "{" WHO "," FOR_US "," TIMES ",\"email\":\"a@example.com\",\"email_verified\":true,\"name\":\"하나\"}"));
    assert_string_equal(claims.email, "a@example.com");
    assert_string_equal(claims.name, "하나");
}

static void test_token_id_of_another_key_is_refused(void **state)
{
    (void)state;
    assert_refused(sign_with(stranger, HEADER, PAYLOAD), "its signature");
    assert_refused(sign_with(stranger, "{\"alg\":\"RS256\",\"kid\":\"two\"}", PAYLOAD), "its key");
    const char *token = token_of(PAYLOAD), *other = token_of("{" WHO "," FOR_US "," TIMES ",\"x\":1}");
    assert_refused(arena_printf(arena, "%.*s%s", (int)(strrchr(token, '.') - token), token, strrchr(other, '.')),
                   "its signature");
}

static void test_token_id_of_another_algorithm_is_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"kid\":\"one\"}",
        "{\"alg\":\"HS256\",\"kid\":\"one\"}",
        "{\"alg\":\"RS512\",\"kid\":\"one\"}",
        "{\"alg\":\"rs256\",\"kid\":\"one\"}",
        "{\"alg\":[\"RS256\"],\"kid\":\"one\"}",
        "{\"kid\":\"one\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"RS256\",\"kid\":\"\"}",
        "{\"alg\":\"RS256\",\"kid\":7}",
        "{\"alg\":\"RS256\",\"kid\":\"one\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"alg\":\"RS256\",\"kid\":\"one\"}",
        "[]",
    };
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        const char *token = sign_with(signer, headers[i], PAYLOAD);
        assert_refused(token, "its form");
        assert_null(token_id_kid(arena, token));
    }
    /* The public key as the secret of an HMAC. */
    unsigned char mac[CRYPTO_SHA256_SIZE];
    const char *text = arena_printf(arena, "%s.%s", part("{\"alg\":\"HS256\",\"kid\":\"one\"}"), part(PAYLOAD));
    const char *pem = crypto_rsa_public_pem(arena, signer);
    crypto_hmac_sha256(pem, strlen(pem), text, strlen(text), mac);
    assert_refused(arena_printf(arena, "%s.%s", text, crypto_base64url(arena, mac, sizeof mac)), "its form");
}

static void test_token_id_that_is_none_is_refused(void **state)
{
    (void)state;
    const char *good = token_of(PAYLOAD), *end = strrchr(good, '.');
    char *long_one = arena_alloc(arena, TOKEN_ID_MAX + 2);
    memset(long_one, 'a', TOKEN_ID_MAX + 1);
    long_one[TOKEN_ID_MAX + 1] = '\0';
    const char *const tokens[] = {
        NULL,
        "",
        ".",
        "..",
        "a.b.c",
        good + 1,
        long_one,
        arena_printf(arena, "%.*s", (int)(end - good), good),  /* unsigned */
        arena_printf(arena, "%.*s.", (int)(end - good), good), /* the same with an empty signature */
        arena_printf(arena, "%s.x", good),
        arena_printf(arena, "%s=", good),
        arena_printf(arena, " %s", good),
        arena_printf(arena, "%s\n", good),
        sign_with(signer, HEADER, "[]"),
        sign_with(signer, HEADER, "{"),
        sign_with(signer, HEADER, "{} {}"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(tokens); i++) {
        assert_refused(tokens[i], "its form");
    }
}

static void test_token_id_that_says_something_else_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *why;
    } rows[] = {
        {"{\"iss\":\"https://evil.example\",\"sub\":\"s\",\"nonce\":\"the nonce\"," FOR_US "," TIMES "}", "its issuer"},
        {"{\"iss\":\"https://issuer.example/\",\"sub\":\"s\",\"nonce\":\"the nonce\"," FOR_US "," TIMES "}",
         "its issuer"},
        {"{\"sub\":\"s\",\"nonce\":\"the nonce\"," FOR_US "," TIMES "}", "its issuer"},
        {"{" WHO ",\"aud\":\"other\"," TIMES "}", "its audience"},
        {"{" WHO ",\"aud\":[]," TIMES "}", "its audience"},
        {"{" WHO ",\"aud\":[\"client\",\"other\"]," TIMES "}", "its audience"},
        {"{" WHO ",\"aud\":[\"client\",\"other\"],\"azp\":\"other\"," TIMES "}", "its audience"},
        {"{" WHO "," FOR_US ",\"azp\":\"other\"," TIMES "}", "its audience"},
        {"{" WHO "," TIMES "}", "its audience"},
        {"{\"iss\":\"issuer.example\",\"sub\":\"s\",\"nonce\":\"another\"," FOR_US "," TIMES "}", "its nonce"},
        {"{\"iss\":\"issuer.example\",\"sub\":\"s\"," FOR_US "," TIMES "}", "its nonce"},
        {"{" WHO "," FOR_US ",\"exp\":1780311590}", "its time of issue"},
        {"{" WHO "," FOR_US ",\"iat\":1780308061,\"exp\":1780311590}", "its time of issue"},
        {"{" WHO "," FOR_US ",\"iat\":\"1780307990\",\"exp\":1780311590}", "its time of issue"},
        {"{" WHO "," FOR_US ",\"iat\":1780307990}", "its end"},
        {"{" WHO "," FOR_US ",\"iat\":1780300000,\"exp\":1780307940}", "its end"},
        {"{" WHO "," FOR_US ",\"iat\":1780307990,\"exp\":1780394391}", "its end"},
        {"{\"iss\":\"issuer.example\",\"nonce\":\"the nonce\"," FOR_US "," TIMES "}", "its subject"},
        {"{\"iss\":\"issuer.example\",\"sub\":\"\",\"nonce\":\"the nonce\"," FOR_US "," TIMES "}", "its subject"},
        {"{\"iss\":\"issuer.example\",\"sub\":7,\"nonce\":\"the nonce\"," FOR_US "," TIMES "}", "its subject"},
        {"{\"iss\":\"issuer.example\",\"sub\":\"a b\",\"nonce\":\"the nonce\"," FOR_US "," TIMES "}", "its subject"},
        {"{\"iss\":\"issuer.example\",\"sub\":\"하나\",\"nonce\":\"the nonce\"," FOR_US "," TIMES "}", "its subject"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_refused(token_of(rows[i].payload), rows[i].why);
    }
    char subject[257] = {0};
    memset(subject, 's', 256);
    assert_refused(
        token_of(arena_printf(arena, "{\"iss\":\"issuer.example\",\"sub\":\"%s\",\"nonce\":\"the nonce\",%s,%s}",
                              subject, FOR_US, TIMES)),
        "its subject");
}

static void test_token_id_expires_with_the_skew_of_clocks(void **state)
{
    (void)state;
    const char *token = token_of(PAYLOAD);
    clock_freeze((INT64_C(1780311590) + TOKEN_ID_SKEW_S - 1) * CLOCK_SECOND);
    accepted(token);
    clock_freeze((INT64_C(1780311590) + TOKEN_ID_SKEW_S) * CLOCK_SECOND);
    assert_refused(token, "its end");
    clock_freeze((INT64_C(1780307990) - TOKEN_ID_SKEW_S) * CLOCK_SECOND);
    accepted(token);
    clock_freeze((INT64_C(1780307990) - TOKEN_ID_SKEW_S - 1) * CLOCK_SECOND);
    assert_refused(token, "its time of issue");
    clock_freeze(NOW_S * CLOCK_SECOND);
}

static void test_keys_that_are_not_ours_to_use_are_passed_over(void **state)
{
    (void)state;
    const char *const others[] = {
        jwk(signer, "k", ",\"use\":\"enc\""),
        jwk(signer, "k", ",\"alg\":\"RS512\""),
        jwk(signer, "", ""),
        "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"kid\":\"k\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}",
        "{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"kid\":7}",
        "7",
        "null",
    };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct token_id_keys *set = set_of(arena_printf(arena, "%s,%s", others[i], jwk(signer, "good", "")));
        assert_non_null(set);
        assert_false(token_id_keys_have(set, "k"));
        assert_true(token_id_keys_have(set, "good"));
        token_id_keys_free(&set);
    }
}

static void test_keys_under_one_name_are_the_first(void **state)
{
    (void)state;
    struct token_id_keys *set = set_of(arena_printf(arena, "%s,%s", jwk(signer, "one", ""), jwk(stranger, "one", "")));
    struct token_id_claims claims;
    const char *why;
    assert_true(token_id_verify(arena, token_of(PAYLOAD), set, &expected, &claims, &why));
    assert_false(token_id_verify(arena, sign_with(stranger, HEADER, PAYLOAD), set, &expected, &claims, &why));
    token_id_keys_free(&set);
}

static void test_keys_beyond_the_most_are_passed_over(void **state)
{
    (void)state;
    const char *list = jwk(signer, "k0", "");
    for (int i = 1; i <= TOKEN_ID_KEYS_MAX; i++) {
        list = arena_printf(arena, "%s,%s", list, jwk(signer, arena_printf(arena, "k%d", i), ""));
    }
    struct token_id_keys *set = set_of(list);
    assert_true(token_id_keys_have(set, arena_printf(arena, "k%d", TOKEN_ID_KEYS_MAX - 1)));
    assert_false(token_id_keys_have(set, arena_printf(arena, "k%d", TOKEN_ID_KEYS_MAX)));
    token_id_keys_free(&set);
}

static void test_keys_that_are_no_set_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{}", "[]", "{\"keys\":{}}", "{\"keys\":null}", "<html>", "{\"keys\":[]"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_null(read_set(texts[i]));
    }
    struct token_id_keys *none = read_set("{\"keys\":[]}");
    assert_non_null(none);
    token_id_keys_free(&none);
    assert_false(token_id_keys_have(NULL, "one"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_id_of_the_provider_is_believed),
        cmocka_unit_test(test_token_id_gives_an_address_only_when_it_is_verified),
        cmocka_unit_test(test_token_id_of_another_key_is_refused),
        cmocka_unit_test(test_token_id_of_another_algorithm_is_refused),
        cmocka_unit_test(test_token_id_that_is_none_is_refused),
        cmocka_unit_test(test_token_id_that_says_something_else_is_refused),
        cmocka_unit_test(test_token_id_expires_with_the_skew_of_clocks),
        cmocka_unit_test(test_keys_that_are_not_ours_to_use_are_passed_over),
        cmocka_unit_test(test_keys_under_one_name_are_the_first),
        cmocka_unit_test(test_keys_beyond_the_most_are_passed_over),
        cmocka_unit_test(test_keys_that_are_no_set_are_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
