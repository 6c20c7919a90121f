/* The contracts between services: event payloads, admission tokens, and the clients of /internal (INT-001, PAY-005). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/contract/events.h"
#include "src/contract/queue_token.h"
#include "src/contract/reservation_api.h"
#include "src/contract/schedule.h"
#include "tests/support/fixture.h"

#define KEY "5f0c2c1e-5b1c-4b7e-9c67-3f1f6f3a2b10"
#define REQUEST_MAX 4096

/* ---- a service that gives one answer to everything ---- */

struct canned {
    int status;
    const char *body;
    const char *changed; /* a schedule that is changed while the answer is on its way; NULL: none */
};

struct seen { /* shared with the child */
    int requests;
    char last[REQUEST_MAX];
};

struct bench {
    struct ctx *ctx;
    struct seen *seen;
    pid_t server;
    char url[64];
    const char *id;
};

/* Reads a request to the end of its body. */
static void read_request(int peer, char request[REQUEST_MAX])
{
    size_t len = 0;
    size_t want = REQUEST_MAX - 1;
    while (len < want) {
        ssize_t got = read(peer, request + len, want - len);
        if (got <= 0) {
            break;
        }
        len += (size_t)got;
        request[len] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strcasestr(request, "content-length:");
        if (end != NULL) {
            size_t body = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
            want = (size_t)(end - request) + 4 + body;
        }
    }
}

static void serve(int fd, struct seen *seen, const struct canned *canned)
{
    for (;;) {
        char answer[REQUEST_MAX];
        int peer = accept(fd, NULL, NULL);
        if (peer < 0) {
            _exit(1);
        }
        read_request(peer, seen->last);
        seen->requests++;
        if (canned->changed) {
            struct ctx *own = fixture_ctx(NULL, NEED_REDIS);
            schedule_forget(own, canned->changed);
            fixture_free(&own);
        }
        int len = snprintf(answer, sizeof answer,
                           "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                           "Connection: close\r\n\r\n%s",
                           canned->status, strlen(canned->body), canned->body);
        if (write(peer, answer, (size_t)len) != len) {
            _exit(1);
        }
        close(peer);
    }
}

static void start_canned(struct bench *bench, struct canned canned)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(bench->url, sizeof bench->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    cfg_service.internal_url = bench->url;
    bench->server = fork();
    assert_true(bench->server >= 0);
    if (bench->server == 0) {
        serve(fd, bench->seen, &canned);
    }
    close(fd);
}

static void start_service(struct bench *bench, int status, const char *body)
{
    start_canned(bench, (struct canned){.status = status, .body = body});
}

static void stop_service(struct bench *bench)
{
    if (bench->server > 0) {
        kill(bench->server, SIGKILL);
        waitpid(bench->server, NULL, 0);
    }
    bench->server = 0;
}

static int setup(void **state)
{
    static struct bench bench;
    bench = (struct bench){.ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP), .id = fixture_uuid()};
    bench.seen = mmap(NULL, sizeof *bench.seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, /* fd= */ -1, 0);
    assert_ptr_not_equal(bench.seen, MAP_FAILED);
    cfg_service.key = KEY;
    cfg_service.internal_url = "http://127.0.0.1:1";
    schedule_forget(bench.ctx, bench.id); /* nor that the service was away for the last test */
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    stop_service(bench);
    munmap(bench->seen, sizeof *bench->seen);
    fixture_free(&bench->ctx);
    return 0;
}

/* ---- schedules ---- */

static const char *schedule_json(struct bench *bench)
{
    return arena_printf(bench->ctx->arena,
                        "{\"scheduleId\":\"%s\",\"eventId\":\"%s\",\"eventTitle\":\"공연\",\"artist\":\"A\","
                        "\"venueName\":\"V\",\"hallName\":\"H\",\"status\":\"OPEN\","
                        "\"eventStartAt\":\"2026-06-01T19:00:00+09:00\",\"eventEndAt\":\"2026-06-01T21:00:00+09:00\","
                        "\"saleStartAt\":\"2026-05-01T20:00:00+09:00\",\"saleEndAt\":\"2026-06-01T18:00:00+09:00\","
                        "\"admissionRate\":100,\"queueCapacity\":50000,\"later\":1}",
                        bench->id, bench->id);
}

static void test_schedule_is_asked_once_then_cached(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    start_service(bench, 200, schedule_json(bench));
    for (int i = 0; i < 3; i++) {
        assert_null(schedule_get(bench->ctx, bench->id, &schedule));
        assert_string_equal(schedule.event_title, "공연");
        assert_int_equal(schedule.admission_rate, 100);
    }
    assert_int_equal(bench->seen->requests, 1);
    assert_non_null(strstr(bench->seen->last, "X-Service-Api-Key: " KEY));
    assert_non_null(strstr(bench->seen->last, bench->id));
    schedule_forget(bench->ctx, bench->id);
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    assert_int_equal(bench->seen->requests, 2);
}

static void test_schedule_own_copy_serves_for_its_moment(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    cfg_schedule.local_ms = 1000;
    start_service(bench, 200, schedule_json(bench));
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    const char *key = arena_printf(bench->ctx->arena, "schedule:{%s}:info", bench->id);
    assert_null(REDIS_RUN(bench->ctx, NULL, "SET", key, "-", "EX", "60"));
    schedule = (struct schedule){0};
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    assert_string_equal(schedule.event_title, "공연");
    clock_skip(2 * CLOCK_SECOND);
    assert_ptr_equal(schedule_get(bench->ctx, bench->id, &schedule), &err_not_found);
    cfg_schedule.local_ms = 0;
}

/* Its copy has grown old: `name` holds the right to fetch a new one; "" nobody does. */
static void make_old(struct bench *bench, const char *name)
{
    struct arena *arena = bench->ctx->arena;
    assert_null(REDIS_RUN(bench->ctx, NULL, "PEXPIRE", arena_printf(arena, "schedule:{%s}:info", bench->id), "50000"));
    if (*name) {
        assert_null(REDIS_RUN(bench->ctx, NULL, "SET", arena_printf(arena, "schedule:{%s}:fetching", bench->id), name));
    }
}

/* While one process fetches a new copy, everybody else goes on with the old one. */
static void test_schedule_old_copy_serves_a_crowd_while_one_fetches(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    start_service(bench, 200, schedule_json(bench));
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    make_old(bench, "somebody else");
    for (int i = 0; i < 3; i++) {
        schedule = (struct schedule){0};
        assert_null(schedule_get(bench->ctx, bench->id, &schedule));
        assert_string_equal(schedule.event_title, "공연");
    }
    assert_int_equal(bench->seen->requests, 1);
}

static void test_schedule_old_copy_is_fetched_anew_by_one(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    start_service(bench, 200, schedule_json(bench));
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    make_old(bench, "");
    for (int i = 0; i < 3; i++) {
        assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    }
    assert_int_equal(bench->seen->requests, 2);
}

static void test_schedule_changed_while_it_is_fetched_is_old_at_once(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    start_canned(bench, (struct canned){.status = 200, .body = schedule_json(bench), .changed = bench->id});
    for (int i = 0; i < 3; i++) {
        assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    }
    assert_int_equal(bench->seen->requests, 3);
}

static void test_schedule_old_copy_serves_while_the_service_is_away(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    start_service(bench, 200, schedule_json(bench));
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    stop_service(bench);
    make_old(bench, "");
    schedule = (struct schedule){0};
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    assert_string_equal(schedule.event_title, "공연");
}

/* Everybody whom the process serves waits for such a question: it is not asked again and again. */
static void test_schedule_service_that_does_not_answer_is_left_alone(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    start_service(bench, 500, "{}");
    for (int i = 0; i < 5; i++) {
        assert_ptr_equal(schedule_get(bench->ctx, fixture_uuid(), &schedule), &err_unavailable);
    }
    assert_int_equal(bench->seen->requests, 1);
}

static void test_schedule_absent_is_remembered_for_a_moment(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    const struct redis_value *left;
    start_service(bench, 404, "{\"code\":\"NOT_FOUND\"}");
    assert_ptr_equal(schedule_get(bench->ctx, bench->id, &schedule), &err_not_found);
    assert_ptr_equal(schedule_get(bench->ctx, bench->id, &schedule), &err_not_found);
    assert_int_equal(bench->seen->requests, 1);
    const char *key = arena_printf(bench->ctx->arena, "schedule:{%s}:info", bench->id);
    assert_null(REDIS_RUN(bench->ctx, &left, "PTTL", key));
    assert_in_range(left->integer, 1, 2000);
}

static void test_schedule_without_redis_comes_from_the_service(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    start_service(bench, 200, schedule_json(bench));
    redis_free(&bench->ctx->redis);
    bench->ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_null(schedule_get(bench->ctx, bench->id, &schedule));
    assert_string_equal(schedule.schedule_id, bench->id);
}

static void test_schedule_without_service_is_unavailable(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    assert_ptr_equal(schedule_get(bench->ctx, bench->id, &schedule), &err_unavailable);
    assert_ptr_equal(schedule_get(bench->ctx, "../../etc", &schedule), &err_not_found);
}

static void test_schedule_of_another_shape_is_unavailable_and_not_cached(void **state)
{
    struct bench *bench = *state;
    struct schedule schedule;
    start_service(bench, 200, "{\"scheduleId\":\"x\"}");
    assert_ptr_equal(schedule_get(bench->ctx, bench->id, &schedule), &err_unavailable);
    assert_ptr_equal(schedule_get(bench->ctx, bench->id, &schedule), &err_unavailable);
    assert_int_equal(bench->seen->requests, 2);
    assert_null(bench->ctx->details); /* not the client's mistake */
}

static void test_seats_come_from_the_service(void **state)
{
    struct bench *bench = *state;
    const struct schedule_seats *seats;
    start_service(bench, 200,
                  arena_printf(bench->ctx->arena,
                               "{\"scheduleId\":\"%s\",\"seats\":["
                               "{\"id\":\"%s\",\"seatNumber\":\"A-1\",\"grade\":\"VIP\",\"price\":150000}]}",
                               bench->id, bench->id));
    assert_null(schedule_seats_get(bench->ctx, bench->id, &seats));
    assert_int_equal(seats->seats.count, 1);
    const struct schedule_seat *seat = seats->seats.items;
    assert_string_equal(seat->seat_number, "A-1");
    assert_int_equal(seat->price, 150000);
}

/* ---- reservations ---- */

static const char *reservation_json(struct bench *bench)
{
    return arena_printf(bench->ctx->arena,
                        "{\"reservationId\":\"%s\",\"userId\":\"%s\",\"scheduleId\":\"%s\",\"status\":\"PENDING\","
                        "\"totalAmount\":300000,\"holdExpiresAt\":\"2026-06-01T19:00:00+09:00\",\"eventTitle\":\"E\"}",
                        bench->id, bench->id, bench->id);
}

static const struct err *secure(struct bench *bench, struct reservation_info *info)
{
    const struct reservation_secure body = {.payment_id = bench->id, .amount = 300000};
    return reservation_api_secure(bench->ctx, bench->id, &body, info);
}

static void test_reservation_secured_sends_payment_and_amount(void **state)
{
    struct bench *bench = *state;
    struct reservation_info info;
    start_service(bench, 200, reservation_json(bench));
    assert_null(secure(bench, &info));
    assert_int_equal(info.total_amount, 300000);
    assert_null(info.secured_by);
    assert_non_null(strstr(bench->seen->last, "POST /internal/reservations/"));
    const char *body = strstr(bench->seen->last, "\r\n\r\n");
    assert_non_null(body);
    assert_non_null(strstr(body, "\"amount\":300000"));
    assert_non_null(strstr(body, bench->id));
}

static void test_reservation_refusals_keep_their_names(void **state)
{
    static const struct {
        int status;
        const char *body;
        const struct err *error;
    } rows[] = {
        {409, "{\"code\":\"HOLD_EXPIRED\"}", &err_hold_expired},
        {400, "{\"code\":\"AMOUNT_MISMATCH\"}", &err_amount_mismatch},
        {404, "{\"code\":\"NOT_FOUND\"}", &err_not_found},
        {503, "{\"code\":\"SERVICE_UNAVAILABLE\"}", &err_unavailable},
        {503, "{\"code\":\"OUTCOME_UNKNOWN\"}", &err_uncertain},
        {404, "<html>", &err_uncertain}, /* not the service's own word */
        {502, "<html>", &err_uncertain},
        {200, "{}", &err_uncertain},
    };
    struct bench *bench = *state;
    struct reservation_info info;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        start_service(bench, rows[i].status, rows[i].body);
        assert_ptr_equal(secure(bench, &info), rows[i].error);
        stop_service(bench);
    }
}

static void test_reservation_service_away_is_unavailable(void **state)
{
    struct bench *bench = *state;
    struct reservation_info info;
    assert_ptr_equal(secure(bench, &info), &err_unavailable);
    assert_ptr_equal(reservation_api_get(bench->ctx, bench->id, &info), &err_unavailable);
    assert_ptr_equal(reservation_api_get(bench->ctx, "x/../y", &info), &err_not_found);
}

static void test_reservation_standing_is_believed_in_so_many_words_only(void **state)
{
    static const struct {
        int status;
        const char *body;
    } rows[] = {{503, "{\"code\":\"SERVICE_UNAVAILABLE\"}"},
                {403, "{\"code\":\"FORBIDDEN\"}"},
                {200, "{\"tickets\":0}"},
                {200, "{\"tickets\":-1,\"pending\":0}"},
                {200, "<html>"}};
    struct bench *bench = *state;
    struct reservation_standing standing;
    assert_ptr_equal(reservation_api_standing(bench->ctx, bench->id, &standing), &err_unavailable);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        start_service(bench, rows[i].status, rows[i].body);
        assert_ptr_equal(reservation_api_standing(bench->ctx, bench->id, &standing), &err_unavailable);
        stop_service(bench);
    }
    start_service(bench, 200, "{\"tickets\":2,\"pending\":1}");
    assert_null(reservation_api_standing(bench->ctx, bench->id, &standing));
    assert_int_equal(standing.tickets, 2);
    assert_int_equal(standing.pending, 1);
    assert_non_null(
        strstr(bench->seen->last, arena_printf(bench->ctx->arena, "GET /internal/reservations?userId=%s ", bench->id)));
}

/* ---- admission tokens ---- */

static void test_token_admits_its_owner_to_its_schedule_only(void **state)
{
    struct bench *bench = *state;
    struct ctx *ctx = bench->ctx;
    const char *user = fixture_uuid();
    const char *token = arena_printf(ctx->arena, "qr_%s", fixture_uuid());
    const char *key = queue_token_key(ctx->arena, bench->id, token);
    assert_int_equal(strlen(token), QUEUE_TOKEN_LENGTH);
    assert_null(REDIS_RUN(ctx, NULL, "SET", key, user, "EX", "60"));
    assert_null(queue_token_check(ctx, token, user, bench->id));
    assert_ptr_equal(queue_token_check(ctx, token, fixture_uuid(), bench->id), &err_queue_token_invalid);
    assert_ptr_equal(queue_token_check(ctx, token, user, fixture_uuid()), &err_queue_token_invalid);
    assert_ptr_equal(queue_token_check(ctx, "qr_", user, bench->id), &err_queue_token_invalid);
    assert_ptr_equal(queue_token_check(ctx, NULL, user, bench->id), &err_queue_token_invalid);
    assert_null(REDIS_RUN(ctx, NULL, "DEL", key));
    assert_ptr_equal(queue_token_check(ctx, token, user, bench->id), &err_queue_token_invalid);
}

static int64_t finished(struct bench *bench, const char *user)
{
    const struct redis_value *value;
    const char *key = arena_printf(bench->ctx->arena, "queue:{%s}:finished", bench->id);
    assert_null(REDIS_RUN(bench->ctx, &value, "SISMEMBER", key, user));
    return value->integer;
}

/* Who bought long ago may be in the sale again. */
static void test_queue_token_is_not_taken_for_a_ticket_of_long_ago(void **state)
{
    struct bench *bench = *state;
    const char *user = fixture_uuid();
    assert_null(queue_token_finish(bench->ctx, user, bench->id, clock_now() - 3601 * CLOCK_SECOND));
    assert_int_equal(finished(bench, user), 0);
    assert_null(queue_token_finish(bench->ctx, user, bench->id, clock_now() - 3590 * CLOCK_SECOND));
    assert_int_equal(finished(bench, user), 1);
}

static void test_token_without_redis_is_unavailable(void **state)
{
    struct bench *bench = *state;
    redis_free(&bench->ctx->redis);
    bench->ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    const char *token = arena_printf(bench->ctx->arena, "qr_%s", fixture_uuid());
    assert_ptr_equal(queue_token_check(bench->ctx, token, bench->id, bench->id), &err_unavailable);
}

/* ---- payloads ---- */

/* What a publisher writes, a subscriber reads; the text is data.md's. */
static void expect_payload(struct ctx *ctx, const struct event_type *type, const void *payload, const char *text)
{
    struct buf buf;
    struct json_out out;
    void *read_back;
    buf_init(&buf, ctx->arena, REQUEST_MAX);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, type->payload, payload);
    assert_string_equal(buf.data, text);
    assert_null(json_read(ctx, buf.data, buf.len, type->payload, &read_back));
}

#define ID "018f0000-0000-7000-8000-000000000001"
#define AT_TEXT "\"2026-06-01T19:00:00+09:00\""
#define EXACT_TEXT "\"2026-06-01T10:00:00.000000Z\""
#define AT INT64_C(1780308000000000)

static void test_payment_payloads_are_as_agreed(void **state)
{
    struct ctx *ctx = ((struct bench *)*state)->ctx;
    const struct payment_success success = {ID, "key", ID, 1000, AT, "tx"};
    expect_payload(ctx, &event_payment_success, &success,
                   "{\"paymentId\":\"" ID "\",\"paymentKey\":\"key\",\"reservationId\":\"" ID
                   "\",\"amount\":1000,\"paidAt\":" AT_TEXT ",\"portoneTransactionId\":\"tx\"}");
    const struct payment_failed failed = {ID, "key", ID, 1000, "declined", AT};
    expect_payload(ctx, &event_payment_failed, &failed,
                   "{\"paymentId\":\"" ID "\",\"paymentKey\":\"key\",\"reservationId\":\"" ID
                   "\",\"amount\":1000,\"failureReason\":\"declined\",\"failedAt\":" AT_TEXT "}");
    const struct payment_refunded refunded = {ID, ID, 1000, "USER_REQUEST", AT};
    expect_payload(ctx, &event_payment_refunded, &refunded,
                   "{\"paymentId\":\"" ID "\",\"reservationId\":\"" ID
                   "\",\"amount\":1000,\"reason\":\"USER_REQUEST\",\"refundedAt\":" AT_TEXT "}");
}

static void test_reservation_payloads_are_as_agreed(void **state)
{
    struct ctx *ctx = ((struct bench *)*state)->ctx;
    const char *seats[] = {ID};
    const struct json_list list = {.items = seats, .count = 1};
    const struct reservation_confirmed confirmed = {ID, ID, list, "T-1", AT};
    expect_payload(ctx, &event_reservation_confirmed, &confirmed,
                   "{\"reservationId\":\"" ID "\",\"scheduleId\":\"" ID "\",\"seatIds\":[\"" ID
                   "\"],\"ticketNumber\":\"T-1\",\"confirmedAt\":" EXACT_TEXT "}");
    const struct reservation_cancelled lapsed = {ID, ID, list, CLOCK_NONE, AT, "HOLD_TIMEOUT", 0};
    expect_payload(ctx, &event_reservation_cancelled, &lapsed,
                   "{\"reservationId\":\"" ID "\",\"scheduleId\":\"" ID "\",\"seatIds\":[\"" ID
                   "\"],\"cancelledAt\":" EXACT_TEXT ",\"reason\":\"HOLD_TIMEOUT\",\"refundAmount\":0}");
    const struct reservation_cancelled cancelled = {ID, ID, list, AT, AT, "USER_REQUEST", 1000};
    expect_payload(ctx, &event_reservation_cancelled, &cancelled,
                   "{\"reservationId\":\"" ID "\",\"scheduleId\":\"" ID "\",\"seatIds\":[\"" ID
                   "\"],\"confirmedAt\":" EXACT_TEXT ",\"cancelledAt\":" EXACT_TEXT
                   ",\"reason\":\"USER_REQUEST\",\"refundAmount\":1000}");
    const struct reservation_rejected rejected = {ID, ID, "SEATS_GONE"};
    expect_payload(ctx, &event_reservation_rejected, &rejected,
                   "{\"reservationId\":\"" ID "\",\"paymentId\":\"" ID "\",\"reason\":\"SEATS_GONE\"}");
}

static void test_topics_are_created_as_agreed(void **state)
{
    const char *why = "";
    (void)state;
    assert_int_equal(contract_topic_count, 6);
    assert_null(kafka_create_topics(contract_topics, contract_topic_count, 10000, &why));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_schedule_is_asked_once_then_cached),
        TEST(test_schedule_own_copy_serves_for_its_moment),
        TEST(test_schedule_old_copy_serves_a_crowd_while_one_fetches),
        TEST(test_schedule_old_copy_is_fetched_anew_by_one),
        TEST(test_schedule_changed_while_it_is_fetched_is_old_at_once),
        TEST(test_schedule_old_copy_serves_while_the_service_is_away),
        TEST(test_schedule_service_that_does_not_answer_is_left_alone),
        TEST(test_schedule_absent_is_remembered_for_a_moment),
        TEST(test_schedule_without_redis_comes_from_the_service),
        TEST(test_schedule_without_service_is_unavailable),
        TEST(test_schedule_of_another_shape_is_unavailable_and_not_cached),
        TEST(test_seats_come_from_the_service),
        TEST(test_reservation_secured_sends_payment_and_amount),
        TEST(test_reservation_refusals_keep_their_names),
        TEST(test_reservation_service_away_is_unavailable),
        TEST(test_reservation_standing_is_believed_in_so_many_words_only),
        TEST(test_token_admits_its_owner_to_its_schedule_only),
        TEST(test_queue_token_is_not_taken_for_a_ticket_of_long_ago),
        TEST(test_token_without_redis_is_unavailable),
        TEST(test_payment_payloads_are_as_agreed),
        TEST(test_reservation_payloads_are_as_agreed),
        TEST(test_topics_are_created_as_agreed),
    };
    return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
