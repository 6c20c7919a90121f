#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/redis.h"
#include "common/responder.h"
#include "common/service_key.h"
#include "common/token.h"

#define ID "0190f5a0-7c1e-7b3a-9c55-0123456789ab"
#define USER_ID "0190f5a0-7c1e-7b3a-9c55-0123456789ac"
#define SERVICE_KEY "7b0f6c1e-3f0a-4a83-9e0d-5d2c7b1a9f10"
#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

struct order {
    const char *name;
    int64_t amount;
};
SHAPE(order_shape, struct order, {"name", FIELD_STR, offsetof(struct order, name), FIELD_REQUIRED, 1, 20, NULL, NULL},
      {"amount", FIELD_INT, offsetof(struct order, amount), FIELD_REQUIRED, 1, 9, NULL, NULL});

struct paging {
    int64_t page;
};
SHAPE(paging_shape, struct paging, {"page", FIELD_INT, offsetof(struct paging, page), 0, 0, 9, NULL, NULL});

#define ERR_TEST_LIST(X)                                               \
    X(admission, "NOT_ADMITTED", 401, 0, "입장 불가", "Not admitted.") \
    X(busy, "BUSY", 503, ERR_RETRY, "혼잡", "Busy.")
ERR_TEST_LIST(ERR_DECLARE)
ERR_TEST_LIST(ERR_DEFINE)

/* What the last handler saw. */
static struct {
    int calls;
    int64_t amount;
    int64_t page;
    char user[64], key[300], queue_token[64], raw[64], agent[500], language[8];
    size_t raw_len;
} seen;

static void note(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "(none)");
}

static const struct err *handle(struct request *rq, struct reply *rp)
{
    const struct order *order = rq->body;
    const struct paging *args = rq->args;
    seen.calls++;
    if (order) {
        seen.amount = order->amount;
        assert_int_equal(strlen(rq->raw), rq->raw_len);
    }
    seen.page = args ? args->page : -1;
    seen.raw_len = rq->raw_len;
    note(seen.user, sizeof seen.user, rq->identity.user_id);
    note(seen.key, sizeof seen.key, rq->idempotency_key);
    note(seen.queue_token, sizeof seen.queue_token, rq->queue_token);
    note(seen.raw, sizeof seen.raw, rq->raw);
    note(seen.agent, sizeof seen.agent, rq->user_agent);
    note(seen.language, sizeof seen.language, rq->language);
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "client", rq->client_ip);
    json_close_object(out);
    return NULL;
}

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

static const struct route routes[] = {
    {"GET", "/open", handle, 0, NULL, &paging_shape, 0},
    {"POST", "/orders", handle, RT_IDEMPOTENT, &order_shape, NULL, 100},
    {"GET", "/mine", handle, RT_USER, NULL, NULL, 0},
    {"POST", "/admin", handle, RT_ADMIN, &order_shape, NULL, 0},
    {"GET", "/admitted", handle, RT_USER | RT_ADMITTED, NULL, NULL, 0},
    {"GET", "/internal/things/{id}", handle, RT_INTERNAL, NULL, NULL, 0},
    {"POST", "/raw", handle, RT_RAW, NULL, NULL, 16},
    {"GET", "/nothing", handle_nothing, 0, NULL, NULL, 0},
    {"GET", "/too-much", handle_too_much, 0, NULL, NULL, 0},
    {"GET", "/busy", handle_busy, 0, NULL, NULL, 0},
    {"GET", "/lost", handle_lost, 0, NULL, NULL, 0},
    {"GET", "/cached", handle_cached, 0, NULL, NULL, 0},
};
static const struct responder responder = {
    .name = "test",
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .admission_error = &err_admission,
};

/* ---- asking ---- */

static struct ctx ctx;
static struct arena *kept; /* replies and tokens: outlives the request */
static struct buf reply;

#define ENV_MAX 16
#define ENV(...) ((const char *const[ENV_MAX]){__VA_ARGS__})

static void ask_with_body(const char *method, const char *path, const char *const extra[ENV_MAX], const char *body,
                          size_t body_len)
{
    const char *env[ENV_MAX + 4] = {arena_printf(kept, "REQUEST_METHOD=%s", method),
                                    arena_printf(kept, "DOCUMENT_URI=%s", path), "REMOTE_ADDR=192.0.2.7"};
    for (size_t i = 0; i < ENV_MAX && extra[i]; i++) {
        env[i + 3] = extra[i];
    }
    memset(&seen, 0, sizeof seen);
    buf_init(&reply, kept, REPLY_HEAD_MAX + REPLY_BODY_MAX);
    responder_serve(&responder, &ctx, env, body, body_len, &reply);
}

static void ask(const char *method, const char *path, const char *const extra[ENV_MAX])
{
    ask_with_body(method, path, extra, "", 0);
}

static void post(const char *path, const char *const extra[ENV_MAX], const char *body)
{
    ask_with_body("POST", path, extra, body, strlen(body));
}

static const char *header(const char *name)
{
    const char *line = strstr(reply.data, arena_printf(kept, "\r\n%s: ", name));
    if (!line) {
        return "(none)";
    }
    line += strlen(name) + 4;
    return arena_memdup(kept, line, strcspn(line, "\r"));
}

static const char *body(void)
{
    return strstr(reply.data, "\r\n\r\n") + 4;
}

static const struct json *body_json(void)
{
    const struct json *root = NULL;
    const char *text = body();
    if (json_parse(kept, text, strlen(text), &root, NULL)) {
        fail_msg("the body is not JSON: '%s'", text);
    }
    return root;
}

static void assert_status(int status)
{
    if (strncmp(reply.data, arena_printf(kept, "Status: %d\r\n", status), 13) != 0) {
        fail_msg("not %d: %s", status, reply.data);
    }
}

/* A complete error body, and the handler was not called. */
static void assert_error(int status, const char *code)
{
    assert_status(status);
    const struct json *root = body_json();
    assert_string_equal(json_str(json_get(root, "code")), code);
    assert_true(strlen(json_str(json_get(root, "message"))) > 0);
    assert_string_equal(json_str(json_get(root, "traceId")), header("X-Trace-Id"));
    assert_string_equal(json_str(json_get(root, "timestamp")), "2026-06-01T19:00:00+09:00");
    assert_string_equal(header("Content-Type"), "application/json");
    assert_string_equal(header("Cache-Control"), "no-store");
    assert_int_equal(seen.calls, 0);
}

static const char *detail_field(void)
{
    return json_str(json_get(json_at(json_get(body_json(), "details"), 0), "field"));
}

static const char *bearer(const char *role)
{
    struct token_claims claims = {.subject = USER_ID, .role = role};
    const char *token = token_issue(&ctx, TOKEN_ACCESS, &claims);
    return arena_printf(kept, "HTTP_AUTHORIZATION=Bearer %s", token);
}

static int setup(void **state)
{
    (void)state;
    const char *why;
    cfg_token = (struct cfg_token){.keys = "k1:0123456789abcdef0123456789abcdef",
                                   .issuer = "boxoffice",
                                   .audience = "boxoffice",
                                   .access_s = 3600,
                                   .refresh_s = 7200};
    cfg_service.accepted = "queue:" SERVICE_KEY;
    cfg_redis.timeout_ms = 100;
    clock_freeze(INT64_C(1780308000) * CLOCK_SECOND);
    ctx = (struct ctx){.arena = arena_new(64u << 20), .redis = redis_new_at("unix:///nowhere/redis.sock")};
    kept = arena_new(512u << 20);
    ctx_begin(&ctx, NULL, NULL);
    return token_init(&why) && clock_set_zone("Asia/Seoul") ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&ctx.arena);
    arena_free(&kept);
    redis_free(&ctx.redis);
    clock_freeze(CLOCK_NONE);
    return 0;
}

/* ---- routes ---- */

static void test_get_answers_with_the_common_headers(void **state)
{
    (void)state;
    ask("GET", "/open", ENV("QUERY_STRING=page=3"));
    assert_status(200);
    assert_string_equal(body(), "{\"client\":\"192.0.2.7\"}");
    assert_string_equal(header("Content-Length"), "22");
    assert_string_equal(header("Cache-Control"), "no-store");
    assert_int_equal(strlen(header("X-Trace-Id")), 32);
    assert_int_equal(seen.page, 3);
    assert_string_equal(seen.user, "(none)");
}

static void test_unknown_path_is_404(void **state)
{
    (void)state;
    ask("GET", "/nowhere", ENV(NULL));
    assert_error(404, "NOT_FOUND");
    ask("GET", "", ENV(NULL));
    assert_error(404, "NOT_FOUND");
}

static void test_wrong_method_is_405_with_allow(void **state)
{
    (void)state;
    ask("DELETE", "/open", ENV(NULL));
    assert_error(405, "METHOD_NOT_ALLOWED");
    assert_string_equal(header("Allow"), "GET, HEAD");
    ask("", "/orders", ENV(NULL));
    assert_error(405, "METHOD_NOT_ALLOWED");
    assert_string_equal(header("Allow"), "POST");
}

static void test_head_has_the_headers_of_get_and_no_body(void **state)
{
    (void)state;
    ask("HEAD", "/cached", ENV(NULL));
    assert_status(200);
    assert_string_equal(header("Content-Length"), "5");
    assert_string_equal(header("Cache-Control"), "max-age=1");
    assert_string_equal(body(), "");
}

static void test_malformed_query_is_400(void **state)
{
    (void)state;
    ask("GET", "/open", ENV("QUERY_STRING=page=x"));
    assert_error(400, "INVALID_REQUEST");
    assert_string_equal(detail_field(), "page");
}

static void test_trace_of_the_caller_is_taken_over(void **state)
{
    (void)state;
    ask("GET", "/nowhere", ENV("HTTP_TRACEPARENT=00-" TRACE "-00f067aa0ba902b7-01"));
    assert_string_equal(header("X-Trace-Id"), TRACE);
    assert_string_equal(json_str(json_get(body_json(), "traceId")), TRACE);
    ask("GET", "/open", ENV("HTTP_X_TRACE_ID=" TRACE));
    assert_string_equal(header("X-Trace-Id"), TRACE);
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
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask("GET", "/open", ENV(cases[i].accept));
        assert_string_equal(seen.language, cases[i].language);
    }
    ask("GET", "/nowhere", ENV("HTTP_ACCEPT_LANGUAGE=en"));
    assert_string_equal(json_str(json_get(body_json(), "message")), err_not_found.en);
    ask("GET", "/nowhere", ENV(NULL));
    assert_string_equal(json_str(json_get(body_json(), "message")), err_not_found.ko);
}

static void test_user_agent_is_made_printable(void **state)
{
    (void)state;
    ask("GET", "/open", ENV("HTTP_USER_AGENT=a\xff\nb\xea\xb0\x80"));
    assert_string_equal(seen.agent, "a??b???");
}

/* ---- access ---- */

static void test_user_route_needs_a_token(void **state)
{
    (void)state;
    ask("GET", "/mine", ENV(NULL));
    assert_error(401, "TOKEN_MISSING");
    assert_string_equal(header("WWW-Authenticate"), "Bearer");
    ask("GET", "/mine", ENV("HTTP_AUTHORIZATION=Basic eDp5"));
    assert_error(401, "TOKEN_INVALID");
    ask("GET", "/mine", ENV("HTTP_AUTHORIZATION=Bearer x.y.z"));
    assert_error(401, "TOKEN_INVALID");
    ask("GET", "/mine", ENV("HTTP_AUTHORIZATION=Bearer "));
    assert_error(401, "TOKEN_INVALID");
}

static void test_user_route_takes_the_identity_of_the_token(void **state)
{
    (void)state;
    ask("GET", "/mine", ENV(bearer("USER")));
    assert_status(200);
    assert_string_equal(seen.user, USER_ID);
}

static void test_user_route_refuses_a_refresh_token(void **state)
{
    (void)state;
    struct token_claims claims = {.subject = USER_ID, .family = ID};
    const char *token = token_issue(&ctx, TOKEN_REFRESH, &claims);
    ask("GET", "/mine", ENV(arena_printf(kept, "HTTP_AUTHORIZATION=Bearer %s", token)));
    assert_error(401, "TOKEN_INVALID");
}

static void test_user_route_refuses_an_expired_token(void **state)
{
    (void)state;
    const char *authorization = bearer("USER");
    clock_freeze(clock_now() + 2 * 3600 * CLOCK_SECOND);
    ask("GET", "/mine", ENV(authorization));
    clock_freeze(INT64_C(1780308000) * CLOCK_SECOND);
    assert_status(401);
    assert_string_equal(json_str(json_get(body_json(), "code")), "TOKEN_EXPIRED");
}

static void test_admin_route_refuses_a_user_before_reading_the_body(void **state)
{
    (void)state;
    post("/admin", ENV(bearer("USER"), "CONTENT_TYPE=text/plain"), "no JSON");
    assert_error(403, "FORBIDDEN");
    post("/admin", ENV(bearer("ADMIN"), "CONTENT_TYPE=application/json"), "{\"name\":\"x\",\"amount\":2}");
    assert_status(200);
}

static void test_admitted_route_needs_a_well_formed_queue_token(void **state)
{
    (void)state;
    static const char *const bad[] = {"HTTP_X_QUEUE_TOKEN=", "HTTP_X_QUEUE_TOKEN=" ID, "HTTP_X_QUEUE_TOKEN=qr_x",
                                      "HTTP_X_QUEUE_TOKEN=qr_" ID "0", "HTTP_X_QUEUE_TOKEN=QR_" ID};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask("GET", "/admitted", ENV(bearer("USER"), bad[i]));
        assert_error(401, "NOT_ADMITTED");
    }
    ask("GET", "/admitted", ENV("HTTP_X_QUEUE_TOKEN=qr_" ID));
    assert_error(401, "TOKEN_MISSING");
    ask("GET", "/admitted", ENV(bearer("USER"), "HTTP_X_QUEUE_TOKEN=qr_" ID));
    assert_status(200);
    assert_string_equal(seen.queue_token, "qr_" ID);
}

static void test_internal_route_needs_a_known_key(void **state)
{
    (void)state;
    ask("GET", "/internal/things/" ID, ENV(NULL));
    assert_error(401, "SERVICE_KEY_INVALID");
    ask("GET", "/internal/things/" ID, ENV("HTTP_X_SERVICE_API_KEY=" ID));
    assert_error(401, "SERVICE_KEY_INVALID");
    ask("GET", "/internal/things/" ID, ENV("HTTP_X_SERVICE_API_KEY=" SERVICE_KEY));
    assert_status(200);
}

static void test_idempotency_key_is_unquoted(void **state)
{
    (void)state;
    static const char order[] = "{\"name\":\"x\",\"amount\":2}";
    post("/orders", ENV("CONTENT_TYPE=application/json"), order);
    assert_string_equal(seen.key, "(none)");
    post("/orders", ENV("CONTENT_TYPE=application/json", "HTTP_IDEMPOTENCY_KEY=\"" ID "\""), order);
    assert_string_equal(seen.key, ID);
    post("/orders", ENV("CONTENT_TYPE=application/json", "HTTP_IDEMPOTENCY_KEY=abcdefghijklmno_"), order);
    assert_string_equal(seen.key, "abcdefghijklmno_");
}

static void test_idempotency_key_malformed_is_400(void **state)
{
    (void)state;
    char too_long[300] = "HTTP_IDEMPOTENCY_KEY=";
    memset(too_long + strlen(too_long), 'a', 257);
    const char *bad[] = {"HTTP_IDEMPOTENCY_KEY=short",    "HTTP_IDEMPOTENCY_KEY=\"" ID,
                         "HTTP_IDEMPOTENCY_KEY=" ID "\"", "HTTP_IDEMPOTENCY_KEY=0123456789 0123456789",
                         "HTTP_IDEMPOTENCY_KEY=\"\"",     too_long};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        post("/orders", ENV("CONTENT_TYPE=application/json", bad[i]), "{\"name\":\"x\",\"amount\":2}");
        assert_error(400, "INVALID_REQUEST");
        assert_string_equal(detail_field(), "Idempotency-Key");
    }
}

/* ---- bodies ---- */

static void test_body_is_bound_and_kept(void **state)
{
    (void)state;
    static const char *const types[] = {"CONTENT_TYPE=application/json", "CONTENT_TYPE=Application/JSON",
                                        "CONTENT_TYPE=application/json; charset=UTF-8",
                                        "CONTENT_TYPE=application/json;charset=\"utf-8\""};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        post("/orders", ENV(types[i]), "{\"name\":\"x\",\"amount\":2}");
        assert_status(200);
        assert_int_equal(seen.amount, 2);
        assert_string_equal(seen.raw, "{\"name\":\"x\",\"amount\":2}");
    }
}

static void test_body_of_another_type_is_415(void **state)
{
    (void)state;
    static const char *const types[] = {"CONTENT_TYPE=", "CONTENT_TYPE=text/json", "CONTENT_TYPE=application/jsonx",
                                        "CONTENT_TYPE=application/json; charset=euc-kr",
                                        "CONTENT_TYPE=application/x-www-form-urlencoded"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        post("/orders", ENV(types[i]), "{\"name\":\"x\",\"amount\":2}");
        assert_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
}

static void test_body_beyond_the_limit_is_413(void **state)
{
    (void)state;
    post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=101"), "{}");
    assert_error(413, "PAYLOAD_TOO_LARGE");
    post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=99999999999999999999999"), "{}");
    assert_error(413, "PAYLOAD_TOO_LARGE");
}

static void test_body_cut_short_is_400(void **state)
{
    (void)state;
    post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=30"), "{\"name\":\"x\",\"amount\":2}");
    assert_error(400, "INVALID_REQUEST");
    assert_string_equal(detail_field(), "body");
}

static void test_body_length_malformed_is_400(void **state)
{
    (void)state;
    post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=-1"), "{}");
    assert_error(400, "INVALID_REQUEST");
    post("/orders", ENV("CONTENT_TYPE=application/json", "CONTENT_LENGTH=2x"), "{}");
    assert_error(400, "INVALID_REQUEST");
}

static void test_body_empty_is_400(void **state)
{
    (void)state;
    post("/orders", ENV(NULL), "");
    assert_error(400, "INVALID_REQUEST");
    assert_string_equal(detail_field(), "body");
}

static void test_body_mistakes_are_told_in_order(void **state)
{
    (void)state;
    post("/orders", ENV("CONTENT_TYPE=application/json"), "{\"amount\":0,\"extra\":1}");
    assert_error(400, "INVALID_REQUEST");
    const struct json *details = json_get(body_json(), "details");
    assert_int_equal(json_count(details), 3);
    assert_string_equal(json_str(json_get(json_at(details, 0), "field")), "name");
    assert_string_equal(json_str(json_get(json_at(details, 1), "field")), "amount");
    assert_string_equal(json_str(json_get(json_at(details, 2), "field")), "extra");
}

static void test_raw_body_of_any_type_is_handed_over(void **state)
{
    (void)state;
    post("/raw", ENV("CONTENT_TYPE=text/plain"), "no JSON");
    assert_status(200);
    assert_string_equal(seen.raw, "no JSON");
    post("/raw", ENV(NULL), "");
    assert_status(200);
    assert_int_equal(seen.raw_len, 0);
    post("/raw", ENV(NULL), "12345678901234567");
    assert_error(413, "PAYLOAD_TOO_LARGE");
}

static void test_body_of_a_route_without_one_is_not_read(void **state)
{
    (void)state;
    ask_with_body("GET", "/open", ENV("CONTENT_LENGTH=99999999"), "x", 1);
    assert_status(200);
    assert_int_equal(seen.raw_len, 0);
}

/* ---- handlers ---- */

static void test_handler_error_discards_what_it_wrote(void **state)
{
    (void)state;
    ask("GET", "/busy", ENV("HTTP_ACCEPT_LANGUAGE=en"));
    assert_error(503, "BUSY");
    assert_string_equal(json_str(json_get(body_json(), "message")), "Busy.");
    assert_string_equal(header("Retry-After"), "7");
    assert_string_equal(header("X-Half-Done"), "(none)");
    assert_null(json_get(body_json(), "details"));
}

static void test_handler_without_reply_is_500(void **state)
{
    (void)state;
    ask("GET", "/nothing", ENV(NULL));
    assert_error(500, "INTERNAL_ERROR");
}

static void test_handler_with_too_long_a_reply_is_500(void **state)
{
    (void)state;
    ask("GET", "/too-much", ENV(NULL));
    assert_error(500, "INTERNAL_ERROR");
}

static void test_handler_that_drops_the_reply_writes_nothing(void **state)
{
    (void)state;
    ask("GET", "/lost", ENV(NULL));
    assert_int_equal(reply.len, 0);
}

static void test_health_without_needs_is_up(void **state)
{
    (void)state;
    ask("GET", "/internal/health", ENV(NULL));
    assert_status(200);
    assert_string_equal(body(), "{\"status\":\"UP\"}");
    ask("GET", "/internal/health/test", ENV(NULL));
    assert_status(200);
    ask("GET", "/internal/health/other", ENV(NULL));
    assert_error(404, "NOT_FOUND");
}

static void test_health_with_a_store_away_is_down(void **state)
{
    (void)state;
    const struct responder needy = {.name = "needy", .routes = routes, .route_count = 1, .needs = NEED_REDIS};
    buf_init(&reply, kept, 65536);
    responder_serve(&needy, &ctx, ENV("REQUEST_METHOD=GET", "DOCUMENT_URI=/internal/health"), "", 0, &reply);
    assert_status(503);
    assert_string_equal(body(), "{\"status\":\"DOWN\"}");
    assert_string_equal(header("Retry-After"), "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get_answers_with_the_common_headers),
        TEST(test_unknown_path_is_404),
        TEST(test_wrong_method_is_405_with_allow),
        TEST(test_head_has_the_headers_of_get_and_no_body),
        TEST(test_malformed_query_is_400),
        TEST(test_trace_of_the_caller_is_taken_over),
        TEST(test_language_follows_the_client),
        TEST(test_user_agent_is_made_printable),
        TEST(test_user_route_needs_a_token),
        TEST(test_user_route_takes_the_identity_of_the_token),
        TEST(test_user_route_refuses_a_refresh_token),
        TEST(test_user_route_refuses_an_expired_token),
        TEST(test_admin_route_refuses_a_user_before_reading_the_body),
        TEST(test_admitted_route_needs_a_well_formed_queue_token),
        TEST(test_internal_route_needs_a_known_key),
        TEST(test_idempotency_key_is_unquoted),
        TEST(test_idempotency_key_malformed_is_400),
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
