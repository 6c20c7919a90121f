/* What of HTTP stands around a handler: paths and methods, headers, bodies, its reply, health. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "tests/support/caller.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

#define ERR_TEST_LIST(X) X(busy, "BUSY", 503, ERR_RETRY, "혼잡", "Busy.")
ERR_TEST_LIST(ERR_DECLARE)
ERR_TEST_LIST(ERR_DEFINE)

static const struct err *handle_nothing(struct request *rq, struct reply *rp)
{
    (void)rq;
    (void)rp;
    return NULL;
}

static const struct err *handle_too_much(struct request *rq, struct reply *rp)
{
    reply_bytes(rp, 200, "text/plain", arena_alloc(rq->ctx->arena, REPLY_BODY_MAX), REPLY_BODY_MAX);
    buf_char(&rp->body, 'x');
    return NULL;
}

static const struct err *handle_busy(struct request *rq, struct reply *rp)
{
    reply_header(rp, "X-Half-Done", "1");
    json_open_object(reply_json(rp, 200), NULL);
    rq->ctx->retry_after_s = 7;
    (void)ctx_invalid(rq->ctx, "status", "of a provider's answer");
    return &err_busy;
}

static const struct err *handle_lost(struct request *rq, struct reply *rp)
{
    (void)rq;
    rp->dropped = true;
    return NULL;
}

static const struct err *handle_cached(struct request *rq, struct reply *rp)
{
    (void)rq;
    reply_bytes(rp, 200, "text/plain", "hello", 5);
    reply_header(rp, "Cache-Control", "max-age=1");
    return NULL;
}

/* ---- in halves ---- */

static const struct err *answer_state(struct request *rq, struct reply *rp)
{
    reply_bytes(rp, 200, "text/plain", rq->state, strlen(rq->state));
    return NULL;
}

static const struct err *handle_waiting(struct request *rq, struct reply *rp)
{
    static char state[] = "from the first half";
    (void)rp;
    request_wait(rq, answer_state, state);
    return NULL;
}

static const struct err *ask_nobody(struct request *rq, request_lost *lost)
{
    struct redis_pipe *pipe = redis_pipe_new(rq->ctx);
    redis_pipe_begin(pipe, 1); /* and no argument: it cannot be sent */
    request_ask(rq, pipe, answer_state, NULL);
    request_on_lost(rq, lost);
    return NULL;
}

static const struct err *handle_asking(struct request *rq, struct reply *rp)
{
    (void)rp;
    return ask_nobody(rq, NULL);
}

static const struct err *lost_is_busy(struct request *rq, const struct err *e)
{
    (void)rq;
    assert_ptr_equal(e, &err_internal);
    return &err_busy;
}

static const struct err *handle_asking_in_vain(struct request *rq, struct reply *rp)
{
    (void)rp;
    return ask_nobody(rq, lost_is_busy);
}

static const struct route routes[] = {
    {"POST", "/waiting", handle_waiting, 0, NULL, NULL, 0, NULL},
    {"POST", "/asking", handle_asking, 0, NULL, NULL, 0, NULL},
    {"POST", "/asking-in-vain", handle_asking_in_vain, 0, NULL, NULL, 0, NULL},
    {"GET", "/open", caller_handle, 0, NULL, &caller_paging_shape, 0, NULL},
    {"POST", "/orders", caller_handle, RT_IDEMPOTENT, &caller_order_shape, NULL, 100, NULL},
    {"POST", "/raw", caller_handle, RT_RAW, NULL, NULL, 16, NULL},
    {"GET", "/nothing", handle_nothing, 0, NULL, NULL, 0, NULL},
    {"GET", "/too-much", handle_too_much, 0, NULL, NULL, 0, NULL},
    {"GET", "/busy", handle_busy, 0, NULL, NULL, 0, NULL},
    {"GET", "/lost", handle_lost, 0, NULL, NULL, 0, NULL},
    {"GET", "/cached", handle_cached, 0, NULL, NULL, 0, NULL},
    {"GET", "/stand-in", caller_handle, RT_ANY_QUERY, NULL, NULL, 0, NULL},
};
static const struct responder responder = {.name = "test", .routes = routes, .route_count = ARRAY_COUNT(routes)};

static int set_up(void **state)
{
    (void)state;
    return caller_open(&responder);
}

/* ---- routes ---- */

static void test_get_answers_with_the_common_headers(void **state)
{
    (void)state;
    caller_ask("GET", "/open", ENV("QUERY_STRING=page=3"));
    caller_assert_status(200);
    assert_string_equal(caller_body(), "{\"client\":\"192.0.2.7\"}");
    assert_string_equal(caller_header("Content-Length"), "22");
    assert_string_equal(caller_header("Cache-Control"), "no-store");
    assert_int_equal(strlen(caller_header("X-Trace-Id")), 32);
    assert_int_equal(caller.seen.page, 3);
    assert_string_equal(caller.seen.user, "(none)");
}

static void test_half_that_asks_nothing_is_followed_by_the_next(void **state)
{
    (void)state;
    caller_ask("POST", "/waiting", ENV(NULL));
    caller_assert_status(200);
    assert_string_equal(caller_body(), "from the first half");
}

static void test_failed_exchange_is_the_answer_or_what_the_handler_makes_of_it(void **state)
{
    (void)state;
    caller_ask("POST", "/asking", ENV(NULL));
    caller_assert_error(500, "INTERNAL_ERROR");
    caller_ask("POST", "/asking-in-vain", ENV(NULL));
    caller_assert_error(503, "BUSY");
}

static void test_unknown_path_is_404(void **state)
{
    (void)state;
    caller_ask("GET", "/nowhere", ENV(NULL));
    caller_assert_error(404, "NOT_FOUND");
    caller_ask("GET", "", ENV(NULL));
    caller_assert_error(404, "NOT_FOUND");
}

static void test_wrong_method_is_405_with_allow(void **state)
{
    (void)state;
    caller_ask("DELETE", "/open", ENV(NULL));
    caller_assert_error(405, "METHOD_NOT_ALLOWED");
    assert_string_equal(caller_header("Allow"), "GET, HEAD, OPTIONS");
    caller_ask("", "/orders", ENV(NULL));
    caller_assert_error(405, "METHOD_NOT_ALLOWED");
    assert_string_equal(caller_header("Allow"), "POST, OPTIONS");
}

static void test_options_names_the_methods_and_does_nothing(void **state)
{
    (void)state;
    caller_ask("OPTIONS", "/open", ENV("QUERY_STRING=nothing=1"));
    caller_assert_status(204);
    assert_string_equal(caller_header("Allow"), "GET, HEAD, OPTIONS");
    assert_int_equal(caller.seen.calls, 0);
    caller_ask("OPTIONS", "/nowhere", ENV(NULL));
    caller_assert_error(404, "NOT_FOUND");
}

static void test_head_has_the_headers_of_get_and_no_body(void **state)
{
    (void)state;
    caller_ask("HEAD", "/cached", ENV(NULL));
    caller_assert_status(200);
    assert_string_equal(caller_header("Content-Length"), "5");
    assert_string_equal(caller_header("Cache-Control"), "max-age=1");
    assert_string_equal(caller_body(), "");
}

static void test_malformed_query_is_400(void **state)
{
    (void)state;
    caller_ask("GET", "/open", ENV("QUERY_STRING=page=x"));
    caller_assert_error(400, "INVALID_REQUEST");
    assert_string_equal(caller_detail_field(), "page");
}

static void test_query_of_a_route_that_knows_none_is_400(void **state)
{
    (void)state;
    static const char *const queries[] = {"QUERY_STRING=page=1", "QUERY_STRING=_=1733", "QUERY_STRING=x"};
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        caller_ask("GET", "/cached", ENV(queries[i]));
        caller_assert_error(400, "INVALID_REQUEST");
        caller_ask_with_body("POST", "/orders", ENV("CONTENT_TYPE=application/json", queries[i]),
                             "{\"name\":\"x\",\"amount\":2}", 23);
        caller_assert_error(400, "INVALID_REQUEST");
        caller_ask("GET", "/stand-in", ENV(queries[i]));
        caller_assert_status(200);
    }
    caller_ask("GET", "/cached", ENV("QUERY_STRING="));
    caller_assert_status(200);
    caller_ask("GET", "/open", ENV("QUERY_STRING=page=1&page=1"));
    caller_assert_error(400, "INVALID_REQUEST");
    assert_string_equal(caller_detail_field(), "page");
}

static void test_trace_of_the_caller_is_taken_over(void **state)
{
    (void)state;
    caller_ask("GET", "/nowhere", ENV("HTTP_TRACEPARENT=00-" TRACE "-00f067aa0ba902b7-01"));
    assert_string_equal(caller_header("X-Trace-Id"), TRACE);
    assert_string_equal(json_str(json_get(caller_json(), "traceId")), TRACE);
    caller_ask("GET", "/open", ENV("HTTP_X_TRACE_ID=" TRACE));
    assert_string_equal(caller_header("X-Trace-Id"), TRACE);
}

static void test_language_follows_the_client(void **state)
{
    (void)state;
    static const struct {
        const char *accept, *language;
    } cases[] = {
        {"HTTP_ACCEPT_LANGUAGE=", "ko"},
        {"HTTP_ACCEPT_LANGUAGE=en", "en"},
        {"HTTP_ACCEPT_LANGUAGE=en-US,en;q=0.9", "en"},
        {"HTTP_ACCEPT_LANGUAGE=ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"},
        {"HTTP_ACCEPT_LANGUAGE=ko;q=0.5, en;q=0.8", "en"},
        {"HTTP_ACCEPT_LANGUAGE=fr, de;q=0.5", "ko"},
        {"HTTP_ACCEPT_LANGUAGE=en;q=0", "ko"},
        {"HTTP_ACCEPT_LANGUAGE=eng,*", "ko"},
        {"HTTP_ACCEPT_LANGUAGE=ko-KR,ko;q=0.9,en", "ko"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        caller_ask("GET", "/open", ENV(cases[i].accept));
        assert_string_equal(caller.seen.language, cases[i].language);
    }
    caller_ask("GET", "/nowhere", ENV("HTTP_ACCEPT_LANGUAGE=en"));
    assert_string_equal(json_str(json_get(caller_json(), "message")), err_not_found.en);
    caller_ask("GET", "/nowhere", ENV(NULL));
    assert_string_equal(json_str(json_get(caller_json(), "message")), err_not_found.ko);
}

static void test_user_agent_is_made_printable(void **state)
{
    (void)state;
    caller_ask("GET", "/open", ENV("HTTP_USER_AGENT=a\xff\nb\xea\xb0\x80"));
    assert_string_equal(caller.seen.agent, "a??b???");
}

/* ---- bodies ---- */

static void test_body_is_bound_and_kept(void **state)
{
    (void)state;
    static const char *const types[] = {"CONTENT_TYPE=application/json", "CONTENT_TYPE=Application/JSON",
                                        "CONTENT_TYPE=application/json; charset=UTF-8",
                                        "CONTENT_TYPE=application/json;charset=\"utf-8\""};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        caller_post("/orders", ENV(types[i]), "{\"name\":\"x\",\"amount\":2}");
        caller_assert_status(200);
        assert_int_equal(caller.seen.amount, 2);
        assert_string_equal(caller.seen.raw, "{\"name\":\"x\",\"amount\":2}");
    }
}

static void test_body_of_another_type_is_415(void **state)
{
    (void)state;
    static const char *const types[] = {"CONTENT_TYPE=", "CONTENT_TYPE=text/json", "CONTENT_TYPE=application/jsonx",
                                        "CONTENT_TYPE=application/json; charset=euc-kr",
                                        "CONTENT_TYPE=application/x-www-form-urlencoded"};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        caller_post("/orders", ENV(types[i]), "{\"name\":\"x\",\"amount\":2}");
        caller_assert_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
}

static void test_body_beyond_the_limit_is_413(void **state)
{
    (void)state;
    caller_post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=101"), "{}");
    caller_assert_error(413, "PAYLOAD_TOO_LARGE");
    caller_post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=99999999999999999999999"), "{}");
    caller_assert_error(413, "PAYLOAD_TOO_LARGE");
}

static void test_body_cut_short_is_400(void **state)
{
    (void)state;
    caller_post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=30"), "{\"name\":\"x\",\"amount\":2}");
    caller_assert_error(400, "INVALID_REQUEST");
    assert_string_equal(caller_detail_field(), "body");
}

static void test_body_length_malformed_is_400(void **state)
{
    (void)state;
    caller_post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=-1"), "{}");
    caller_assert_error(400, "INVALID_REQUEST");
    caller_post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=2x"), "{}");
    caller_assert_error(400, "INVALID_REQUEST");
}

static void test_body_empty_is_400(void **state)
{
    (void)state;
    caller_post("/orders", ENV(NULL), "");
    caller_assert_error(400, "INVALID_REQUEST");
    assert_string_equal(caller_detail_field(), "body");
}

static void test_body_mistakes_are_told_in_order(void **state)
{
    (void)state;
    caller_post("/orders", ENV("CONTENT_TYPE=application/json"), "{\"amount\":0,\"extra\":1}");
    caller_assert_error(400, "INVALID_REQUEST");
    const struct json *details = json_get(caller_json(), "details");
    assert_int_equal(json_count(details), 3);
    assert_string_equal(json_str(json_get(json_at(details, 0), "field")), "name");
    assert_string_equal(json_str(json_get(json_at(details, 1), "field")), "amount");
    assert_string_equal(json_str(json_get(json_at(details, 2), "field")), "extra");
}

static void test_raw_body_of_any_type_is_handed_over(void **state)
{
    (void)state;
    caller_post("/raw", ENV("CONTENT_TYPE=text/plain"), "no JSON");
    caller_assert_status(200);
    assert_string_equal(caller.seen.raw, "no JSON");
    caller_post("/raw", ENV(NULL), "");
    caller_assert_status(200);
    assert_int_equal(caller.seen.raw_len, 0);
    caller_post("/raw", ENV(NULL), "12345678901234567");
    caller_assert_error(413, "PAYLOAD_TOO_LARGE");
}

static void test_body_of_a_route_without_one_is_not_read(void **state)
{
    (void)state;
    caller_ask_with_body("GET", "/open", ENV("CONTENT_LENGTH=99999999"), "x", 1);
    caller_assert_status(200);
    assert_int_equal(caller.seen.raw_len, 0);
}

/* ---- handlers ---- */

static void test_handler_error_discards_what_it_wrote(void **state)
{
    (void)state;
    caller_ask("GET", "/busy", ENV("HTTP_ACCEPT_LANGUAGE=en"));
    caller_assert_error(503, "BUSY");
    assert_string_equal(json_str(json_get(caller_json(), "message")), "Busy.");
    assert_string_equal(caller_header("Retry-After"), "7");
    assert_string_equal(caller_header("X-Half-Done"), "(none)");
    assert_null(json_get(caller_json(), "details"));
}

static void test_handler_without_reply_is_500(void **state)
{
    (void)state;
    caller_ask("GET", "/nothing", ENV(NULL));
    caller_assert_error(500, "INTERNAL_ERROR");
}

static void test_handler_with_too_long_a_reply_is_500(void **state)
{
    (void)state;
    caller_ask("GET", "/too-much", ENV(NULL));
    caller_assert_error(500, "INTERNAL_ERROR");
}

static void test_handler_that_drops_the_reply_writes_nothing(void **state)
{
    (void)state;
    caller_ask("GET", "/lost", ENV(NULL));
    assert_int_equal(caller.reply.len, 0);
}

static void test_health_without_needs_is_up(void **state)
{
    (void)state;
    caller_ask("GET", "/internal/health", ENV(NULL));
    caller_assert_status(200);
    assert_string_equal(caller_body(), "{\"status\":\"UP\"}");
    caller_ask("GET", "/internal/health/test", ENV(NULL));
    caller_assert_status(200);
    caller_ask("GET", "/internal/health/other", ENV(NULL));
    caller_assert_error(404, "NOT_FOUND");
}

static void test_health_with_a_store_away_is_down(void **state)
{
    (void)state;
    const struct responder needy = {.name = "needy", .routes = routes, .route_count = 1, .needs = NEED_REDIS};
    caller_turn_to(&needy);
    caller_ask("GET", "/internal/health", ENV(NULL));
    caller_assert_status(503);
    assert_string_equal(caller_body(), "{\"status\":\"DOWN\"}");
    assert_string_equal(caller_header("Retry-After"), "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, caller_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get_answers_with_the_common_headers),
        TEST(test_half_that_asks_nothing_is_followed_by_the_next),
        TEST(test_failed_exchange_is_the_answer_or_what_the_handler_makes_of_it),
        TEST(test_unknown_path_is_404),
        TEST(test_wrong_method_is_405_with_allow),
        TEST(test_options_names_the_methods_and_does_nothing),
        TEST(test_head_has_the_headers_of_get_and_no_body),
        TEST(test_malformed_query_is_400),
        TEST(test_query_of_a_route_that_knows_none_is_400),
        TEST(test_trace_of_the_caller_is_taken_over),
        TEST(test_language_follows_the_client),
        TEST(test_user_agent_is_made_printable),
        TEST(test_body_is_bound_and_kept),
        TEST(test_body_of_another_type_is_415),
        TEST(test_body_beyond_the_limit_is_413),
        TEST(test_body_cut_short_is_400),
        TEST(test_body_length_malformed_is_400),
        TEST(test_body_empty_is_400),
        TEST(test_body_mistakes_are_told_in_order),
        TEST(test_raw_body_of_any_type_is_handed_over),
        TEST(test_body_of_a_route_without_one_is_not_read),
        TEST(test_handler_error_discards_what_it_wrote),
        TEST(test_handler_without_reply_is_500),
        TEST(test_handler_with_too_long_a_reply_is_500),
        TEST(test_handler_that_drops_the_reply_writes_nothing),
        TEST(test_health_without_needs_is_up),
        TEST(test_health_with_a_store_away_is_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
