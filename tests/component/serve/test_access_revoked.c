/* Who may call a route when Redis knows: revoked tokens, and users who are administrators no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/redis.h"
#include "tests/support/caller.h"
#include "tests/support/fixture.h"

#define ORDER "{\"name\":\"x\",\"amount\":2}"

static const struct err *refuse(struct request *rq, struct reply *rp)
{
    (void)rq;
    (void)rp;
    return &err_not_found;
}

static const struct route routes[] = {
    {"GET", "/mine", caller_handle, RT_USER, NULL, NULL, 0, NULL},
    {"POST", "/mine", caller_handle, RT_USER, &caller_order_shape, NULL, 0, NULL},
    {"POST", "/admin", caller_handle, RT_ADMIN, &caller_order_shape, NULL, 0, NULL},
    {"POST", "/late", refuse, RT_USER | RT_LATE, &caller_order_shape, NULL, 0, NULL},
};
static const struct responder responder = {.name = "test", .routes = routes, .route_count = ARRAY_COUNT(routes)};

static struct ctx *stores;

static int set_up(void **state)
{
    (void)state;
    stores = fixture_ctx(NULL, NEED_REDIS);
    int status = caller_open(&responder);
    redis_free(&caller.ctx.redis);
    caller.ctx.redis = redis_new();
    return status;
}

static int tear_down(void **state)
{
    fixture_free(&stores);
    return caller_close(state);
}

static void post(const char *path, const char *authorization, const char *body)
{
    caller_post(path, ENV(authorization, "CONTENT_TYPE=application/json"), body);
}

static void test_user_who_was_demoted_administers_no_more(void **state)
{
    (void)state;
    const char *user = fixture_uuid(), *other = fixture_uuid();
    const char *old = caller_bearer(user, "ADMIN"), *others = caller_bearer(other, "ADMIN");
    post("/admin", old, ORDER);
    caller_assert_status(200);
    assert_null(token_demote(&caller.ctx, user));
    post("/admin", old, ORDER);
    caller_assert_error(401, "TOKEN_REVOKED");
    post("/admin", caller_bearer(user, "ADMIN"), ORDER); /* of a login that was under way */
    caller_assert_error(401, "TOKEN_REVOKED");
    caller_ask("GET", "/mine", ENV(old));
    caller_assert_status(200);
    post("/admin", others, ORDER);
    caller_assert_status(200);
    clock_freeze(CALLER_NOW + 31 * CLOCK_SECOND);
    post("/admin", caller_bearer(user, "ADMIN"), ORDER); /* has become one again */
    caller_assert_status(200);
    post("/admin", old, ORDER);
    assert_string_equal(json_str(json_get(caller_json(), "code")), "TOKEN_REVOKED");
}

/* Issues an access token that is revoked. */
static const char *revoked(const char *role)
{
    struct token_claims claims = {.subject = fixture_uuid(), .role = role};
    const char *token = token_issue(&caller.ctx, TOKEN_ACCESS, &claims);
    assert_null(token_revoke(&caller.ctx, claims.jti, claims.expires_s));
    return arena_printf(caller.kept, "HTTP_AUTHORIZATION=Bearer %s", token);
}

static void test_revoked_token_of_an_administrator_is_refused(void **state)
{
    (void)state;
    post("/admin", revoked("ADMIN"), ORDER);
    caller_assert_error(401, "TOKEN_REVOKED");
}

static void test_revoked_token_reaches_no_handler(void **state)
{
    (void)state;
    post("/mine", caller_bearer(fixture_uuid(), "USER"), ORDER);
    caller_assert_status(200);
    assert_int_equal(caller.seen.calls, 1);
    static const char *const bodies[] = {ORDER, "{\"name\":7}", ""};
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        post("/mine", revoked("USER"), bodies[i]);
        caller_assert_error(401, "TOKEN_REVOKED");
        assert_int_equal(caller.seen.calls, 0);
    }
    post("/admin", revoked("USER"), ORDER); /* who is none: the token is looked at first */
    caller_assert_error(401, "TOKEN_REVOKED");
}

static void test_route_that_asks_late_tells_a_revoked_token_nothing_else(void **state)
{
    (void)state;
    post("/late", caller_bearer(fixture_uuid(), "USER"), ORDER);
    caller_assert_error(404, "NOT_FOUND");
    static const char *const bodies[] = {ORDER, "{\"name\":7}", ""};
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        post("/late", revoked("USER"), bodies[i]);
        caller_assert_error(401, "TOKEN_REVOKED");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_user_who_was_demoted_administers_no_more),
        TEST(test_revoked_token_of_an_administrator_is_refused),
        TEST(test_revoked_token_reaches_no_handler),
        TEST(test_route_that_asks_late_tells_a_revoked_token_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
