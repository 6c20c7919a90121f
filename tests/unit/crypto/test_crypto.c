#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/crypto/crypto.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "FFEEDDCCBBAA99887766554433221100ffeeddccbbaa99887766554433221100"

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

static struct crypto_keys parsed(const char *text)
{
    struct crypto_keys keys;
    const char *why;
    assert_true(crypto_keys_parse(text, &keys, &why));
    return keys;
}

static void test_crypto_digests_match_published_vectors(void **state)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256("abc", 3, digest);
    assert_string_equal(crypto_hex(*state, digest, sizeof digest),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest);
    assert_string_equal(crypto_hex(*state, digest, sizeof digest),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_string_equal(crypto_sha1_hex(*state, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void test_crypto_hmac_prepared_is_the_same(void **state)
{
    (void)state;
    unsigned char bytes[300], expected[CRYPTO_SHA256_SIZE], digest[CRYPTO_SHA256_SIZE];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    for (size_t key_len = 1; key_len < 140; key_len++) {
        struct crypto_hmac *hmac = crypto_hmac_new(bytes, key_len);
        for (size_t len = 0; len < sizeof bytes; len += 13) {
            crypto_hmac_sha256(bytes, key_len, bytes, len, expected);
            crypto_hmac_run(hmac, bytes, len, digest);
            assert_memory_equal(digest, expected, sizeof digest);
        }
        crypto_hmac_free(&hmac);
        assert_null(hmac);
        crypto_hmac_free(&hmac);
    }
}

static void test_crypto_base64_matches_rfc_4648(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xfe", "+//+"}};
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        assert_string_equal(crypto_base64(*state, pairs[i][0], strlen(pairs[i][0])), pairs[i][1]);
        size_t len;
        unsigned char *bytes = crypto_base64_decode(*state, pairs[i][1], &len);
        assert_non_null(bytes);
        assert_int_equal(len, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], len);
    }
    assert_string_equal(crypto_base64url(*state, "\xfb\xff\xfe!", 4), "-__-IQ");
}

static void test_crypto_base64_decode_takes_either_alphabet_with_or_without_padding(void **state)
{
    size_t len;
    assert_memory_equal(crypto_base64_decode(*state, "-__-IQ==", &len), "\xfb\xff\xfe!", 4);
    assert_memory_equal(crypto_base64_decode(*state, "+//+IQ", &len), "\xfb\xff\xfe!", 4);
    assert_int_equal(len, 4);
}

static void test_crypto_base64_decode_refuses_everything_else(void **state)
{
    static const char *const bad[] = {"A",        "AAAAA", "AA=",  "AAA==",  "AAAA=", "=",
                                      "====",     "A===",  "AA=A", "AA==AA", "AA AA", "AAAA\n",
                                      "Zh==",     "Zm9=",  "Zh",   "-_+/",   "AA.A",  "\xff\xff\xff\xff",
                                      "AAAA====", "AA*="};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        size_t len = 77;
        if (crypto_base64_decode(*state, bad[i], &len) != NULL) {
            fail_msg("took '%s'", bad[i]);
        }
        assert_int_equal(len, 77);
    }
}

static void test_crypto_random_fills_every_length(void **state)
{
    unsigned char *first = arena_alloc(*state, 1000);
    unsigned char *second = arena_alloc(*state, 1000);
    crypto_random(first, 1000);
    crypto_random(second, 1000);
    assert_memory_not_equal(first, second, 1000);
    assert_memory_not_equal(first + 900, second + 900, 100);
    crypto_random(first, 0);
}

static void test_crypto_equal_tells_equal_bytes(void **state)
{
    (void)state;
    assert_true(crypto_equal("abc", "abc", 3));
    assert_false(crypto_equal("abc", "abd", 3));
    assert_true(crypto_equal("abc", "abd", 2));
}

static void test_crypto_keys_parse_reads_a_ring(void **state)
{
    (void)state;
    struct crypto_keys keys = parsed("2:" KEY_B ",1:" KEY_A);
    assert_int_equal(keys.count, 2);
    assert_int_equal(keys.keys[0].id, 2);
    assert_int_equal(keys.keys[0].key[0], 0xff);
    assert_int_equal(keys.keys[1].key[31], 0x1f);
}

static void test_crypto_keys_parse_malformed_says_why(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "1",
                                      "1:",
                                      ":" KEY_A,
                                      "0:" KEY_A,
                                      "256:" KEY_A,
                                      "x:" KEY_A,
                                      "1:" KEY_A ",",
                                      "1:" KEY_A "0",
                                      "1:" KEY_A ",1:" KEY_B,
                                      "1:" KEY_A " ",
                                      "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
                                      "1:" KEY_A ",2:" KEY_A ",3:" KEY_A ",4:" KEY_A ",5:" KEY_A ",6:" KEY_A ",7:" KEY_A
                                      ",8:" KEY_A ",9:" KEY_A};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct crypto_keys keys = {.count = 77};
        const char *why = NULL;
        assert_false(crypto_keys_parse(bad[i], &keys, &why));
        assert_non_null(why);
        assert_int_equal(keys.count, 77);
    }
}

static void test_crypto_open_matches_a_published_vector(void **state)
{
    /* Test case 14 of the GCM specification: zero key, zero nonce, 16 zero bytes, no additional data. */
    struct crypto_keys keys = parsed("7:0000000000000000000000000000000000000000000000000000000000000000");
    static const unsigned char sealed[] = {7,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                                           0,    0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5,
                                           0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b,
                                           0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19};
    static const char zeros[16];
    size_t len;
    const char *plain = crypto_open(*state, &keys, "", sealed, sizeof sealed, &len);
    assert_non_null(plain);
    assert_int_equal(len, 16);
    assert_memory_equal(plain, zeros, 16);
}

static void test_crypto_seal_opens_again_also_after_rotation(void **state)
{
    struct crypto_keys old = parsed("1:" KEY_A);
    struct crypto_keys rotated = parsed("2:" KEY_B ",1:" KEY_A);
    size_t sealed_len;
    size_t len;
    unsigned char *sealed = crypto_seal(*state, &old, "t:1", "secret", 6, &sealed_len);
    assert_int_equal(sealed_len, 1 + 12 + 6 + 16);
    assert_int_equal(sealed[0], 1);
    assert_string_equal(crypto_open(*state, &rotated, "t:1", sealed, sealed_len, &len), "secret");
    assert_int_equal(len, 6);
    sealed = crypto_seal(*state, &rotated, "t:1", "", 0, &sealed_len);
    assert_int_equal(sealed[0], 2);
    assert_string_equal(crypto_open(*state, &rotated, "t:1", sealed, sealed_len, &len), "");
    assert_int_equal(len, 0);
}

static void test_crypto_seal_never_repeats_a_nonce(void **state)
{
    struct crypto_keys keys = parsed("1:" KEY_A);
    size_t len;
    unsigned char *first = crypto_seal(*state, &keys, "a", "x", 1, &len);
    unsigned char *second = crypto_seal(*state, &keys, "a", "x", 1, &len);
    assert_memory_not_equal(first + 1, second + 1, 12);
}

static void test_crypto_open_refuses_any_change(void **state)
{
    struct crypto_keys keys = parsed("1:" KEY_A);
    struct crypto_keys other = parsed("2:" KEY_B);
    size_t sealed_len;
    size_t len = 77;
    unsigned char *sealed = crypto_seal(*state, &keys, "t:1", "secret", 6, &sealed_len);
    for (size_t i = 0; i < sealed_len; i++) {
        sealed[i] ^= 1;
        assert_null(crypto_open(*state, &keys, "t:1", sealed, sealed_len, &len));
        sealed[i] ^= 1;
    }
    for (size_t cut = 0; cut < sealed_len; cut++) {
        assert_null(crypto_open(*state, &keys, "t:1", sealed, cut, &len));
    }
    assert_null(crypto_open(*state, &keys, "t:2", sealed, sealed_len, &len));
    assert_null(crypto_open(*state, &other, "t:1", sealed, sealed_len, &len));
    assert_int_equal(len, 77);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void test_crypto_unhex_reads_whole_bytes_of_digits_only(void **state)
{
    (void)state;
    unsigned char out[3];
    assert_true(crypto_unhex("00fFA9 and more", out, sizeof out));
    assert_memory_equal(out, "\x00\xff\xa9", sizeof out);
    static const char *const wrong[] = {"", "0", "00ffa", "00ff", "00fga9", "00f a9", "0x00ff"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_false(crypto_unhex(wrong[i], out, sizeof out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(test_crypto_digests_match_published_vectors),
        WITH_ARENA(test_crypto_hmac_prepared_is_the_same),
        WITH_ARENA(test_crypto_base64_matches_rfc_4648),
        WITH_ARENA(test_crypto_base64_decode_takes_either_alphabet_with_or_without_padding),
        WITH_ARENA(test_crypto_base64_decode_refuses_everything_else),
        WITH_ARENA(test_crypto_unhex_reads_whole_bytes_of_digits_only),
        WITH_ARENA(test_crypto_random_fills_every_length),
        WITH_ARENA(test_crypto_equal_tells_equal_bytes),
        WITH_ARENA(test_crypto_keys_parse_reads_a_ring),
        WITH_ARENA(test_crypto_keys_parse_malformed_says_why),
        WITH_ARENA(test_crypto_open_matches_a_published_vector),
        WITH_ARENA(test_crypto_seal_opens_again_also_after_rotation),
        WITH_ARENA(test_crypto_seal_never_repeats_a_nonce),
        WITH_ARENA(test_crypto_open_refuses_any_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
