#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "src/providers/s3.h"
#include "tests/support/fake_http.h"
#include "tests/support/fixture.h"

#define COPIED "<?xml version=\"1.0\"?><CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>"

static char run_dir[] = "/tmp/test_s3.XXXXXX"; /* of the breaker */

static int setup(void **state)
{
    struct ctx *ctx = calloc(1, sizeof *ctx);
    ctx->arena = arena_new(1u << 20);
    cfg_s3 = (struct cfg_s3){.url = "https://examplebucket.s3.amazonaws.com",
                             .bucket = "examplebucket",
                             .region = "us-east-1",
                             .access_key = "AKIAIOSFODNN7EXAMPLE",
                             .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
    cfg_process.run_dir = run_dir;
    fake_http.calls = 0;
    int64_t at;
    assert_true(clock_parse("2013-05-24T00:00:00Z", &at));
    clock_freeze(at);
    *state = ctx;
    return 0;
}

static int teardown(void **state)
{
    struct ctx *ctx = *state;
    clock_freeze(CLOCK_NONE);
    arena_free(&ctx->arena);
    free(ctx);
    return 0;
}

/* The example of "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)". */
static void test_presign_is_what_aws_publishes(void **state)
{
    struct ctx *ctx = *state;
    const struct s3_request request = {.method = "GET", .key = "test.txt", .life_s = 86400};
    assert_string_equal(
        s3_presign(ctx->arena, cfg_s3.url, &request),
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

static const char *put_of(struct ctx *ctx, const char *base, const char *key, const char *length)
{
    const struct s3_request request = {
        .method = "PUT", .key = key, .headers = {{"content-length", length}, {"x-amz-acl", "private"}}, .life_s = 600};
    return s3_presign(ctx->arena, base, &request);
}

static void test_presign_binds_host_key_and_headers(void **state)
{
    struct ctx *ctx = *state;
    const char *own = put_of(ctx, cfg_s3.url, "a", "5");
    assert_non_null(strstr(own, "X-Amz-SignedHeaders=content-length%3Bhost%3Bx-amz-acl&"));
    const char *mine = strstr(own, "X-Amz-Signature=");
    const char *others[] = {put_of(ctx, cfg_s3.url, "b", "5"), put_of(ctx, cfg_s3.url, "a", "6"),
                            put_of(ctx, "https://s3.example/examplebucket", "a", "5")};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_string_not_equal(mine, strstr(others[i], "X-Amz-Signature="));
    }
    assert_ptr_equal(strstr(others[2], "https://s3.example/examplebucket/a?"), others[2]);
}

static void test_peek_tells_the_whole_size(void **state)
{
    struct s3_object object;
    fake_http_answers(206, "GIF89a");
    fake_http.etag = "\"abc\"";
    fake_http.whole_len = 3521;
    assert_null(s3_peek(*state, "uploads/x", 6, &object));
    assert_string_equal(fake_http_header("range"), "bytes=0-5");
    assert_int_equal(object.size, 3521);
    assert_int_equal(object.start_len, 6);
    assert_string_equal(object.etag, "\"abc\"");
}

static void test_peek_of_nothing_and_of_an_empty_object(void **state)
{
    struct s3_object object;
    fake_http_answers(404, "<Error><Code>NoSuchKey</Code></Error>");
    assert_ptr_equal(s3_peek(*state, "uploads/x", 6, &object), &err_not_found);
    fake_http_answers(416, "<Error><Code>InvalidRange</Code></Error>");
    assert_null(s3_peek(*state, "uploads/x", 6, &object));
    assert_int_equal(object.size, 0);
    assert_int_equal(object.start_len, 0);
}

static void test_answers_that_cannot_be_believed(void **state)
{
    struct s3_object object;
    fake_http_answers(206, "GIF89a");
    fake_http.etag = "\"abc\"";
    fake_http.whole_len = -1;
    assert_ptr_equal(s3_peek(*state, "uploads/x", 6, &object), &err_bad_gateway);
    fake_http.whole_len = 10;
    fake_http.etag = "";
    assert_ptr_equal(s3_peek(*state, "uploads/x", 6, &object), &err_bad_gateway);
    const int refused[] = {302, 400, 403, 500, 503};
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        fake_http_answers(refused[i], "<html>");
        assert_ptr_equal(s3_peek(*state, "uploads/x", 6, &object), &err_unavailable);
    }
    fake_http_fails(&err_timeout);
    assert_ptr_equal(s3_peek(*state, "uploads/x", 6, &object), &err_unavailable);
    clock_skip(CLOCK_SECOND * 60); /* the breaker has opened */
}

static void test_store_that_is_away_is_left_alone_for_a_while(void **state)
{
    struct s3_object object;
    fake_http_answers(500, "");
    for (int i = 0; i < 20; i++) {
        assert_ptr_equal(s3_peek(*state, "uploads/x", 6, &object), &err_unavailable);
    }
    assert_in_range(fake_http.calls, 1, 19);
    clock_skip(CLOCK_SECOND * 60);
    fake_http_answers(404, "");
    assert_ptr_equal(s3_peek(*state, "uploads/x", 6, &object), &err_not_found);
}

static void test_copy_goes_by_the_etag(void **state)
{
    const struct s3_copy copy = {"uploads/x", "posters/x", "\"e\"", "image/png", "immutable"};
    fake_http_answers(200, COPIED);
    assert_null(s3_copy(*state, &copy));
    assert_string_equal(fake_http_header("x-amz-copy-source"), "/examplebucket/uploads/x");
    assert_string_equal(fake_http_header("x-amz-copy-source-if-match"), "\"e\"");
    assert_string_equal(fake_http_header("content-type"), "image/png");
    const int changed[] = {404, 409, 412};
    for (size_t i = 0; i < ARRAY_COUNT(changed); i++) {
        fake_http_answers(changed[i], "<Error/>");
        assert_ptr_equal(s3_copy(*state, &copy), &err_conflict);
    }
}

/* Amazon S3 answers 200 before it has copied, and tells a failure in the body. */
static void test_copy_that_fails_after_200_is_no_copy(void **state)
{
    const struct s3_copy copy = {"uploads/x", "posters/x", "\"e\"", "image/png", "immutable"};
    fake_http_answers(200, "<Error><Code>InternalError</Code></Error>");
    assert_ptr_equal(s3_copy(*state, &copy), &err_bad_gateway);
}

static void test_delete_of_what_is_gone_is_done(void **state)
{
    fake_http_answers(204, "");
    assert_null(s3_delete(*state, "uploads/x"));
    assert_string_equal(fake_http.last.method, "DELETE");
    fake_http_answers(404, "");
    assert_null(s3_delete(*state, "uploads/x"));
}

static void test_settings_of_half_a_store_are_refused(void **state)
{
    (void)state;
    const char *why = NULL;
    cfg_process.sandbox = false;
    assert_true(s3_check_settings(&why));
    cfg_s3.secret_key = NULL;
    assert_false(s3_check_settings(&why));
    cfg_s3.secret_key = "s";
    cfg_s3.public_url = "http://plain.example/b";
    assert_false(s3_check_settings(&why));
    assert_non_null(strstr(why, "BOX_S3_PUBLIC_URL"));
    cfg_s3.url = NULL;
    assert_true(s3_check_settings(&why));
    assert_false(s3_on());
}

static int make_run_dir(void **state)
{
    (void)state;
    return mkdtemp(run_dir) ? 0 : -1;
}

static int remove_run_dir(void **state)
{
    (void)state;
    return fixture_remove(run_dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_presign_is_what_aws_publishes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_presign_binds_host_key_and_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peek_tells_the_whole_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peek_of_nothing_and_of_an_empty_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers_that_cannot_be_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_that_is_away_is_left_alone_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy_goes_by_the_etag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy_that_fails_after_200_is_no_copy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_of_what_is_gone_is_done, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settings_of_half_a_store_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_run_dir, remove_run_dir);
}
