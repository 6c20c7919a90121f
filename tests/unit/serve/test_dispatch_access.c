/* Who may call a route: tokens and roles, queue tokens, service keys, idempotency keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "tests/support/caller.h"

#define ID "0190f5a0-7c1e-7b3a-9c55-0123456789ab"
#define USER_ID "0190f5a0-7c1e-7b3a-9c55-0123456789ac"

#define ERR_TEST_LIST(X) X(admission, "NOT_ADMITTED", 401, 0, "입장 불가", "Not admitted.")
ERR_TEST_LIST(ERR_DECLARE)
ERR_TEST_LIST(ERR_DEFINE)

static const struct route routes[] = {
    {"POST", "/orders", caller_handle, RT_IDEMPOTENT, &caller_order_shape, NULL, 100, NULL},
    {"GET", "/mine", caller_handle, RT_USER, NULL, NULL, 0, NULL},
    {"POST", "/admin", caller_handle, RT_ADMIN, &caller_order_shape, NULL, 0, NULL},
    {"GET", "/mine/{id}", caller_handle, RT_USER, NULL, NULL, 0, NULL},
    {"GET", "/admitted", caller_handle, RT_USER | RT_ADMITTED, NULL, NULL, 0, NULL},
    {"GET", "/internal/things/{id}", caller_handle, 0, NULL, NULL, 0, "payment|queue"},
    {"GET", "/internal/others", caller_handle, 0, NULL, NULL, 0, "queues|que|payment"},
};
static const struct responder responder = {
    .name = "test", .routes = routes, .route_count = ARRAY_COUNT(routes), .admission_error = &err_admission};

static int set_up(void **state)
{
    (void)state;
    return caller_open(&responder);
}

static const char *bearer(const char *role)
{
    return caller_bearer(USER_ID, role);
}

static void test_user_route_needs_a_token(void **state)
{
    (void)state;
    caller_ask("GET", "/mine", ENV(NULL));
    caller_assert_error(401, "TOKEN_MISSING");
    assert_string_equal(caller_header("WWW-Authenticate"), "Bearer");
    caller_ask("GET", "/mine", ENV("HTTP_AUTHORIZATION=Basic eDp5"));
    caller_assert_error(401, "TOKEN_INVALID");
    caller_ask("GET", "/mine", ENV("HTTP_AUTHORIZATION=Bearer x.y.z"));
    caller_assert_error(401, "TOKEN_INVALID");
    caller_ask("GET", "/mine", ENV("HTTP_AUTHORIZATION=Bearer "));
    caller_assert_error(401, "TOKEN_INVALID");
}

static void test_user_route_asks_who_it_is_before_it_looks_at_ids(void **state)
{
    (void)state;
    caller_ask("GET", "/mine/7", ENV(NULL));
    caller_assert_error(401, "TOKEN_MISSING");
    caller_ask("GET", "/mine/7", ENV(bearer("USER")));
    caller_assert_error(404, "NOT_FOUND");
    caller_ask("GET", "/internal/things/7", ENV(NULL));
    caller_assert_error(401, "SERVICE_KEY_INVALID");
}

static void test_user_route_takes_the_identity_of_the_token(void **state)
{
    (void)state;
    caller_ask("GET", "/mine", ENV(bearer("USER")));
    caller_assert_status(200);
    assert_string_equal(caller.seen.user, USER_ID);
}

static void test_user_route_refuses_a_refresh_token(void **state)
{
    (void)state;
    struct token_claims claims = {.subject = USER_ID, .family = ID};
    const char *token = token_issue(&caller.ctx, TOKEN_REFRESH, &claims);
    caller_ask("GET", "/mine", ENV(arena_printf(caller.kept, "HTTP_AUTHORIZATION=Bearer %s", token)));
    caller_assert_error(401, "TOKEN_INVALID");
}

static void test_user_route_refuses_an_expired_token(void **state)
{
    (void)state;
    const char *authorization = bearer("USER");
    clock_freeze(clock_now() + 2 * 3600 * CLOCK_SECOND);
    caller_ask("GET", "/mine", ENV(authorization));
    clock_freeze(CALLER_NOW);
    caller_assert_status(401);
    assert_string_equal(json_str(json_get(caller_json(), "code")), "TOKEN_EXPIRED");
}

static void test_admin_route_refuses_a_user_before_reading_the_body(void **state)
{
    (void)state;
    caller_post("/admin", ENV(bearer("USER"), "CONTENT_TYPE=text/plain"), "no JSON");
    caller_assert_error(403, "FORBIDDEN");
}

static void test_admin_route_is_closed_while_nobody_knows_who_was_demoted(void **state)
{
    (void)state;
    caller_post("/admin", ENV(bearer("ADMIN"), "CONTENT_TYPE=application/json"), "{\"name\":\"x\",\"amount\":2}");
    caller_assert_error(503, "SERVICE_UNAVAILABLE");
}

static void test_admitted_route_needs_a_well_formed_queue_token(void **state)
{
    (void)state;
    static const char *const bad[] = {"HTTP_X_QUEUE_TOKEN=", "HTTP_X_QUEUE_TOKEN=" ID, "HTTP_X_QUEUE_TOKEN=qr_x",
                                      "HTTP_X_QUEUE_TOKEN=qr_" ID "0", "HTTP_X_QUEUE_TOKEN=QR_" ID};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        caller_ask("GET", "/admitted", ENV(bearer("USER"), bad[i]));
        caller_assert_error(401, "NOT_ADMITTED");
    }
    caller_ask("GET", "/admitted", ENV("HTTP_X_QUEUE_TOKEN=qr_" ID));
    caller_assert_error(401, "TOKEN_MISSING");
    caller_ask("GET", "/admitted", ENV(bearer("USER"), "HTTP_X_QUEUE_TOKEN=qr_" ID));
    caller_assert_status(200);
    assert_string_equal(caller.seen.queue_token, "qr_" ID);
}

static void test_internal_route_needs_a_known_key(void **state)
{
    (void)state;
    caller_ask("GET", "/internal/things/" ID, ENV(NULL));
    caller_assert_error(401, "SERVICE_KEY_INVALID");
    caller_ask("GET", "/internal/things/" ID, ENV("HTTP_X_SERVICE_API_KEY=" ID));
    caller_assert_error(401, "SERVICE_KEY_INVALID");
    caller_ask("GET", "/internal/things/" ID, ENV("HTTP_X_SERVICE_API_KEY=7b0f6c1e-3f0a-4a83-9e0d-5d2c7b1a9f11"));
    caller_assert_error(401, "SERVICE_KEY_INVALID"); /* the last digit is another one */
    caller_ask("GET", "/internal/things/" ID, ENV("HTTP_X_SERVICE_API_KEY=" CALLER_SERVICE_KEY));
    caller_assert_status(200);
}

static void test_internal_route_is_for_the_services_that_its_row_names(void **state)
{
    (void)state;
    caller_ask("GET", "/internal/others", ENV("HTTP_X_SERVICE_API_KEY=" CALLER_SERVICE_KEY));
    caller_assert_error(403, "FORBIDDEN");
}

static void test_idempotency_key_is_unquoted(void **state)
{
    (void)state;
    static const char order[] = "{\"name\":\"x\",\"amount\":2}";
    caller_post("/orders", ENV("CONTENT_TYPE=application/json"), order);
    assert_string_equal(caller.seen.key, "(none)");
    caller_post("/orders", ENV("CONTENT_TYPE=application/json", "HTTP_IDEMPOTENCY_KEY=\"" ID "\""), order);
    assert_string_equal(caller.seen.key, ID);
    caller_post("/orders", ENV("CONTENT_TYPE=application/json", "HTTP_IDEMPOTENCY_KEY=abcdefghijklmno_"), order);
    assert_string_equal(caller.seen.key, "abcdefghijklmno_");
}

static void test_idempotency_key_malformed_is_400(void **state)
{
    (void)state;
    char too_long[300] = "HTTP_IDEMPOTENCY_KEY=";
    memset(too_long + strlen(too_long), 'a', 257);
    const char *bad[] = {"HTTP_IDEMPOTENCY_KEY=short",    "HTTP_IDEMPOTENCY_KEY=\"" ID,
                         "HTTP_IDEMPOTENCY_KEY=" ID "\"", "HTTP_IDEMPOTENCY_KEY=0123456789 0123456789",
                         "HTTP_IDEMPOTENCY_KEY=\"\"",     too_long};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        caller_post("/orders", ENV("CONTENT_TYPE=application/json", bad[i]), "{\"name\":\"x\",\"amount\":2}");
        caller_assert_error(400, "INVALID_REQUEST");
        assert_string_equal(caller_detail_field(), "Idempotency-Key");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, caller_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_user_route_needs_a_token),
        TEST(test_user_route_asks_who_it_is_before_it_looks_at_ids),
        TEST(test_user_route_takes_the_identity_of_the_token),
        TEST(test_user_route_refuses_a_refresh_token),
        TEST(test_user_route_refuses_an_expired_token),
        TEST(test_admin_route_refuses_a_user_before_reading_the_body),
        TEST(test_admin_route_is_closed_while_nobody_knows_who_was_demoted),
        TEST(test_admitted_route_needs_a_well_formed_queue_token),
        TEST(test_internal_route_needs_a_known_key),
        TEST(test_internal_route_is_for_the_services_that_its_row_names),
        TEST(test_idempotency_key_is_unquoted),
        TEST(test_idempotency_key_malformed_is_400),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
