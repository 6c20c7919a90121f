#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "common/serve/route.h"

#define ID "0190f5a0-7c1e-7b3a-9c55-0123456789ab"
#define ID_UPPER "0190F5A0-7C1E-7B3A-9C55-0123456789AB"
#define OTHER_ID "0190f5a0-7c1e-7b3a-9c55-0123456789ac"

static const struct route routes[] = {
    {"GET", "/events", NULL, 0, NULL, NULL, 0, NULL},
    {"POST", "/events", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/events/{id}", NULL, 0, NULL, NULL, 0, NULL},
    {"PUT", "/events/{id}", NULL, 0, NULL, NULL, 0, NULL},
    {"DELETE", "/events/{id}", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/venues/{id}/halls/{hallId}", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/oauth/google", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/oauth/<provider>", NULL, 0, NULL, NULL, 0, NULL},
    {"POST", "/oauth/link", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/oauth/<provider>/callback", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/", NULL, 0, NULL, NULL, 0, NULL},
};
#define ROUTE_COUNT ARRAY_COUNT(routes)

static struct ctx ctx;
static struct request rq;
static char allow[64];

static int setup(void **state)
{
    (void)state;
    ctx.arena = arena_new(1u << 20);
    rq.ctx = &ctx;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&ctx.arena);
    return 0;
}

static enum route_match find(const char *method, const char *path, const struct route **route_r)
{
    return route_find(routes, ROUTE_COUNT, method, path, &rq, route_r, allow, sizeof allow);
}

static void assert_found(const char *method, const char *path, const char *pattern)
{
    const struct route *route = NULL;
    assert_int_equal(find(method, path, &route), ROUTE_FOUND);
    assert_string_equal(route->path, pattern);
}

static void assert_no_path(const char *path)
{
    const struct route *route = routes;
    if (find("GET", path, &route) != ROUTE_NO_PATH) {
        fail_msg("'%s' was found", path);
    }
    assert_ptr_equal(route, routes);
    assert_int_equal(rq.param_count, 0);
}

static void test_find_literal_path_is_found(void **state)
{
    (void)state;
    assert_found("GET", "/events", "/events");
    assert_found("GET", "/", "/");
    assert_int_equal(rq.param_count, 0);
}

static void test_find_uuid_segment_becomes_parameter(void **state)
{
    (void)state;
    assert_found("DELETE", "/events/" ID, "/events/{id}");
    assert_string_equal(request_param(&rq, "id"), ID);
    assert_found("GET", "/events/" ID_UPPER, "/events/{id}");
    assert_string_equal(request_param(&rq, "id"), ID);
    assert_found("GET", "/venues/" ID "/halls/" OTHER_ID, "/venues/{id}/halls/{hallId}");
    assert_string_equal(request_param(&rq, "id"), ID);
    assert_string_equal(request_param(&rq, "hallId"), OTHER_ID);
}

static void test_find_any_segment_keeps_its_case(void **state)
{
    (void)state;
    assert_found("GET", "/oauth/KaKao", "/oauth/<provider>");
    assert_string_equal(request_param(&rq, "provider"), "KaKao");
    assert_found("GET", "/oauth/google", "/oauth/google");
    assert_found("GET", "/oauth/google/callback", "/oauth/<provider>/callback");
}

static void test_find_other_paths_are_not_found(void **state)
{
    (void)state;
    assert_no_path("");
    assert_no_path("events");
    assert_no_path("/event");
    assert_no_path("/events/");
    assert_no_path("//events");
    assert_no_path("/events/" ID "/");
    assert_no_path("/events/" ID "/halls");
    assert_no_path("/oauth/");
    assert_no_path("/oauth//callback");
    assert_no_path("/oauth/a\nb");
    assert_no_path("/oauth/\xff");
}

static void test_find_other_method_lists_the_allowed(void **state)
{
    (void)state;
    const struct route *route = NULL;
    assert_int_equal(find("PATCH", "/events/" ID, &route), ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD, PUT, DELETE, OPTIONS");
    assert_int_equal(find("DELETE", "/events", &route), ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD, POST, OPTIONS");
    assert_int_equal(find("OPTIONS", "/events", &route), ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD, POST, OPTIONS");
    assert_int_equal(find("", "/events", &route), ROUTE_NO_METHOD);
    assert_null(route);
}

static void test_find_malformed_id_names_the_row_that_is_meant(void **state)
{
    (void)state;
    static const char *const paths[] = {"/events/x", "/events/" ID "x", "/events/7"};
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        const struct route *route = NULL;
        assert_int_equal(find("PUT", paths[i], &route), ROUTE_NO_ID);
        assert_string_equal(route->path, "/events/{id}");
        assert_string_equal(route->method, "PUT");
        assert_int_equal(rq.param_count, 0);
        assert_string_equal(allow, "");
    }
    const struct route *none = NULL;
    assert_int_equal(find("PATCH", "/events/x", &none), ROUTE_NO_PATH);
    assert_int_equal(find("OPTIONS", "/events/x", &none), ROUTE_NO_PATH);
    assert_int_equal(find("GET", "/venues/x/halls/", &none), ROUTE_NO_PATH);
    assert_null(none);
}

static void test_find_literal_goes_before_a_malformed_id(void **state)
{
    (void)state;
    static const struct route both[] = {
        {"GET", "/holds/{id}", NULL, 0, NULL, NULL, 0, NULL},
        {"POST", "/holds/new", NULL, 0, NULL, NULL, 0, NULL},
    };
    const struct route *route = NULL;
    assert_int_equal(route_find(both, 2, "GET", "/holds/new", &rq, &route, allow, sizeof allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "POST, OPTIONS");
    assert_int_equal(route_find(both, 2, "POST", "/holds/new", &rq, &route, allow, sizeof allow), ROUTE_FOUND);
}

static void test_find_head_is_a_get(void **state)
{
    (void)state;
    assert_found("HEAD", "/events", "/events");
}

static void test_find_listed_path_fits_no_row_with_parameters(void **state)
{
    (void)state;
    const struct route *route;
    assert_int_equal(find("GET", "/oauth/link", &route), ROUTE_NO_METHOD);
    assert_string_equal(allow, "POST, OPTIONS");
    assert_found("POST", "/oauth/link", "/oauth/link");
    assert_found("GET", "/oauth/linked", "/oauth/<provider>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_literal_path_is_found),
        cmocka_unit_test(test_find_uuid_segment_becomes_parameter),
        cmocka_unit_test(test_find_any_segment_keeps_its_case),
        cmocka_unit_test(test_find_other_paths_are_not_found),
        cmocka_unit_test(test_find_other_method_lists_the_allowed),
        cmocka_unit_test(test_find_malformed_id_names_the_row_that_is_meant),
        cmocka_unit_test(test_find_literal_goes_before_a_malformed_id),
        cmocka_unit_test(test_find_head_is_a_get),
        cmocka_unit_test(test_find_listed_path_fits_no_row_with_parameters),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
