/* Payments against a real PostgreSQL and Redis, with the reservation service and PortOne played by a stub: who is
 * charged, who gets the money back, and what is told to whom (PAY-003 to PAY-013, PAY-WEBHOOK). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/db.h"
#include "common/redis.h"
#include "common/service_key.h"
#include "src/contract/events.h"
#include "src/contract/queue_token.h"
#include "src/contract/reservation_api.h"
#include "src/payment/confirm.h"
#include "src/payment/order.h"
#include "src/payment/outcome.h"
#include "src/payment/payment.h"
#include "src/payment/payment_errors.h"
#include "src/payment/payment_settings.h"
#include "src/payment/refund.h"
#include "src/payment/settle.h"
#include "src/payment/webhook.h"
#include "src/providers/portone.h"
#include "tests/support/fixture.h"
#include "tests/support/sale.h"
#include "tests/support/stub_server.h"

#define PRICE 150000
#define WEBHOOK_SECRET "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"

/* ---- the other ends ---- */

enum confirm_mode { CHARGE, DECLINE, CHARGE_AND_LOSE_ANSWER, REFUSE_SERVICE };

struct world {
    char reservation[40], user[40], schedule[40];
    char reservation_status[16];
    bool seats_gone; /* securing answers HOLD_EXPIRED */
    char secured_by[40];
    enum confirm_mode confirm_mode;
    char record[32]; /* status of PortOne's record; "" = it knows nothing */
    int64_t record_amount;
    bool portone_down;
    int registered, charged, cancelled;
};

static void put_info(const struct world *world, struct stub_answer *answer)
{
    char expires[CLOCK_TEXT_SIZE];
    answer->status = 200;
    snprintf(answer->body, sizeof answer->body,
             "{\"reservationId\":\"%s\",\"userId\":\"%s\",\"scheduleId\":\"%s\",\"status\":\"%s\","
             "\"totalAmount\":%d,\"holdExpiresAt\":\"%s\",\"eventTitle\":\"Concert\"}",
             world->reservation, world->user, world->schedule, world->reservation_status, PRICE,
             clock_format(clock_now() + 300 * CLOCK_SECOND, expires));
}

static void put_error(struct stub_answer *answer, int status, const char *member, const char *code)
{
    answer->status = status;
    snprintf(answer->body, sizeof answer->body,
             "{\"%s\":\"%s\",\"message\":\"\",\"pgCode\":\"1\",\"pgMessage\":\"no\"}", member, code);
}

static void serve_reservation(const struct stub_request *request, struct stub_answer *answer, struct world *world)
{
    if (strcmp(request->method, "POST") != 0) {
        put_info(world, answer);
        return;
    }
    if (world->seats_gone) {
        put_error(answer, 409, "code", "HOLD_EXPIRED");
        return;
    }
    const char *payment = strstr(request->body, "\"paymentId\":\"");
    snprintf(world->secured_by, sizeof world->secured_by, "%.36s", payment + strlen("\"paymentId\":\""));
    put_info(world, answer);
}

static void charge(struct world *world)
{
    world->charged++;
    strcpy(world->record, "PAID");
    world->record_amount = PRICE;
}

static void serve_confirm(struct stub_answer *answer, struct world *world)
{
    switch (world->confirm_mode) {
    case CHARGE:
    case CHARGE_AND_LOSE_ANSWER:
        charge(world);
        answer->drop = world->confirm_mode == CHARGE_AND_LOSE_ANSWER;
        answer->status = 200;
        strcpy(answer->body, "{\"pgTxId\":\"pg-1\",\"paidAt\":\"2026-06-01T10:00:00Z\"}");
        break;
    case DECLINE:
        strcpy(world->record, "FAILED");
        put_error(answer, 502, "type", "PG_PROVIDER");
        break;
    case REFUSE_SERVICE:
        put_error(answer, 401, "type", "UNAUTHORIZED");
        break;
    }
}

static void serve_record(const struct world *world, struct stub_answer *answer)
{
    if (world->record[0] == '\0') {
        put_error(answer, 404, "type", "PAYMENT_NOT_FOUND");
        return;
    }
    answer->status = 200;
    snprintf(answer->body, sizeof answer->body,
             "{\"status\":\"%s\",\"id\":\"x\",\"transactionId\":\"tx-1\",\"storeId\":\"store-sandbox\","
             "\"channel\":{\"type\":\"TEST\",\"key\":\"channel-sandbox\"},\"currency\":\"KRW\","
             "\"method\":{\"type\":\"PaymentMethodCard\",\"card\":{\"name\":\"Card\",\"number\":\"123456******7890\"}},"
             "\"amount\":{\"total\":%lld,\"paid\":%lld,\"cancelled\":%d},\"paidAt\":\"2026-06-01T10:00:00Z\"}",
             world->record, (long long)world->record_amount, (long long)world->record_amount,
             strcmp(world->record, "CANCELLED") == 0 ? PRICE : 0);
}

static void serve_cancel(struct stub_answer *answer, struct world *world)
{
    if (strcmp(world->record, "PAID") != 0) {
        put_error(answer, 409, "type", "PAYMENT_NOT_PAID");
        return;
    }
    world->cancelled++;
    strcpy(world->record, "CANCELLED");
    answer->status = 200;
    snprintf(answer->body, sizeof answer->body,
             "{\"cancellation\":{\"status\":\"SUCCEEDED\",\"id\":\"c-1\",\"totalAmount\":%d,"
             "\"cancelledAt\":\"2026-06-01T10:00:00Z\"}}",
             PRICE);
}

static void serve(const struct stub_request *request, struct stub_answer *answer, void *shared)
{
    struct world *world = shared;
    if (strncmp(request->path, "/internal/", 10) == 0) {
        serve_reservation(request, answer, world);
    } else if (world->portone_down) {
        answer->drop = true;
    } else if (strstr(request->path, "/pre-register")) {
        world->registered++;
        answer->status = 200;
        strcpy(answer->body, "{}");
    } else if (strstr(request->path, "/confirm")) {
        serve_confirm(answer, world);
    } else if (strstr(request->path, "/cancel")) {
        serve_cancel(answer, world);
    } else {
        serve_record(world, answer);
    }
}

/* ---- the scene ---- */

struct scene {
    struct ctx *ctx;
    struct world *world;
    struct stub_server *server;
    const char *user, *token, *reservation;
    struct order order;
};

static struct world *the_world;

static void load_settings(const char *url)
{
    static const struct cfg_section *const sections[] = {&cfg_service_section, &cfg_portone_section,
                                                         &payment_settings_section, NULL};
    const char *why;
    setenv("BOX_SERVICE_KEY", "6a0a1f8e-6a3b-4a53-9d1c-0d2b6f3e8a11", 1);
    setenv("BOX_SERVICE_KEYS", "payment:6a0a1f8e-6a3b-4a53-9d1c-0d2b6f3e8a11", 1);
    setenv("BOX_INTERNAL_URL", url, 1);
    setenv("BOX_PORTONE_URL", url, 1);
    setenv("BOX_PORTONE_WEBHOOK_SECRET", WEBHOOK_SECRET, 1);
    setenv("BOX_PORTONE_TIMEOUT_MS", "2000", 1);
    setenv("BOX_PORTONE_BREAKER_MIN_CALLS", "1000", 1);
    setenv("BOX_PAYMENT_BUSY_S", "5", 1);
    if (!cfg_load(sections, &why)) {
        fail_msg("%s", why);
    }
}

static struct order_request order_request_of(const struct scene *scene)
{
    return (struct order_request){.user_id = scene->user,
                                  .queue_token = scene->token,
                                  .reservation_id = scene->reservation,
                                  .amount = PRICE,
                                  .method = "CARD"};
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct world *world = the_world;
    memset(world, 0, sizeof *world);
    scene->world = world;
    scene->ctx = fixture_ctx("payment_service", NEED_REDIS | NEED_HTTP);
    scene->server = stub_start(serve, world);
    load_settings(stub_url(scene->server));
    scene->user = fixture_uuid();
    scene->reservation = fixture_uuid();
    struct sale sale = {.schedule_id = fixture_uuid()};
    scene->token = sale_admit(scene->ctx, &sale, scene->user);
    strcpy(world->reservation, scene->reservation);
    strcpy(world->user, scene->user);
    strcpy(world->schedule, sale.schedule_id);
    strcpy(world->reservation_status, "PENDING");
    struct order_request request = order_request_of(scene);
    assert_null(order_create(scene->ctx, &request, &scene->order));
    *state = scene;
    return 0;
}

static const struct db_stmt test_stmt_park = {"test_park",
                                              "UPDATE payments SET check_at = NULL WHERE check_at IS NOT NULL"};
static const struct db_stmt test_stmt_due = {
    "test_due", "UPDATE payments SET check_at = clock_timestamp() - interval '1 s', busy_until = NULL, "
                "give_up_at = clock_timestamp() + make_interval(secs => $2::bigint) WHERE id = $1"};
static const struct db_stmt test_stmt_transitions = {
    "test_transitions", "SELECT from_status, to_status FROM payment_transitions ORDER BY from_status, to_status"};
static const struct db_stmt test_stmt_set_status = {"test_set_status", "UPDATE payments SET status = $2 WHERE id = $1"};

static int tear_down(void **state)
{
    struct scene *scene = *state;
    const struct err *e = DB_RUN0(scene->ctx, &test_stmt_park, NULL);
    stub_stop(&scene->server);
    fixture_free(&scene->ctx);
    free(scene);
    return e ? 1 : 0;
}

static const struct err *confirm(struct scene *scene, const char *payment_token, struct payment *payment_r)
{
    struct confirm_request request = {.user_id = scene->user,
                                      .queue_token = scene->token,
                                      .payment_id = scene->order.payment_id,
                                      .reservation_id = scene->reservation,
                                      .payment_key = scene->order.payment_key,
                                      .transaction_id = "tx-1",
                                      .amount = PRICE,
                                      .payment_token = payment_token};
    return confirm_payment(scene->ctx, &request, payment_r);
}

static struct payment payment_of(struct scene *scene)
{
    struct payment payment = {0};
    assert_null(payment_get_of(scene->ctx, scene->user, scene->order.payment_id, &payment));
    return payment;
}

static int64_t events(struct scene *scene, const char *type)
{
    return sale_events(scene->order.payment_id, type);
}

/* The payment is due now; what nobody paid is given up `give_up_s` seconds from now. */
static void make_due(struct scene *scene, int64_t give_up_s)
{
    assert_null(DB_RUN(scene->ctx, &test_stmt_due, NULL, DB_TEXT(scene->order.payment_id), DB_INT(give_up_s)));
}

/* What payment-saga does in a tick. */
static void settle_all(struct scene *scene)
{
    bool found = true;
    while (found) {
        assert_null(settle_next(scene->ctx, &found));
    }
}

/* ---- beginning ---- */

static void test_order_registers_the_amount_and_is_repeatable(void **state)
{
    struct scene *scene = *state;
    struct order_request request = order_request_of(scene);
    struct order again;
    assert_int_equal(strlen(scene->order.payment_key), 32);
    assert_string_equal(scene->order.store_id, "store-sandbox");
    assert_null(order_create(scene->ctx, &request, &again));
    assert_string_equal(again.payment_id, scene->order.payment_id);
    assert_string_equal(again.payment_key, scene->order.payment_key);
    assert_int_equal(scene->world->registered, 2);
    assert_int_equal(payment_of(scene).status, PAYMENT_PENDING);
}

static void test_order_is_refused_for_the_wrong_amount_owner_token_or_state(void **state)
{
    struct scene *scene = *state;
    struct order_request request = order_request_of(scene);
    struct order order;
    request.amount = PRICE - 1;
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_amount_mismatch);
    request = order_request_of(scene);
    request.user_id = fixture_uuid();
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_not_found);
    request = order_request_of(scene);
    request.queue_token = "qr_6a0a1f8e-6a3b-4a53-9d1c-0d2b6f3e8a11";
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_queue_token_invalid);
    request = order_request_of(scene);
    strcpy(scene->world->reservation_status, "CANCELLED");
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_hold_expired);
    strcpy(scene->world->reservation_status, "CONFIRMED");
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_payment_already_processed);
}

static void test_order_with_a_key_replays_and_refuses_another_body(void **state)
{
    struct scene *scene = *state;
    struct order_request request = order_request_of(scene);
    request.idempotency = (struct idempotency){"key-of-this-test-1", scene->user, "POST /payments", "body", 4};
    struct order order;
    assert_null(order_create(scene->ctx, &request, &order));
    assert_null(order_create(scene->ctx, &request, &order));
    assert_string_equal(order.payment_id, scene->order.payment_id);
    request.idempotency.body = "else";
    request.amount = PRICE - 1;
    assert_ptr_equal(order_create(scene->ctx, &request, &order), &err_idempotency_key_reused);
}

/* ---- confirming ---- */

static void test_confirm_with_token_secures_charges_once_and_tells(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
    int64_t paid_at = payment.paid_at;
    assert_null(confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_int_equal(payment.paid_at, paid_at);
    assert_int_equal(scene->world->charged, 1);
    assert_int_equal(events(scene, "PaymentSuccess"), 1);
    assert_string_equal(payment_of(scene).card_number, "123456******7890");
}

static void test_confirm_charged_in_the_browser_is_compared(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    charge(scene->world);
    assert_null(confirm(scene, NULL, &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
}

static void test_confirm_of_another_amount_at_portone_fails_and_is_refunded(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    charge(scene->world);
    scene->world->record_amount = 100;
    assert_ptr_equal(confirm(scene, NULL, &payment), &err_amount_mismatch);
    assert_int_equal(payment_of(scene).status, PAYMENT_FAILED);
    assert_int_equal(events(scene, "PaymentFailed"), 1);
    settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(events(scene, "PaymentRefunded"), 1);
    assert_int_equal(payment_of(scene).status, PAYMENT_FAILED);
    assert_true(payment_of(scene).refunded_at != CLOCK_NONE);
}

static void test_confirm_wrong_amount_or_key_changes_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    struct confirm_request request = {.user_id = scene->user,
                                      .queue_token = scene->token,
                                      .payment_id = scene->order.payment_id,
                                      .reservation_id = scene->reservation,
                                      .payment_key = scene->order.payment_key,
                                      .transaction_id = "tx-1",
                                      .amount = 1,
                                      .payment_token = "token"};
    assert_ptr_equal(confirm_payment(scene->ctx, &request, &payment), &err_amount_mismatch);
    request.amount = PRICE;
    request.payment_key = "another";
    assert_ptr_equal(confirm_payment(scene->ctx, &request, &payment), &err_invalid_request);
    request.payment_key = scene->order.payment_key;
    request.user_id = fixture_uuid();
    assert_ptr_equal(confirm_payment(scene->ctx, &request, &payment), &err_not_found);
    assert_int_equal(scene->world->charged, 0);
    assert_int_equal(payment_of(scene).status, PAYMENT_PENDING);
}

static void test_confirm_after_the_seats_are_gone_charges_nothing(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->seats_gone = true;
    assert_ptr_equal(confirm(scene, "token", &payment), &err_hold_expired);
    assert_int_equal(scene->world->charged, 0);
    assert_int_equal(payment_of(scene).status, PAYMENT_FAILED);
    assert_ptr_equal(confirm(scene, "token", &payment), &err_payment_already_processed);
    assert_int_equal(events(scene, "PaymentFailed"), 1);
}

static void test_confirm_charged_in_the_browser_without_seats_is_refunded(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    charge(scene->world);
    scene->world->seats_gone = true;
    assert_ptr_equal(confirm(scene, NULL, &payment), &err_hold_expired);
    settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
}

static void test_confirm_declined_fails_and_tells(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = DECLINE;
    assert_ptr_equal(confirm(scene, "token", &payment), &err_portone_declined);
    assert_int_equal(payment_of(scene).status, PAYMENT_FAILED);
    assert_int_equal(events(scene, "PaymentFailed"), 1);
}

static void test_confirm_whose_answer_was_lost_is_found_out_at_once(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = CHARGE_AND_LOSE_ANSWER;
    assert_null(confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
    assert_int_equal(scene->world->charged, 1);
}

static void test_confirm_while_portone_is_silent_stays_pending_until_it_answers(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->portone_down = true;
    assert_null(confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_PENDING);
    make_due(scene, -1); /* overdue, and still silence is no evidence */
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_PENDING);
    scene->world->portone_down = false;
    charge(scene->world); /* it had come through after all */
    make_due(scene, -1);
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_SUCCESS);
    assert_int_equal(events(scene, "PaymentSuccess"), 1);
}

static void test_confirm_refused_before_anything_was_sent_may_be_repeated(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    scene->world->confirm_mode = REFUSE_SERVICE;
    assert_ptr_equal(confirm(scene, "token", &payment), &err_portone_unavailable);
    scene->world->confirm_mode = CHARGE;
    assert_null(confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
}

static void test_confirm_while_another_is_busy_is_pending(void **state)
{
    static const struct db_stmt busy = {
        "test_busy", "UPDATE payments SET busy_until = clock_timestamp() + interval '1 min' WHERE id = $1"};
    struct scene *scene = *state;
    struct payment payment;
    assert_null(DB_RUN(scene->ctx, &busy, NULL, DB_TEXT(scene->order.payment_id)));
    assert_null(confirm(scene, "token", &payment));
    assert_int_equal(payment.status, PAYMENT_PENDING);
    assert_int_equal(scene->world->charged, 0);
}

static void test_confirm_by_two_processes_at_once_charges_once(void **state)
{
    struct scene *scene = *state;
    pid_t pids[2];
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            struct scene mine = *scene; /* its own connections */
            struct payment payment;
            mine.ctx = fixture_ctx("payment_service", NEED_REDIS | NEED_HTTP);
            _exit(confirm(&mine, "token", &payment) ? 1 : 0);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(scene->world->charged, 1);
    assert_int_equal(payment_of(scene).status, PAYMENT_SUCCESS);
    assert_int_equal(events(scene, "PaymentSuccess"), 1);
}

static void test_confirm_without_redis_finishes_what_was_begun(void **state)
{
    struct scene *scene = *state;
    struct redis *redis = scene->ctx->redis;
    struct payment payment;
    scene->ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    const struct err *e = confirm(scene, "token", &payment);
    redis_free(&scene->ctx->redis);
    scene->ctx->redis = redis;
    assert_null(e);
    assert_int_equal(payment.status, PAYMENT_SUCCESS);
}

/* ---- settling ---- */

static void test_settle_gives_up_an_unpaid_payment_only_when_overdue(void **state)
{
    struct scene *scene = *state;
    make_due(scene, 60);
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_PENDING);
    make_due(scene, -1);
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_FAILED);
    assert_int_equal(events(scene, "PaymentFailed"), 1);
}

static void test_settle_paid_by_a_vanished_browser_succeeds(void **state)
{
    struct scene *scene = *state;
    charge(scene->world);
    make_due(scene, 60);
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_SUCCESS);
    assert_string_equal(scene->world->secured_by, scene->order.payment_id);
}

static void test_settle_paid_too_late_is_refunded(void **state)
{
    struct scene *scene = *state;
    charge(scene->world);
    scene->world->seats_gone = true;
    make_due(scene, 60);
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_FAILED);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(events(scene, "PaymentSuccess"), 0);
}

/* ---- webhooks ---- */

static const struct err *send_webhook(struct scene *scene, const char *id, const char *type, const char *secret)
{
    struct arena *arena = scene->ctx->arena;
    int64_t now_s = clock_now() / CLOCK_SECOND;
    const char *body = arena_printf(arena,
                                    "{\"type\":\"%s\",\"timestamp\":\"2026-06-01T10:00:00.000Z\",\"data\":"
                                    "{\"paymentId\":\"%s\",\"storeId\":\"store-sandbox\",\"transactionId\":\"tx-1\"}}",
                                    type, scene->order.payment_key);
    struct webhook_headers headers = {.id = id,
                                      .timestamp = arena_printf(arena, "%lld", (long long)now_s),
                                      .signature = webhook_sign(arena, secret, id, now_s, body, strlen(body))};
    return webhook_receive(scene->ctx, &headers, body, strlen(body));
}

static void test_webhook_paid_settles_the_payment_once(void **state)
{
    struct scene *scene = *state;
    const char *id = fixture_uuid();
    charge(scene->world);
    assert_null(send_webhook(scene, id, "Transaction.Paid", WEBHOOK_SECRET));
    assert_null(send_webhook(scene, id, "Transaction.Paid", WEBHOOK_SECRET));
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_SUCCESS);
    assert_int_equal(events(scene, "PaymentSuccess"), 1);
}

static void test_webhook_forged_is_refused(void **state)
{
    struct scene *scene = *state;
    charge(scene->world);
    assert_ptr_equal(
        send_webhook(scene, fixture_uuid(), "Transaction.Paid", "whsec_Zm9yZ2VkLWZvcmdlZC1mb3JnZWQtZm9yZ2Vk"),
        &err_webhook_signature);
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_PENDING);
}

static void test_webhook_paid_after_failure_is_refunded(void **state)
{
    struct scene *scene = *state;
    make_due(scene, -1);
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_FAILED);
    charge(scene->world);
    assert_null(send_webhook(scene, fixture_uuid(), "Transaction.Paid", WEBHOOK_SECRET));
    settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(events(scene, "PaymentRefunded"), 1);
    assert_int_equal(payment_of(scene).status, PAYMENT_FAILED);
}

/* ---- refunds ---- */

static const struct err *deliver_rejected(struct ctx *ctx, void *arg)
{
    const struct reservation_rejected *rejected = arg;
    struct event event = {.id = fixture_uuid()};
    return refund_on_rejected(ctx, &event, rejected);
}

static void test_rejected_reservation_is_refunded_once(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(confirm(scene, "token", &payment));
    struct reservation_rejected rejected = {scene->reservation, scene->order.payment_id, "SEATS_TAKEN"};
    assert_null(db_transact(scene->ctx, deliver_rejected, &rejected));
    assert_null(db_transact(scene->ctx, deliver_rejected, &rejected));
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_REFUNDED);
    assert_null(db_transact(scene->ctx, deliver_rejected, &rejected));
    settle_all(scene);
    assert_int_equal(scene->world->cancelled, 1);
    assert_int_equal(events(scene, "PaymentRefunded"), 1);
}

static void test_refund_while_portone_is_silent_is_tried_again(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    assert_null(confirm(scene, "token", &payment));
    struct reservation_rejected rejected = {scene->reservation, scene->order.payment_id, "SEATS_TAKEN"};
    assert_null(db_transact(scene->ctx, deliver_rejected, &rejected));
    scene->world->portone_down = true;
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_SUCCESS);
    scene->world->portone_down = false;
    make_due(scene, 60);
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_REFUNDED);
    assert_int_equal(scene->world->cancelled, 1);
}

static const struct err *deliver_cancelled(struct ctx *ctx, void *arg)
{
    const struct reservation_cancelled *cancelled = arg;
    struct event event = {.id = fixture_uuid()};
    return refund_on_cancelled(ctx, &event, cancelled);
}

static void test_cancelled_reservation_is_refunded_only_if_paid(void **state)
{
    struct scene *scene = *state;
    struct payment payment;
    struct reservation_cancelled cancelled = {.reservation_id = scene->reservation, .reason = "USER_REQUEST"};
    assert_null(db_transact(scene->ctx, deliver_cancelled, &cancelled));
    assert_int_equal(payment_of(scene).refund_requested_at, CLOCK_NONE);
    assert_null(confirm(scene, "token", &payment));
    assert_null(db_transact(scene->ctx, deliver_cancelled, &cancelled));
    settle_all(scene);
    assert_int_equal(payment_of(scene).status, PAYMENT_REFUNDED);
    assert_int_equal(scene->world->cancelled, 1);
}

static void test_list_has_the_users_payments_only(void **state)
{
    struct scene *scene = *state;
    struct json_list list;
    int64_t total;
    assert_null(payment_list(scene->ctx, scene->user, 0, 20, &list, &total));
    assert_int_equal(total, 1);
    assert_string_equal(((struct payment *)list.items)[0].id, scene->order.payment_id);
    assert_null(payment_list(scene->ctx, fixture_uuid(), 0, 20, &list, &total));
    assert_int_equal(list.count, 0);
}

/* ---- the two state tables ---- */

static bool listed(const char *from, const char *to)
{
    for (size_t i = 0; i < payment_transition_count; i++) {
        if (strcmp(payment_status_name(payment_transitions[i].from), from) == 0 &&
            strcmp(payment_status_name(payment_transitions[i].to), to) == 0) {
            return true;
        }
    }
    return false;
}

static void test_transitions_in_c_and_sql_are_the_same(void **state)
{
    struct scene *scene = *state;
    const struct db_rows *rows;
    assert_null(DB_RUN0(scene->ctx, &test_stmt_transitions, &rows));
    assert_int_equal(db_count(rows), payment_transition_count);
    for (size_t i = 0; i < db_count(rows); i++) {
        assert_true(listed(db_str(rows, i, 0), db_str(rows, i, 1)));
    }
}

static void test_illegal_transition_is_refused_by_sql(void **state)
{
    struct scene *scene = *state;
    assert_ptr_equal(
        DB_RUN(scene->ctx, &test_stmt_set_status, NULL, DB_TEXT(scene->order.payment_id), DB_TEXT("REFUNDED")),
        &err_internal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    char run_dir[] = P_tmpdir "/test-payment-XXXXXX"; /* a circuit breaker of its own */
    if (!mkdtemp(run_dir)) {
        return 1;
    }
    setenv("BOX_RUN_DIR", run_dir, 1);
    the_world = stub_shared(sizeof *the_world);
    const struct CMUnitTest tests[] = {
        TEST(test_order_registers_the_amount_and_is_repeatable),
        TEST(test_order_is_refused_for_the_wrong_amount_owner_token_or_state),
        TEST(test_order_with_a_key_replays_and_refuses_another_body),
        TEST(test_confirm_with_token_secures_charges_once_and_tells),
        TEST(test_confirm_charged_in_the_browser_is_compared),
        TEST(test_confirm_of_another_amount_at_portone_fails_and_is_refunded),
        TEST(test_confirm_wrong_amount_or_key_changes_nothing),
        TEST(test_confirm_after_the_seats_are_gone_charges_nothing),
        TEST(test_confirm_charged_in_the_browser_without_seats_is_refunded),
        TEST(test_confirm_declined_fails_and_tells),
        TEST(test_confirm_whose_answer_was_lost_is_found_out_at_once),
        TEST(test_confirm_while_portone_is_silent_stays_pending_until_it_answers),
        TEST(test_confirm_refused_before_anything_was_sent_may_be_repeated),
        TEST(test_confirm_while_another_is_busy_is_pending),
        TEST(test_confirm_by_two_processes_at_once_charges_once),
        TEST(test_confirm_without_redis_finishes_what_was_begun),
        TEST(test_settle_gives_up_an_unpaid_payment_only_when_overdue),
        TEST(test_settle_paid_by_a_vanished_browser_succeeds),
        TEST(test_settle_paid_too_late_is_refunded),
        TEST(test_webhook_paid_settles_the_payment_once),
        TEST(test_webhook_forged_is_refused),
        TEST(test_webhook_paid_after_failure_is_refunded),
        TEST(test_rejected_reservation_is_refunded_once),
        TEST(test_refund_while_portone_is_silent_is_tried_again),
        TEST(test_cancelled_reservation_is_refunded_only_if_paid),
        TEST(test_list_has_the_users_payments_only),
        TEST(test_transitions_in_c_and_sql_are_the_same),
        TEST(test_illegal_transition_is_refused_by_sql),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char breaker[sizeof run_dir + 32];
    snprintf(breaker, sizeof breaker, "%s/portone-payments.breaker", run_dir);
    return failed || unlink(breaker) != 0 || rmdir(run_dir) != 0;
}
