/* Access tokens that others than who verifies them have signed, and every way to take one algorithm for another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/crypto_ec.h"

#define SECRET "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NOW_S INT64_C(1780308000)
#define USER "0190a0b0-c0d0-7e0f-8123-456789abcdef"
#define JTI "7d444840-9dc0-41d1-b245-5ffdce74fad2"
#define ES_HEADER "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"e1\"}"
#define HS_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"e1\"}"
#define PAYLOAD(typ, who)                                                                                      \
    "{\"iss\":\"boxoffice\",\"aud\":\"web\",\"typ\":\"" typ "\",\"sub\":\"" USER "\",\"jti\":\"" JTI "\"," who \
    ",\"iat\":1780308000,\"nbf\":1780308000,\"exp\":1780311600}"
#define ACCESS PAYLOAD("access", "\"role\":\"USER\"")
#define REFRESH PAYLOAD("refresh", "\"fam\":\"" JTI "\"")

static struct crypto_ec *key; /* e1 */
static const char *private_ring, *public_ring;

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
    ctx->arena = arena_new(1u << 22);
    log_init("test_token_es256", LOG_LEVEL_ERROR);
    cfg_token =
        (struct cfg_token){.issuer = "boxoffice", .audience = "web", .access_s = 3600, .refresh_s = 604800, .cache = 8};
    key = crypto_ec_generate();
    private_ring = arena_printf(ctx->arena, "e1:ES256:%s", crypto_ec_private_der(ctx->arena, key));
    public_ring = arena_printf(ctx->arena, "e1:ES256-public:%s", crypto_ec_public_der(ctx->arena, key));
    use_keys(private_ring);
    clock_freeze(NOW_S * CLOCK_SECOND);
    *state = ctx;
    return 0;
}

static int teardown(void **state)
{
    struct ctx *ctx = *state;
    clock_freeze(CLOCK_NONE);
    crypto_ec_free(&key);
    arena_free(&ctx->arena);
    free(ctx);
    return 0;
}

static const char *encoded(struct ctx *ctx, const char *text)
{
    return crypto_base64url(ctx->arena, text, strlen(text));
}

static const char *unsigned_token(struct ctx *ctx, const char *header, const char *payload)
{
    return arena_printf(ctx->arena, "%s.%s", encoded(ctx, header), encoded(ctx, payload));
}

static const char *with_signature(struct ctx *ctx, const char *text, const void *bytes, size_t len)
{
    return arena_printf(ctx->arena, "%s.%s", text, crypto_base64url(ctx->arena, bytes, len));
}

static const char *sign_ec(struct ctx *ctx, const struct crypto_ec *with, const char *header, const char *payload)
{
    unsigned char signature[CRYPTO_EC_SIGNATURE_SIZE];
    const char *text = unsigned_token(ctx, header, payload);
    crypto_ec_sign(with, text, strlen(text), signature);
    return with_signature(ctx, text, signature, sizeof signature);
}

static const char *sign_hmac(struct ctx *ctx, const void *secret, size_t len, const char *header, const char *payload)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    const char *text = unsigned_token(ctx, header, payload);
    crypto_hmac_sha256(secret, len, text, strlen(text), digest);
    return with_signature(ctx, text, digest, sizeof digest);
}

/* Twice: the second time a good access token is remembered. */
static void assert_verdict(struct ctx *ctx, enum token_kind kind, const char *token, const struct err *expected)
{
    for (int i = 0; i < 2; i++) {
        struct token_claims claims = {.subject = "untouched"};
        const struct err *e = token_verify(ctx, kind, token, &claims);
        if (e != expected) {
            fail_msg("%s instead of %s: %s", e ? e->code : "good", expected ? expected->code : "good", token);
        }
        assert_string_equal(claims.subject, e ? "untouched" : USER);
    }
}

static char *issue(struct ctx *ctx, enum token_kind kind)
{
    struct token_claims claims = {.subject = USER, .role = "USER", .family = JTI};
    return token_issue(ctx, kind, &claims);
}

static void test_token_is_verified_by_the_public_key(void **state)
{
    struct ctx *ctx = *state;
    const char *token = issue(ctx, TOKEN_ACCESS);
    assert_verdict(ctx, TOKEN_ACCESS, token, NULL);
    use_keys(public_ring);
    assert_verdict(ctx, TOKEN_ACCESS, token, NULL);
    assert_verdict(ctx, TOKEN_ACCESS, sign_ec(ctx, key, ES_HEADER, ACCESS), NULL);
    clock_freeze((NOW_S + 3600 + 30) * CLOCK_SECOND);
    assert_verdict(ctx, TOKEN_ACCESS, token, &err_token_expired);
    clock_freeze((NOW_S - 31) * CLOCK_SECOND);
    assert_verdict(ctx, TOKEN_ACCESS, token, &err_token_invalid);
}

static void test_refresh_token_is_read_by_who_signs_only(void **state)
{
    struct ctx *ctx = *state;
    const char *token = issue(ctx, TOKEN_REFRESH);
    assert_verdict(ctx, TOKEN_REFRESH, token, NULL);
    assert_verdict(ctx, TOKEN_ACCESS, token, &err_token_invalid);
    assert_verdict(ctx, TOKEN_REFRESH, issue(ctx, TOKEN_ACCESS), &err_token_invalid);
    use_keys(public_ring);
    assert_verdict(ctx, TOKEN_REFRESH, token, &err_token_invalid);
    assert_verdict(ctx, TOKEN_ACCESS, token, &err_token_invalid);
}

static void test_refresh_token_issued_again_is_the_same_text(void **state)
{
    struct ctx *ctx = *state;
    struct token_claims claims = {.subject = USER, .family = JTI};
    const char *token = token_issue(ctx, TOKEN_REFRESH, &claims);
    assert_string_equal(token_issue_again(ctx, TOKEN_REFRESH, &claims, 0), token);
    /* Also when another key signs now, and one that cannot sign stands between. */
    struct crypto_ec *other = crypto_ec_generate();
    use_keys(arena_printf(ctx->arena, "h1:" SECRET ",e0:ES256-public:%s,%s", crypto_ec_public_der(ctx->arena, other),
                          private_ring));
    assert_string_not_equal(token_issue_again(ctx, TOKEN_REFRESH, &claims, 0), token);
    assert_string_equal(token_issue_again(ctx, TOKEN_REFRESH, &claims, 1), token);
    assert_null(token_issue_again(ctx, TOKEN_REFRESH, &claims, 2));
    assert_verdict(ctx, TOKEN_REFRESH, token, NULL);
    crypto_ec_free(&other);
}

static void test_token_of_another_algorithm_is_refused(void **state)
{
    struct ctx *ctx = *state;
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"e1\"}",
        "{\"alg\":\"None\",\"typ\":\"JWT\",\"kid\":\"e1\"}",
        HS_HEADER,
        "{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"e1\"}",
        "{\"alg\":\"ES384\",\"typ\":\"JWT\",\"kid\":\"e1\"}",
        "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"e1\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"e1\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWE\",\"kid\":\"e1\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"e2\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"e1\",\"jwk\":{\"kty\":\"EC\"}}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"e1\",\"jku\":\"https://evil.example/\"}",
    };
    const char *rings[] = {private_ring, public_ring};
    for (size_t r = 0; r < ARRAY_COUNT(rings); r++) {
        use_keys(rings[r]);
        for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
            assert_verdict(ctx, TOKEN_ACCESS, sign_ec(ctx, key, headers[i], ACCESS), &err_token_invalid);
            assert_verdict(ctx, TOKEN_REFRESH, sign_ec(ctx, key, headers[i], REFRESH), &err_token_invalid);
            assert_verdict(ctx, TOKEN_ACCESS, arena_printf(ctx->arena, "%s.", unsigned_token(ctx, headers[i], ACCESS)),
                           &err_token_invalid);
        }
    }
}

/* What everybody may know of a key is no secret to sign with. */
static void test_token_signed_with_the_public_key_as_a_secret_is_refused(void **state)
{
    struct ctx *ctx = *state;
    size_t der_len;
    const char *text = crypto_ec_public_der(ctx->arena, key);
    const unsigned char *der = crypto_base64_decode(ctx->arena, text, &der_len);
    const char *pem = arena_printf(ctx->arena, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n",
                                   crypto_base64(ctx->arena, der, der_len));
    const struct {
        const void *bytes;
        size_t len;
    } secrets[] = {{der, der_len}, {text, strlen(text)}, {pem, strlen(pem)}, {der + der_len - 65, 65}, {"", 0}};
    static const char *const headers[] = {HS_HEADER, ES_HEADER, "{\"alg\":\"HS256\",\"kid\":\"e1\",\"typ\":\"JWT\"}"};
    const char *rings[] = {private_ring, public_ring};
    for (size_t r = 0; r < ARRAY_COUNT(rings); r++) {
        use_keys(rings[r]);
        for (size_t s = 0; s < ARRAY_COUNT(secrets); s++) {
            for (size_t h = 0; h < ARRAY_COUNT(headers); h++) {
                assert_verdict(ctx, TOKEN_ACCESS, sign_hmac(ctx, secrets[s].bytes, secrets[s].len, headers[h], ACCESS),
                               &err_token_invalid);
                assert_verdict(ctx, TOKEN_REFRESH,
                               sign_hmac(ctx, secrets[s].bytes, secrets[s].len, headers[h], REFRESH),
                               &err_token_invalid);
            }
        }
    }
}

/* The secret of an ES256 key's refresh tokens opens no door by itself. */
static void test_access_token_signed_as_a_refresh_token_is_refused(void **state)
{
    struct ctx *ctx = *state;
    unsigned char secret[CRYPTO_SHA256_SIZE];
    crypto_ec_derive(key, "boxoffice refresh tokens", secret);
    assert_verdict(ctx, TOKEN_REFRESH, sign_hmac(ctx, secret, sizeof secret, HS_HEADER, REFRESH), NULL);
    assert_verdict(ctx, TOKEN_ACCESS, sign_hmac(ctx, secret, sizeof secret, HS_HEADER, ACCESS), &err_token_invalid);
    assert_verdict(ctx, TOKEN_ACCESS, sign_hmac(ctx, secret, sizeof secret, ES_HEADER, ACCESS), &err_token_invalid);
    assert_verdict(ctx, TOKEN_REFRESH, sign_ec(ctx, key, ES_HEADER, REFRESH), &err_token_invalid);
}

static void test_kid_of_the_other_kind_is_refused(void **state)
{
    struct ctx *ctx = *state;
    use_keys(arena_printf(ctx->arena, "%s,h1:" SECRET, public_ring));
    const char *ec_as_h1 = "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"h1\"}";
    const char *h1 = "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"h1\"}";
    assert_verdict(ctx, TOKEN_ACCESS, sign_hmac(ctx, SECRET, strlen(SECRET), h1, ACCESS), NULL);
    assert_verdict(ctx, TOKEN_ACCESS, sign_ec(ctx, key, ec_as_h1, ACCESS), &err_token_invalid);
    assert_verdict(ctx, TOKEN_ACCESS, sign_ec(ctx, key, h1, ACCESS), &err_token_invalid);
    assert_verdict(ctx, TOKEN_ACCESS, sign_hmac(ctx, SECRET, strlen(SECRET), HS_HEADER, ACCESS), &err_token_invalid);
    assert_verdict(ctx, TOKEN_ACCESS, sign_hmac(ctx, SECRET, strlen(SECRET), ES_HEADER, ACCESS), &err_token_invalid);
}

static void test_signature_malformed_is_refused(void **state)
{
    struct ctx *ctx = *state;
    const char *good = sign_ec(ctx, key, ES_HEADER, ACCESS);
    const char *text = unsigned_token(ctx, ES_HEADER, ACCESS);
    const char *signature = strrchr(good, '.') + 1;
    unsigned char bytes[100] = {0};
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_verdict(ctx, TOKEN_ACCESS, with_signature(ctx, text, bytes, len), &err_token_invalid);
    }
    memset(bytes, 0xff, sizeof bytes);
    assert_verdict(ctx, TOKEN_ACCESS, with_signature(ctx, text, bytes, CRYPTO_EC_SIGNATURE_SIZE), &err_token_invalid);
    const char *bad[] = {
        ARENA_JOIN(ctx->arena, text, ".", signature, "="),
        ARENA_JOIN(ctx->arena, text, ".", signature, "=="),
        ARENA_JOIN(ctx->arena, text, ".", signature, "A"),
        ARENA_JOIN(ctx->arena, text, ".", signature, "."),
        ARENA_JOIN(ctx->arena, text, ".", signature, ".AAAA"),
        ARENA_JOIN(ctx->arena, text, "..", signature),
        ARENA_JOIN(ctx->arena, text, ". ", signature),
        ARENA_JOIN(ctx->arena, text, ".."),
        text,
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_verdict(ctx, TOKEN_ACCESS, bad[i], &err_token_invalid);
    }
    char *changed = arena_strdup(ctx->arena, good);
    for (size_t i = 0; changed[i] != '\0'; i++) {
        char kept = changed[i];
        changed[i] = kept == 'A' ? 'B' : 'A';
        assert_verdict(ctx, TOKEN_ACCESS, changed, &err_token_invalid);
        changed[i] = kept;
    }
    assert_verdict(ctx, TOKEN_ACCESS, changed, NULL);
}

static void test_token_over_the_length_limit_is_refused(void **state)
{
    struct ctx *ctx = *state;
    char *pad = arena_alloc(ctx->arena, 4001);
    memset(pad, 'A', 4000);
    pad[4000] = '\0';
    assert_verdict(ctx, TOKEN_ACCESS,
                   sign_ec(ctx, key, ES_HEADER, arena_printf(ctx->arena, "{\"pad\":\"%s\",%s", pad, ACCESS + 1)),
                   &err_token_invalid);
}

static void test_key_signs_from_its_time_on_and_verifies_before(void **state)
{
    struct ctx *ctx = *state;
    const char *e1 = sign_ec(ctx, key, ES_HEADER, ACCESS);
    use_keys(arena_printf(ctx->arena, "e1@%lld%s,h1:" SECRET, (long long)NOW_S + 60, strchr(private_ring, ':')));
    assert_verdict(ctx, TOKEN_ACCESS, e1, NULL);
    const char *h1 = "{\"alg\":\"HS256\",\"kid\":\"h1\",\"typ\":\"JWT\"}";
    assert_int_equal(strncmp(issue(ctx, TOKEN_ACCESS), encoded(ctx, h1), strlen(encoded(ctx, h1))), 0);
    clock_freeze((NOW_S + 59) * CLOCK_SECOND);
    assert_int_equal(strncmp(issue(ctx, TOKEN_ACCESS), encoded(ctx, h1), strlen(encoded(ctx, h1))), 0);
    clock_freeze((NOW_S + 60) * CLOCK_SECOND);
    const char *header = "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"JWT\"}";
    assert_int_equal(strncmp(issue(ctx, TOKEN_ACCESS), encoded(ctx, header), strlen(encoded(ctx, header))), 0);
    /* A ring whose keys all wait is used as it stands: the oldest is its last. */
    clock_freeze(NOW_S * CLOCK_SECOND);
    use_keys(arena_printf(ctx->arena, "e1@%lld%s", (long long)NOW_S + 60, strchr(private_ring, ':')));
    assert_verdict(ctx, TOKEN_ACCESS, issue(ctx, TOKEN_ACCESS), NULL);
}

static void test_ring_malformed_is_refused_and_the_one_before_stays(void **state)
{
    struct ctx *ctx = *state;
    const char *token = issue(ctx, TOKEN_ACCESS);
    const char *der = strrchr(private_ring, ':') + 1, *public_der = strrchr(public_ring, ':') + 1;
    const char *bad[] = {
        "e1:ES256:",
        "e1:ES256-public:",
        "e1:ES256:AAAA",
        arena_printf(ctx->arena, "e1:ES256:%s", public_der),
        arena_printf(ctx->arena, "e1:ES256-public:%s", der),
        arena_printf(ctx->arena, "e1:ES256:%s=", der),
        arena_printf(ctx->arena, "e1:ES256:%sAAAA", der),
        arena_printf(ctx->arena, ":ES256:%s", der),
        arena_printf(ctx->arena, "\xff:ES256:%s", der),
        arena_printf(ctx->arena, "e1:ES256:%s,e1:" SECRET, der),
        arena_printf(ctx->arena, "e1@5:ES256:%s,e1@6:" SECRET, der),
        "",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *why = NULL;
        cfg_token.keys = bad[i];
        assert_false(token_init(&why));
        assert_non_null(why);
        assert_verdict(ctx, TOKEN_ACCESS, token, NULL);
    }
}

static void test_who_issues_needs_a_key_that_signs(void **state)
{
    struct ctx *ctx = *state;
    const char *why = NULL;
    cfg_token.keys = private_ring;
    assert_true(token_init_signer(&why));
    cfg_token.keys = public_ring;
    assert_false(token_init(&why));
    assert_non_null(strstr(why, "sign"));
    assert_verdict(ctx, TOKEN_ACCESS, issue(ctx, TOKEN_ACCESS), NULL); /* still with the ring of before */
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_token_is_verified_by_the_public_key),
        FIXED(test_refresh_token_is_read_by_who_signs_only),
        FIXED(test_refresh_token_issued_again_is_the_same_text),
        FIXED(test_token_of_another_algorithm_is_refused),
        FIXED(test_token_signed_with_the_public_key_as_a_secret_is_refused),
        FIXED(test_access_token_signed_as_a_refresh_token_is_refused),
        FIXED(test_kid_of_the_other_kind_is_refused),
        FIXED(test_signature_malformed_is_refused),
        FIXED(test_token_over_the_length_limit_is_refused),
        FIXED(test_key_signs_from_its_time_on_and_verifies_before),
        FIXED(test_ring_malformed_is_refused_and_the_one_before_stays),
        FIXED(test_who_issues_needs_a_key_that_signs), /* last: the process stays one that issues */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
