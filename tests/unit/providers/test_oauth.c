/* Social logins against providers that answer what a test tells them. The network is played by http_perform() below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/crypto_rsa.h"
#include "common/io/http.h"
#include "src/providers/oauth.h"
#include "src/providers/sandbox_credentials.h"
#include "tests/support/fixture.h"

#define NOW_S INT64_C(1780308000)
#define EMAIL "kim@example.com"

enum { TOKEN, KEYS, PROFILE, PLACES };

static struct {
    const struct err *e;
    int status;
    const char *body;
    int max_age_s;
    int calls;
    const char *sent, *authorization;
} net[PLACES];

static struct ctx *ctx;
static char run_dir[] = "/tmp/test_oauth.XXXXXX"; /* of the breakers */
static struct crypto_rsa *signer, *stranger;
static const struct oauth_attempt attempt = {"the-state", "the-nonce", "the-verifier-of-43-characters-of-base64url"};

const struct err *http_perform(struct ctx *unused_ctx, const struct http_call *call, struct http_answer *answer_r)
{
    int place = strstr(call->url, "/certs") || strstr(call->url, "jwks") ? KEYS
                : strstr(call->url, "/me")                               ? PROFILE
                                                                         : TOKEN;
    net[place].calls++;
    net[place].sent = call->body ? arena_memdup(unused_ctx->arena, call->body, call->body_len) : NULL;
    net[place].authorization = call->headers[0].name ? call->headers[0].value : NULL;
    assert_true(call->answer_max <= 64 << 10 && call->timeout_ms > 0 && call->timeout_ms <= 5000);
    if (net[place].e) {
        return net[place].e;
    }
    *answer_r = (struct http_answer){.status = net[place].status,
                                     .body = net[place].body,
                                     .len = strlen(net[place].body),
                                     .content_type = "",
                                     .max_age_s = net[place].max_age_s};
    return NULL;
}

char *http_escape(struct arena *arena, const char *text)
{
    char *out = arena_alloc(arena, 3 * strlen(text) + 1), *to = out;
    for (; *text; text++) {
        bool plain =
            strchr("-_.~", *text) || (*text >= '0' && *text <= '9') || ((*text | 32) >= 'a' && (*text | 32) <= 'z');
        to += plain ? sprintf(to, "%c", *text) : sprintf(to, "%%%02X", (unsigned char)*text);
    }
    *to = '\0';
    return out;
}

struct http *http_new(void)
{
    return NULL;
}

void http_free(struct http **http)
{
    *http = NULL;
}

static void answers(int place, int status, const char *body)
{
    net[place].e = NULL;
    net[place].status = status;
    net[place].body = body;
}

static const char *key_set(const struct crypto_rsa *key, const char *kid)
{
    const char *n, *e;
    crypto_rsa_jwk(ctx->arena, key, &n, &e);
    return arena_printf(ctx->arena, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"}]}", kid, n,
                        e);
}

static const char *part(const char *text)
{
    return crypto_base64url(ctx->arena, text, strlen(text));
}

/* What the token address answers with when it is fine but for what a test makes of it. */
static const char *tokens(const struct crypto_rsa *key, const char *kid, const char *issuer)
{
    int64_t now_s = clock_now() / CLOCK_SECOND;
    const char *text = arena_printf(
        ctx->arena, "%s.%s", part(arena_printf(ctx->arena, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid)),
        part(arena_printf(ctx->arena,
                          "{\"iss\":\"%s\",\"aud\":\"client\",\"sub\":\"g-1\",\"nonce\":\"the-nonce\",\"iat\":%lld,"
                          "\"exp\":%lld,\"email\":\"" EMAIL "\",\"email_verified\":true}",
                          issuer, (long long)now_s, (long long)now_s + 3600)));
    return arena_printf(ctx->arena, "{\"access_token\":\"at\",\"expires_in\":3599,\"id_token\":\"%s.%s\"}", text,
                        crypto_rsa_sign(ctx->arena, key, text));
}

/* Two hours later than the test before: what that has left in the module is too old to be used. */
static int setup(void **state)
{
    (void)state;
    static int64_t now_s = NOW_S;
    ctx = calloc(1, sizeof *ctx);
    ctx->arena = arena_new(16u << 20);
    memset(net, 0, sizeof net);
    now_s += 7200;
    clock_freeze(now_s * CLOCK_SECOND);
    clock_skip(2 * 86400 * CLOCK_SECOND);
    cfg_process.run_dir = run_dir;
    cfg_process.sandbox = false;
    cfg_oauth = (struct cfg_oauth){.public_url = "https://tickets.example",
                                   .timeout_ms = 5000,
                                   .clients = {{"client", "s&cret"}, {"client", "s&cret"}, {"client", "s&cret"}},
                                   .kakao_url = "https://kauth.kakao.com",
                                   .kakao_token_url = "https://kauth.kakao.com",
                                   .naver_url = "https://nid.naver.com",
                                   .naver_token_url = "https://nid.naver.com",
                                   .naver_api_url = "https://openapi.naver.com",
                                   .google_url = "https://accounts.google.com",
                                   .google_token_url = "https://oauth2.googleapis.com",
                                   .google_keys_url = "https://www.googleapis.com"};
    answers(KEYS, 200, key_set(signer, "one"));
    answers(TOKEN, 200, tokens(signer, "one", "https://accounts.google.com"));
    answers(PROFILE, 200,
            "{\"resultcode\":\"00\",\"message\":\"success\",\"response\":{\"id\":\"n-1\",\"email\":\"a@b.kr\"}}");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    clock_freeze(CLOCK_NONE);
    arena_free(&ctx->arena);
    free(ctx);
    return 0;
}

static int make_keys(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(run_dir));
    signer = crypto_rsa_generate();
    stranger = crypto_rsa_generate();
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    crypto_rsa_free(&signer);
    crypto_rsa_free(&stranger);
    return fixture_remove(run_dir);
}

static const struct err *ask(enum oauth_provider provider, struct oauth_person *person_r)
{
    return oauth_person_of(ctx, provider, &attempt, "a code", person_r);
}

static void assert_person(enum oauth_provider provider, const char *subject)
{
    struct oauth_person person;
    assert_null(ask(provider, &person));
    assert_string_equal(person.subject, subject);
}

/* Later than the breaker can have been open. */
static void assert_error(enum oauth_provider provider, const struct err *expected)
{
    clock_skip(31 * CLOCK_SECOND);
    struct oauth_person person = {.subject = "untouched"};
    assert_ptr_equal(ask(provider, &person), expected);
    assert_string_equal(person.subject, "untouched");
}

/* ---- what is sent ---- */

static void test_authorize_asks_as_each_provider_offers_it(void **state)
{
    (void)state;
    assert_string_equal(oauth_authorize_url(ctx, OAUTH_GOOGLE, &attempt, NULL),
                        "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=client"
                        "&redirect_uri=https%3A%2F%2Ftickets.example%2Fauth%2Foauth2%2Fgoogle%2Fcallback"
                        "&state=the-state&scope=openid%20email%20profile&nonce=the-nonce"
                        "&code_challenge=IuWHsw06dfHIKQyNIuZLYAnOSMfr3HCEHkPKRmCFxAE&code_challenge_method=S256");
    assert_string_equal(oauth_authorize_url(ctx, OAUTH_NAVER, &attempt, "u&1"),
                        "https://nid.naver.com/oauth2.0/authorize?response_type=code&client_id=client"
                        "&redirect_uri=https%3A%2F%2Ftickets.example%2Fauth%2Foauth2%2Fnaver%2Fcallback"
                        "&state=the-state&sandbox_user=u%261");
}

static void test_code_is_redeemed_as_each_provider_wants_it(void **state)
{
    (void)state;
    assert_person(OAUTH_GOOGLE, "g-1");
    assert_string_equal(net[TOKEN].sent,
                        "grant_type=authorization_code&client_id=client&client_secret=s%26cret&code=a%20code"
                        "&redirect_uri=https%3A%2F%2Ftickets.example%2Fauth%2Foauth2%2Fgoogle%2Fcallback"
                        "&code_verifier=the-verifier-of-43-characters-of-base64url");
    answers(TOKEN, 200, "{\"access_token\":\"at\",\"expires_in\":\"3600\"}");
    assert_person(OAUTH_NAVER, "n-1");
    assert_string_equal(net[TOKEN].sent, "grant_type=authorization_code&client_id=client&client_secret=s%26cret"
                                         "&code=a%20code&state=the-state");
    assert_string_equal(net[PROFILE].authorization, "Bearer at");
}

/* ---- what comes back ---- */

static void test_person_is_read_of_id_token_and_profile(void **state)
{
    (void)state;
    struct oauth_person person;
    assert_null(ask(OAUTH_GOOGLE, &person));
    assert_string_equal(person.email, EMAIL);
    answers(TOKEN, 200, tokens(signer, "one", "accounts.google.com"));
    assert_person(OAUTH_GOOGLE, "g-1");
    answers(TOKEN, 200, tokens(signer, "one", "https://kauth.kakao.com"));
    assert_person(OAUTH_KAKAO, "g-1");
    assert_error(OAUTH_GOOGLE, &err_bad_gateway); /* another's issuer */
    answers(TOKEN, 200, tokens(signer, "one", "kauth.kakao.com"));
    assert_error(OAUTH_KAKAO, &err_bad_gateway);
}

static void test_code_that_is_not_known_is_refused(void **state)
{
    (void)state;
    answers(TOKEN, 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Bad Request\"}");
    assert_error(OAUTH_GOOGLE, &err_oauth_refused);
    answers(TOKEN, 400, "{\"error\":\"invalid_grant\",\"error_code\":\"KOE320\"}");
    assert_error(OAUTH_KAKAO, &err_oauth_refused);
    answers(TOKEN, 200, "{\"error\":\"invalid_request\",\"error_description\":\"no valid data in session\"}");
    assert_error(OAUTH_NAVER, &err_oauth_refused);
}

static void test_client_that_is_refused_is_an_outage(void **state)
{
    (void)state;
    answers(TOKEN, 401, "{\"error\":\"invalid_client\",\"error_code\":\"KOE010\"}");
    assert_error(OAUTH_KAKAO, &err_unavailable);
    answers(TOKEN, 200, "{\"error\":\"unauthorized_client\"}");
    assert_error(OAUTH_NAVER, &err_unavailable);
    answers(TOKEN, 400, "{\"error\":\"redirect_uri_mismatch\"}");
    assert_error(OAUTH_GOOGLE, &err_unavailable);
}

static void test_provider_that_is_away_is_an_outage(void **state)
{
    (void)state;
    static const struct err *const losses[] = {&err_unavailable, &err_timeout, &err_uncertain};
    for (int place = TOKEN; place < PLACES; place++) {
        enum oauth_provider provider = place == PROFILE ? OAUTH_NAVER : OAUTH_GOOGLE;
        for (size_t i = 0; i < ARRAY_COUNT(losses); i++) {
            net[place].e = losses[i];
            ctx->retry_after_s = 0;
            assert_error(provider, &err_unavailable);
            assert_true(ctx->retry_after_s > 0);
        }
        net[place].e = NULL;
        for (int status = 500; status <= 503; status++) {
            net[place].status = status;
            assert_error(provider, &err_unavailable);
        }
        net[place].status = 429;
        assert_error(provider, &err_unavailable);
        net[place].status = 200;
    }
}

static void test_answer_that_cannot_be_read_is_a_lie(void **state)
{
    (void)state;
    static const char *const lies[] = {"<html>down for maintenance</html>",
                                       "",
                                       "null",
                                       "[]",
                                       "7",
                                       "{}",
                                       "{\"keys\":7}",
                                       "{\"access_token\":7}",
                                       "{\"access_token\":\"at\",\"id_token\":7}",
                                       "{\"access_token\":\"at\",\"id_token\":\"a.b.c\"}",
                                       "{\"access_token\":\"at\",\"access_token\":\"bt\"}",
                                       "{\"error\":\"surprise\"}",
                                       "{\"error\":7}",
                                       "{\"resultcode\":0,\"response\":{\"id\":\"n\"}}",
                                       "{\"resultcode\":\"00\",\"response\":{\"id\":7}}",
                                       "{\"resultcode\":\"00\",\"response\":[]}",
                                       "{\"resultcode\":\"00\",\"response\":{\"id\":\"\"}}",
                                       "{\"resultcode\":\"00\",\"response\":{\"id\":\"a b\"}}",
                                       "{\"resultcode\":\"024\",\"message\":\"Authentication failed\"}"};
    for (int place = TOKEN; place < PLACES; place++) {
        enum oauth_provider provider = place == PROFILE ? OAUTH_NAVER : OAUTH_GOOGLE;
        const char *fine = net[place].body;
        for (size_t i = 0; i < ARRAY_COUNT(lies); i++) {
            net[place].body = lies[i];
            assert_error(provider, &err_bad_gateway);
        }
        net[place].body = fine;
        net[place].e = &err_bad_gateway; /* of any size */
        assert_error(provider, &err_bad_gateway);
        net[place].e = NULL;
        net[place].status = 404;
        assert_error(provider, &err_bad_gateway);
        net[place].status = 200;
    }
}

static void test_token_for_a_header_is_no_header(void **state)
{
    (void)state;
    answers(TOKEN, 200, "{\"access_token\":\"a b\"}");
    assert_error(OAUTH_NAVER, &err_bad_gateway);
    assert_int_equal(net[PROFILE].calls, 0);
}

static void test_provider_that_stays_away_is_not_asked_again_at_once(void **state)
{
    (void)state;
    struct oauth_person unused;
    net[TOKEN].e = &err_timeout;
    clock_skip(31 * CLOCK_SECOND);
    for (int i = 0; i < 60; i++) {
        assert_ptr_equal(ask(OAUTH_KAKAO, &unused), &err_unavailable);
    }
    assert_true(net[TOKEN].calls < 60);
    net[TOKEN].calls = 0;
    ctx->retry_after_s = 0;
    assert_ptr_equal(ask(OAUTH_KAKAO, &unused), &err_unavailable);
    assert_int_equal(net[TOKEN].calls, 0);
    assert_in_range(ctx->retry_after_s, 1, 30);
    net[TOKEN].e = NULL;
    answers(TOKEN, 200, "{\"access_token\":\"at\"}");
    assert_person(OAUTH_NAVER, "n-1"); /* one's outage is not another's */
    clock_skip(31 * CLOCK_SECOND);
    answers(TOKEN, 200, tokens(signer, "one", "https://kauth.kakao.com"));
    for (int i = 0; i < 5; i++) {
        assert_person(OAUTH_KAKAO, "g-1");
    }
}

/* ---- keys ---- */

static void test_keys_are_kept_as_long_as_they_may(void **state)
{
    (void)state;
    static const struct {
        int max_age_s, kept_s;
    } rows[] = {{0, 300}, {600, 600}, {86400, 86400}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        net[KEYS].max_age_s = rows[i].max_age_s;
        clock_skip(2 * 86400 * CLOCK_SECOND);
        net[KEYS].calls = 0;
        assert_person(OAUTH_GOOGLE, "g-1");
        clock_skip((rows[i].kept_s - 1) * CLOCK_SECOND);
        assert_person(OAUTH_GOOGLE, "g-1");
        assert_int_equal(net[KEYS].calls, 1);
        clock_skip(CLOCK_SECOND);
        assert_person(OAUTH_GOOGLE, "g-1");
        assert_int_equal(net[KEYS].calls, 2);
    }
}

static void test_key_that_is_new_is_fetched_once_a_minute(void **state)
{
    (void)state;
    net[KEYS].max_age_s = 86400;
    assert_person(OAUTH_GOOGLE, "g-1");
    clock_skip(61 * CLOCK_SECOND);
    answers(TOKEN, 200, tokens(stranger, "two", "https://accounts.google.com"));
    answers(KEYS, 200, key_set(stranger, "two"));
    assert_person(OAUTH_GOOGLE, "g-1"); /* rotated */
    assert_int_equal(net[KEYS].calls, 2);
    answers(TOKEN, 200, tokens(signer, "three", "https://accounts.google.com"));
    struct oauth_person unused;
    for (int i = 0; i < 5; i++) {
        assert_ptr_equal(ask(OAUTH_GOOGLE, &unused), &err_bad_gateway);
    }
    assert_int_equal(net[KEYS].calls, 2);
    clock_skip(60 * CLOCK_SECOND);
    assert_ptr_equal(ask(OAUTH_GOOGLE, &unused), &err_bad_gateway);
    assert_int_equal(net[KEYS].calls, 3);
}

static void test_keys_of_one_provider_are_no_others(void **state)
{
    (void)state;
    assert_person(OAUTH_GOOGLE, "g-1");
    answers(KEYS, 200, key_set(stranger, "one"));
    answers(TOKEN, 200, tokens(signer, "one", "https://kauth.kakao.com"));
    assert_error(OAUTH_KAKAO, &err_bad_gateway);
}

static void test_keys_that_are_kept_bear_an_outage(void **state)
{
    (void)state;
    assert_person(OAUTH_GOOGLE, "g-1");
    net[KEYS].e = &err_timeout;
    assert_person(OAUTH_GOOGLE, "g-1");
    clock_skip(300 * CLOCK_SECOND);
    assert_error(OAUTH_GOOGLE, &err_unavailable); /* too old to be gone by */
    net[KEYS].e = NULL;
    assert_person(OAUTH_GOOGLE, "g-1");
}

/* ---- settings ---- */

static void test_settings_of_the_sandbox_or_halves_are_refused(void **state)
{
    (void)state;
    const char *why = NULL;
    assert_true(oauth_check_settings(&why));
    struct cfg_oauth fine = cfg_oauth;
    cfg_oauth.clients[OAUTH_NAVER].secret = NULL;
    assert_false(oauth_check_settings(&why));
    cfg_oauth.clients[OAUTH_NAVER].id = NULL;
    assert_true(oauth_check_settings(&why));
    assert_false(oauth_on(OAUTH_NAVER));
    cfg_oauth = fine;
    cfg_oauth.clients[OAUTH_KAKAO].id = SANDBOX_OAUTH_CLIENT;
    assert_false(oauth_check_settings(&why));
    cfg_oauth = fine;
    cfg_oauth.public_url = NULL;
    assert_false(oauth_check_settings(&why));
    cfg_oauth.public_url = "http://tickets.example";
    assert_false(oauth_check_settings(&why));
    cfg_oauth = fine;
    cfg_oauth.google_keys_url = "http://keys.example";
    assert_false(oauth_check_settings(&why));
    cfg_process.sandbox = true;
    assert_true(oauth_check_settings(&why));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_authorize_asks_as_each_provider_offers_it),
        TEST(test_code_is_redeemed_as_each_provider_wants_it),
        TEST(test_person_is_read_of_id_token_and_profile),
        TEST(test_code_that_is_not_known_is_refused),
        TEST(test_client_that_is_refused_is_an_outage),
        TEST(test_provider_that_is_away_is_an_outage),
        TEST(test_answer_that_cannot_be_read_is_a_lie),
        TEST(test_token_for_a_header_is_no_header),
        TEST(test_provider_that_stays_away_is_not_asked_again_at_once),
        TEST(test_keys_are_kept_as_long_as_they_may),
        TEST(test_key_that_is_new_is_fetched_once_a_minute),
        TEST(test_keys_of_one_provider_are_no_others),
        TEST(test_keys_that_are_kept_bear_an_outage),
        TEST(test_settings_of_the_sandbox_or_halves_are_refused),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
