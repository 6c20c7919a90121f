#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/redis.h"

#define SECRET_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SECRET_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NOW_S INT64_C(1780308000)
#define USER "0190a0b0-c0d0-7e0f-8123-456789abcdef"
#define JTI "7d444840-9dc0-41d1-b245-5ffdce74fad2"

static void use_keys(const char *keys)
{
    const char *why = NULL;
    cfg_token.keys = keys;
    if (!token_init(&why)) {
        fail_msg("refused: %s", why);
    }
}

static int setup(void **state)
{
    struct ctx *ctx = calloc(1, sizeof *ctx);
    ctx->arena = arena_new(1u << 20);
    log_init("test_token", LOG_LEVEL_ERROR);
    cfg_token =
        (struct cfg_token){.issuer = "boxoffice", .audience = "web", .access_s = 3600, .refresh_s = 604800, .cache = 8};
    use_keys("k1:" SECRET_A);
    clock_freeze(NOW_S * CLOCK_SECOND);
    *state = ctx;
    return 0;
}

static int teardown(void **state)
{
    struct ctx *ctx = *state;
    clock_freeze(CLOCK_NONE);
    redis_free(&ctx->redis);
    arena_free(&ctx->arena);
    free(ctx);
    return 0;
}

static char *issue_access(struct ctx *ctx)
{
    struct token_claims claims = {.subject = USER, .role = "USER"};
    return token_issue(ctx, TOKEN_ACCESS, &claims);
}

/* "text.signature" */
static char *sign(struct ctx *ctx, const char *secret, const char *text)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_hmac_sha256(secret, strlen(secret), text, strlen(text), digest);
    return arena_printf(ctx->arena, "%s.%s", text, crypto_base64url(ctx->arena, digest, sizeof digest));
}

/* A token of any header and payload, rightly signed. */
static char *forge(struct ctx *ctx, const char *secret, const char *header, const char *payload)
{
    return sign(ctx, secret,
                arena_printf(ctx->arena, "%s.%s", crypto_base64url(ctx->arena, header, strlen(header)),
                             crypto_base64url(ctx->arena, payload, strlen(payload))));
}

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define SORTED_HEADER "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}"
#define PAYLOAD(iss, aud, typ, sub, jti, role, times)                                                 \
    "{\"iss\":\"" iss "\",\"aud\":\"" aud "\",\"typ\":\"" typ "\",\"sub\":\"" sub "\",\"jti\":\"" jti \
    "\",\"role\":\"" role "\"," times "}"
#define TIMES "\"iat\":1780308000,\"nbf\":1780308000,\"exp\":1780311600"
#define GOOD PAYLOAD("boxoffice", "web", "access", USER, JTI, "USER", TIMES)

/* Twice: the second time a good one is remembered. */
static void assert_verdict(struct ctx *ctx, const char *token, const struct err *expected)
{
    for (int i = 0; i < 2; i++) {
        struct token_claims claims = {.subject = "untouched"};
        const struct err *e = token_verify(ctx, TOKEN_ACCESS, token, &claims);
        if (e != expected) {
            fail_msg("%s instead of %s: %s", e ? e->code : "good", expected ? expected->code : "good", token);
        }
        if (expected != NULL) {
            assert_string_equal(claims.subject, "untouched");
        }
    }
}

static void test_token_access_issued_is_verified(void **state)
{
    struct ctx *ctx = *state;
    struct token_claims issued = {.subject = USER, .role = "ADMIN"};
    struct token_claims claims;
    const char *token = token_issue(ctx, TOKEN_ACCESS, &issued);
    assert_null(token_verify(ctx, TOKEN_ACCESS, token, &claims));
    assert_string_equal(claims.subject, USER);
    assert_string_equal(claims.role, "ADMIN");
    assert_string_equal(claims.jti, issued.jti);
    assert_true(uuid_valid(claims.jti));
    assert_null(claims.family);
    assert_int_equal(claims.issued_s, NOW_S);
    assert_int_equal(claims.expires_s, NOW_S + 3600);
}

static void test_token_refresh_issued_is_verified_as_refresh_only(void **state)
{
    struct ctx *ctx = *state;
    struct token_claims issued = {.subject = USER, .family = JTI, .jti = JTI};
    struct token_claims claims;
    const char *token = token_issue(ctx, TOKEN_REFRESH, &issued);
    assert_null(token_verify(ctx, TOKEN_REFRESH, token, &claims));
    assert_string_equal(claims.family, JTI);
    assert_string_equal(claims.jti, JTI);
    assert_int_equal(claims.expires_s, NOW_S + 604800);
    assert_verdict(ctx, token, &err_token_invalid);
    char *access = issue_access(ctx);
    assert_verdict(ctx, access, NULL);
    assert_ptr_equal(token_verify(ctx, TOKEN_REFRESH, access, &claims), &err_token_invalid);
}

static void test_token_expires_after_its_life_and_skew(void **state)
{
    struct ctx *ctx = *state;
    char *token = issue_access(ctx);
    clock_freeze((NOW_S + 3600 + 29) * CLOCK_SECOND);
    assert_verdict(ctx, token, NULL);
    clock_freeze((NOW_S + 3600 + 30) * CLOCK_SECOND);
    assert_verdict(ctx, token, &err_token_expired);
}

static void test_token_from_the_future_is_refused(void **state)
{
    struct ctx *ctx = *state;
    char *token = issue_access(ctx);
    clock_freeze((NOW_S - 30) * CLOCK_SECOND);
    assert_verdict(ctx, token, NULL);
    clock_freeze((NOW_S - 31) * CLOCK_SECOND);
    assert_verdict(ctx, token, &err_token_invalid);
}

static void test_token_with_any_character_changed_is_refused(void **state)
{
    struct ctx *ctx = *state;
    char *token = issue_access(ctx);
    size_t len = strlen(token);
    assert_verdict(ctx, token, NULL);
    for (size_t i = 0; i < len; i++) {
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_verdict(ctx, token, &err_token_invalid);
        token[i] = kept;
    }
    assert_verdict(ctx, token, NULL);
}

static void test_token_malformed_is_refused(void **state)
{
    struct ctx *ctx = *state;
    static const char *const bad[] = {
        "",     ".",     "..",      "...",     "a.b",         "a.b.",           ".b.c",
        "a..c", "a.b.c", "a.b.c.d", "a b.c.d", "e30.e30.e30", "bnVsbA.e30.e30", "W10.e30.e30"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_verdict(ctx, bad[i], &err_token_invalid);
    }
    assert_verdict(ctx, NULL, &err_token_invalid);
    char *token = issue_access(ctx);
    assert_verdict(ctx, arena_printf(ctx->arena, "%s=", token), &err_token_invalid);
    assert_verdict(ctx, arena_printf(ctx->arena, " %s", token), &err_token_invalid);
    *strrchr(token, '.') = '\0';
    assert_verdict(ctx, arena_printf(ctx->arena, "%s.", token), &err_token_invalid);
}

static void test_token_over_the_length_limit_is_refused(void **state)
{
    struct ctx *ctx = *state;
    char *long_text = arena_alloc(ctx->arena, 200001);
    memset(long_text, 'A', 200000);
    assert_verdict(ctx, long_text, &err_token_invalid);
    const char *padded = arena_printf(ctx->arena, "{\"pad\":\"%.*s\",%s", 4000, long_text, GOOD + 1);
    assert_verdict(ctx, forge(ctx, SECRET_A, HEADER, padded), &err_token_invalid);
}

static void test_token_header_other_than_ours_is_refused(void **state)
{
    struct ctx *ctx = *state;
    static const char *const bad[] = {
        "{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
        "{\"alg\":\"hs256\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
        "{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
        "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k2\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":7}",
        "{\"alg\":\"HS256\",\"kid\":\"k1\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWE\",\"kid\":\"k1\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"none\",\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
        "{'alg':'HS256','typ':'JWT','kid':'k1'}",
        "{\"kid\":\"k1\",\"alg\":\"HS256\",\"typ\":\"JWT\"}",
        "{\"alg\": \"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
        HEADER " x",
    };
    assert_verdict(ctx, forge(ctx, SECRET_A, HEADER, GOOD), NULL);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_verdict(ctx, forge(ctx, SECRET_A, bad[i], GOOD), &err_token_invalid);
    }
    assert_verdict(ctx, forge(ctx, SECRET_B, HEADER, GOOD), &err_token_invalid);
}

static void test_token_header_is_taken_in_two_orders(void **state)
{
    struct ctx *ctx = *state;
    const char *sorted = crypto_base64url(ctx->arena, SORTED_HEADER, strlen(SORTED_HEADER));
    assert_int_equal(strncmp(issue_access(ctx), sorted, strlen(sorted)), 0);
    assert_verdict(ctx, forge(ctx, SECRET_A, SORTED_HEADER, GOOD), NULL);
    assert_verdict(ctx, forge(ctx, SECRET_A, HEADER, GOOD), NULL);
    assert_verdict(ctx, forge(ctx, "", SORTED_HEADER, GOOD), &err_token_invalid);
}

static void test_token_header_holds_any_kid(void **state)
{
    struct ctx *ctx = *state;
    static const char *const kids[] = {"a\"b\\c/d.e", "\xed\x95\x9c", "\x01\x02\x03\x04\x05\x06\x07\x0e\x0f\x10\x11"};
    for (size_t i = 0; i < ARRAY_COUNT(kids); i++) {
        use_keys(arena_printf(ctx->arena, "%s:" SECRET_A, kids[i]));
        assert_verdict(ctx, issue_access(ctx), NULL);
    }
}

static void test_token_claims_other_than_ours_are_refused(void **state)
{
    struct ctx *ctx = *state;
    static const char *const bad[] = {
        PAYLOAD("other", "web", "access", USER, JTI, "USER", TIMES),
        PAYLOAD("boxoffice", "other", "access", USER, JTI, "USER", TIMES),
        PAYLOAD("boxoffice", "web", "refresh", USER, JTI, "USER", TIMES),
        PAYLOAD("boxoffice", "web", "access", "1", JTI, "USER", TIMES),
        PAYLOAD("boxoffice", "web", "access", USER, "1", "USER", TIMES),
        PAYLOAD("boxoffice", "web", "access", USER, JTI, "user", TIMES),
        PAYLOAD("boxoffice", "web", "access", USER, JTI, "ROOT", TIMES),
        PAYLOAD("boxoffice", "web", "access", USER, JTI, "USER", "\"iat\":1780308000,\"nbf\":1780308000"),
        PAYLOAD("boxoffice", "web", "access", USER, JTI, "USER", "\"iat\":1780308000,\"exp\":1780311600"),
        PAYLOAD("boxoffice", "web", "access", USER, JTI, "USER", "\"nbf\":1780308000,\"exp\":1780311600"),
        PAYLOAD("boxoffice", "web", "access", USER, JTI, "USER",
                "\"iat\":1780308000,\"nbf\":1780308000,\"exp\":\"1780311600\""),
        PAYLOAD("boxoffice", "web", "access", USER, JTI, "USER",
                "\"iat\":1780308000,\"nbf\":1780308031,\"exp\":1780311600"),
        "{}",
        "[]",
        "not json",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_verdict(ctx, forge(ctx, SECRET_A, HEADER, bad[i]), &err_token_invalid);
    }
    assert_verdict(ctx,
                   forge(ctx, SECRET_A, HEADER,
                         PAYLOAD("boxoffice", "web", "access", USER, JTI, "USER", "\"iat\":1,\"nbf\":1,\"exp\":1000")),
                   &err_token_expired);
}

#define OWN_TEXTS(typ, sub, jti) \
    "{\"iss\":\"boxoffice\",\"aud\":\"web\",\"typ\":\"" typ "\",\"sub\":\"" sub "\",\"jti\":\"" jti "\","
#define OWN(sub, jti, times, role) OWN_TEXTS("access", sub, jti) times ",\"role\":\"" role "\"}"

static void test_token_payload_of_another_form_is_read(void **state)
{
    struct ctx *ctx = *state;
    static const char *const good[] = {
        OWN(USER, JTI, TIMES, "ADMIN"),
        OWN(USER, JTI, TIMES, "\\u0055SER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":999999999999999", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":9223372036854775807", "USER"),
        OWN(USER, JTI, TIMES ",\"more\":{\"a\":[1]}", "USER"),
        OWN(USER, JTI, TIMES ",\"more\":null", "USER"),
        OWN(USER, JTI, "\"exp\":1," TIMES, "USER"),
        "{ \"exp\":1780311600,\n\"role\" : \"USER\",\"iat\":1,\"nbf\":1,\"typ\":\"access\",\"jti\":\"" JTI
        "\",\"sub\":\"" USER "\",\"aud\":\"web\",\"iss\":\"boxoffice\" } ",
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_verdict(ctx, forge(ctx, SECRET_A, HEADER, good[i]), NULL);
    }
}

static void test_token_payload_of_odd_values_is_refused(void **state)
{
    struct ctx *ctx = *state;
    static const char *const odd[] = {
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":9223372036854775808", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":18446744073709551617", "USER"),
        OWN(USER, JTI, "\"iat\":0,\"nbf\":1,\"exp\":1780311600", "USER"),
        OWN(USER, JTI, "\"iat\":01,\"nbf\":1,\"exp\":1780311600", "USER"),
        OWN(USER, JTI, "\"iat\":-1,\"nbf\":1,\"exp\":1780311600", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":-9223372036854775808", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":1780311600.0", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":1780311600e0", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":\"1780311600\"", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":true", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":null", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":[1780311600]", "USER"),
        OWN(USER, JTI, "\"iat\":1,\"nbf\":1,\"exp\":", "USER"),
        OWN(USER, JTI, TIMES ",\"exp\":0", "USER"),
        OWN(USER, JTI, TIMES ",\"more\":{\"a\":[1}", "USER"),
        OWN(USER, JTI, TIMES ",\"more\":\"\\ud800\"", "USER"),
        OWN(USER, JTI, TIMES ",\"more\":\"\xff\"", "USER"),
        OWN(USER, JTI, TIMES, "USERS"),
        OWN(USER, JTI, TIMES, "USER\\u0000"),
        OWN(USER, JTI, TIMES, ""),
        OWN("", JTI, TIMES, "USER"),
        OWN(USER "0", JTI, TIMES, "USER"),
        OWN(USER "\\u0000", JTI, TIMES, "USER"),
        OWN(USER, JTI " ", TIMES, "USER"),
        OWN(USER, JTI, TIMES, "USER") "x",
        OWN(USER, JTI, TIMES, "USER") "{}",
        "[" OWN(USER, JTI, TIMES, "USER") "]",
        "{\"aud\":[\"web\"]," TIMES ",\"iss\":\"boxoffice\",\"typ\":\"access\",\"sub\":\"" USER "\",\"jti\":\"" JTI
        "\",\"role\":\"USER\"}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(odd); i++) {
        assert_verdict(ctx, forge(ctx, SECRET_A, HEADER, odd[i]), &err_token_invalid);
    }
}

static void test_token_payload_cut_is_refused(void **state)
{
    struct ctx *ctx = *state;
    for (size_t len = 0; len < strlen(GOOD); len++) {
        assert_verdict(ctx, forge(ctx, SECRET_A, HEADER, arena_printf(ctx->arena, "%.*s", (int)len, GOOD)),
                       &err_token_invalid);
    }
}

/* Both orders of members that a header of ours may have. */
static const char *const headers[] = {HEADER, SORTED_HEADER};

static void test_token_payload_with_nul_is_refused(void **state)
{
    struct ctx *ctx = *state;
    for (size_t h = 0; h < ARRAY_COUNT(headers); h++) {
        const char *header = crypto_base64url(ctx->arena, headers[h], strlen(headers[h]));
        /* The one with and the one without something behind the end of the text. */
        const char *payloads[] = {crypto_base64url(ctx->arena, GOOD "\0", sizeof GOOD),
                                  crypto_base64url(ctx->arena, GOOD "\0x", sizeof GOOD + 1)};
        for (size_t i = 0; i < ARRAY_COUNT(payloads); i++) {
            const char *text = arena_printf(ctx->arena, "%s.%s", header, payloads[i]);
            assert_verdict(ctx, sign(ctx, SECRET_A, text), &err_token_invalid);
        }
    }
}

/* A token of ours has one text: what is revoked under one cannot come back under another. */
static void test_token_payload_with_spare_bits_is_refused(void **state)
{
    struct ctx *ctx = *state;
    for (size_t h = 0; h < ARRAY_COUNT(headers); h++) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for (int spaces = 0; spaces < 3; spaces++) {
            const char *json = arena_printf(ctx->arena, "%s%*s", GOOD, spaces, "");
            const char *token = forge(ctx, SECRET_A, headers[h], json);
            char *text = arena_printf(ctx->arena, "%.*s", (int)(strrchr(token, '.') - token), token);
            assert_verdict(ctx, token, NULL);
            if (strlen(json) % 3 != 0) {
                char *last = text + strlen(text) - 1;
                *last = letters[(strchr(letters, *last) - letters) + 1];
                assert_verdict(ctx, sign(ctx, SECRET_A, text), &err_token_invalid);
            }
        }
    }
}

static void test_token_payload_in_standard_base64_is_refused(void **state)
{
    struct ctx *ctx = *state;
    for (size_t h = 0; h < ARRAY_COUNT(headers); h++) {
        const char *header = crypto_base64url(ctx->arena, headers[h], strlen(headers[h]));
        for (int spaces = 0; spaces < 3; spaces++) {
            const char *json = arena_printf(ctx->arena, "{\"more\":\"???~~~>>>\",%s%*s", GOOD + 1, spaces, "");
            const char *url = crypto_base64url(ctx->arena, json, strlen(json));
            const char *standard = crypto_base64(ctx->arena, json, strlen(json));
            assert_string_not_equal(standard, url);
            assert_verdict(ctx, sign(ctx, SECRET_A, arena_printf(ctx->arena, "%s.%s", header, url)), NULL);
            assert_verdict(ctx, sign(ctx, SECRET_A, arena_printf(ctx->arena, "%s.%s", header, standard)),
                           &err_token_invalid);
        }
    }
}

static void test_token_signature_has_one_text(void **state)
{
    struct ctx *ctx = *state;
    char *token = issue_access(ctx);
    char *last = token + strlen(token) - 1;
    char kept = *last;
    for (int c = 1; c < 256; c++) {
        *last = (char)c;
        assert_verdict(ctx, token, *last == kept ? NULL : &err_token_invalid);
    }
}

static void test_token_payload_outside_base64url_is_refused(void **state)
{
    struct ctx *ctx = *state;
    for (size_t h = 0; h < ARRAY_COUNT(headers); h++) {
        static const char *const bad[] = {"=", "==", "+", "/", ".", " ", "A", "\xc3\xa9"};
        const char *header = crypto_base64url(ctx->arena, headers[h], strlen(headers[h]));
        const char *payload = crypto_base64url(ctx->arena, GOOD, strlen(GOOD));
        for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
            const char *text = arena_printf(ctx->arena, "%s.%s%s", header, payload, bad[i]);
            assert_verdict(ctx, sign(ctx, SECRET_A, text), &err_token_invalid);
        }
    }
}

static void test_token_issuer_and_audience_may_hold_any_character(void **state)
{
    struct ctx *ctx = *state;
    cfg_token.issuer = "https://box\"office\\/";
    cfg_token.audience = "\xec\x9b\xb9";
    use_keys("k1:" SECRET_A);
    assert_verdict(ctx, issue_access(ctx), NULL);
    cfg_token.audience = "web";
    use_keys("k1:" SECRET_A);
    assert_verdict(ctx, forge(ctx, SECRET_A, HEADER, GOOD), &err_token_invalid);
}

static void test_token_of_an_older_key_is_verified_until_the_key_is_gone(void **state)
{
    struct ctx *ctx = *state;
    char *token = issue_access(ctx);
    use_keys("k2:" SECRET_B ",k1:" SECRET_A);
    assert_verdict(ctx, token, NULL);
    assert_verdict(ctx, issue_access(ctx), NULL);
    use_keys("k2:" SECRET_B);
    assert_verdict(ctx, token, &err_token_invalid);
    use_keys("k1:" SECRET_B);
    assert_verdict(ctx, token, &err_token_invalid);
}

static void test_token_is_signed_by_the_first_key_of_the_ring(void **state)
{
    struct ctx *ctx = *state;
    use_keys("k2:" SECRET_B ",k1:" SECRET_A);
    char *token = issue_access(ctx);
    use_keys("k1:" SECRET_A);
    assert_verdict(ctx, token, &err_token_invalid);
    use_keys("k2:" SECRET_B);
    assert_verdict(ctx, token, NULL);
}

static void test_token_init_refuses_unusable_rings(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL,
                                      "",
                                      "k1",
                                      "k1:",
                                      ":" SECRET_A,
                                      "k1:short",
                                      "k1:" SECRET_A ",",
                                      "k1:" SECRET_A ",k1:" SECRET_B,
                                      "k1:" SECRET_A ",k2:",
                                      "\xff:" SECRET_A,
                                      "a-kid-that-is-longer-than-thirty-two-characters:" SECRET_A,
                                      "1:" SECRET_A ",2:" SECRET_A ",3:" SECRET_A ",4:" SECRET_A ",5:" SECRET_A
                                      ",6:" SECRET_A ",7:" SECRET_A ",8:" SECRET_A ",9:" SECRET_A};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *why = NULL;
        cfg_token.keys = bad[i];
        assert_false(token_init(&why));
        assert_non_null(why);
    }
}

static void test_token_check_revoked_without_redis_lets_through(void **state)
{
    struct ctx *ctx = *state;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_null(token_check_revoked(ctx, JTI));
    assert_non_null(token_revoke(ctx, JTI, NOW_S + 100));
}

static void test_token_revoke_of_an_expired_token_needs_no_redis(void **state)
{
    struct ctx *ctx = *state;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_null(token_revoke(ctx, JTI, NOW_S - 30));
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_token_access_issued_is_verified),
        FIXED(test_token_refresh_issued_is_verified_as_refresh_only),
        FIXED(test_token_expires_after_its_life_and_skew),
        FIXED(test_token_from_the_future_is_refused),
        FIXED(test_token_with_any_character_changed_is_refused),
        FIXED(test_token_malformed_is_refused),
        FIXED(test_token_over_the_length_limit_is_refused),
        FIXED(test_token_header_other_than_ours_is_refused),
        FIXED(test_token_header_is_taken_in_two_orders),
        FIXED(test_token_header_holds_any_kid),
        FIXED(test_token_claims_other_than_ours_are_refused),
        FIXED(test_token_payload_of_another_form_is_read),
        FIXED(test_token_payload_of_odd_values_is_refused),
        FIXED(test_token_payload_cut_is_refused),
        FIXED(test_token_payload_with_nul_is_refused),
        FIXED(test_token_payload_with_spare_bits_is_refused),
        FIXED(test_token_payload_in_standard_base64_is_refused),
        FIXED(test_token_signature_has_one_text),
        FIXED(test_token_payload_outside_base64url_is_refused),
        FIXED(test_token_issuer_and_audience_may_hold_any_character),
        FIXED(test_token_of_an_older_key_is_verified_until_the_key_is_gone),
        FIXED(test_token_is_signed_by_the_first_key_of_the_ring),
        FIXED(test_token_init_refuses_unusable_rings),
        FIXED(test_token_check_revoked_without_redis_lets_through),
        FIXED(test_token_revoke_of_an_expired_token_needs_no_redis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
