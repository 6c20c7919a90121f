#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/base/array.h"
#include "src/providers/recaptcha.h"
#include "tests/support/fake_http.h"

#define PASSED "{\"success\":true,\"challenge_ts\":\"2026-01-01T00:00:00Z\",\"hostname\":\"tickets.example\",\"new\":1}"

static int setup(void **state)
{
    struct ctx *ctx = calloc(1, sizeof *ctx);
    ctx->arena = arena_new(1u << 20);
    cfg_recaptcha = (struct cfg_recaptcha){.url = "http://google/siteverify", .secret = "s&cret", .hostname = ""};
    fake_http.calls = 0;
    *state = ctx;
    return 0;
}

static int teardown(void **state)
{
    struct ctx *ctx = *state;
    arena_free(&ctx->arena);
    free(ctx);
    return 0;
}

static void test_verify_success_passes(void **state)
{
    fake_http_answers(200, PASSED);
    assert_null(recaptcha_verify(*state, "a token", "192.0.2.1"));
    assert_string_equal(fake_http.sent, "secret=s%26cret&response=a%20token&remoteip=192.0.2.1");
    assert_string_equal(fake_http_header("Content-Type"), "application/x-www-form-urlencoded");
}

static void test_verify_without_client_address_sends_none(void **state)
{
    fake_http_answers(200, PASSED);
    assert_null(recaptcha_verify(*state, "t", NULL));
    assert_string_equal(fake_http.sent, "secret=s%26cret&response=t");
}

static void test_verify_bad_token_fails(void **state)
{
    static const char *const answers[] = {
        "{\"success\":false,\"error-codes\":[\"invalid-input-response\"]}",
        "{\"success\":false,\"error-codes\":[\"timeout-or-duplicate\"]}",
        "{\"success\":false,\"error-codes\":[]}",
        "{\"success\":false,\"error-codes\":[\"a code of tomorrow\", 7]}",
        "{\"success\":false}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        fake_http_answers(200, answers[i]);
        assert_ptr_equal(recaptcha_verify(*state, "t", NULL), &err_captcha_failed);
    }
}

static void test_verify_empty_or_huge_token_fails_without_asking(void **state)
{
    struct ctx *ctx = *state;
    char *huge = arena_alloc(ctx->arena, 9001);
    memset(huge, 'a', 9000);
    assert_ptr_equal(recaptcha_verify(ctx, "", NULL), &err_captcha_failed);
    assert_ptr_equal(recaptcha_verify(ctx, huge, NULL), &err_captcha_failed);
    assert_int_equal(fake_http.calls, 0);
}

static void test_verify_other_site_fails(void **state)
{
    fake_http_answers(200, PASSED);
    cfg_recaptcha.hostname = "tickets.example";
    assert_null(recaptcha_verify(*state, "t", NULL));
    cfg_recaptcha.hostname = "other.example";
    assert_ptr_equal(recaptcha_verify(*state, "t", NULL), &err_captcha_failed);
}

static void test_verify_refused_secret_is_unavailable(void **state)
{
    static const char *const codes[] = {"missing-input-secret", "invalid-input-secret", "bad-request"};
    struct ctx *ctx = *state;
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        fake_http_answers(200,
                          arena_printf(ctx->arena, "{\"success\":false,\"error-codes\":[\"x\",\"%s\"]}", codes[i]));
        assert_ptr_equal(recaptcha_verify(ctx, "t", NULL), &err_unavailable);
    }
}

static void test_verify_no_good_answer_is_unavailable(void **state)
{
    struct ctx *ctx = *state;
    static const struct {
        int status;
        const char *body;
    } answers[] = {{500, PASSED}, {200, "<html>"}, {200, ""}, {200, "[]"}, {200, "{\"success\":\"true\"}"}, {302, ""}};
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        ctx->retry_after_s = 0;
        fake_http_answers(answers[i].status, answers[i].body);
        assert_ptr_equal(recaptcha_verify(ctx, "t", NULL), &err_unavailable);
        assert_true(ctx->retry_after_s > 0);
    }
    fake_http_fails(&err_timeout);
    assert_ptr_equal(recaptcha_verify(ctx, "t", NULL), &err_unavailable);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verify_success_passes),
        TEST(test_verify_without_client_address_sends_none),
        TEST(test_verify_bad_token_fails),
        TEST(test_verify_empty_or_huge_token_fails_without_asking),
        TEST(test_verify_other_site_fails),
        TEST(test_verify_refused_secret_is_unavailable),
        TEST(test_verify_no_good_answer_is_unavailable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
