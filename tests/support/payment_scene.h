/*
 * payment_scene: a buyer at the till for component tests of payments. PostgreSQL and Redis are real; the reservation
 * service and PortOne are played by a stub that does what `struct world` says and notes there what it was asked.
 *
 * Included by exactly one .c file of a program: as an object for all programs it would bring the real PortOne client
 * into those that take its place.
 */
#ifndef TESTS_SUPPORT_PAYMENT_SCENE_H
#define TESTS_SUPPORT_PAYMENT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/auth/service_key.h"
#include "common/base/clock.h"
#include "common/context/ctx.h"
#include "common/io/db.h"
#include "sql/payment.h"
#include "src/payment/confirm.h"
#include "src/payment/order.h"
#include "src/payment/payment.h"
#include "src/payment/payment_settings.h"
#include "src/payment/settle.h"
#include "src/payment/webhook.h"
#include "src/providers/portone.h"
#include "tests/support/fixture.h"
#include "tests/support/sale.h"
#include "tests/support/stub_server.h"

#define SCENE_WEBHOOK_SECRET "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"

enum confirm_mode {
    CHARGE,
    DECLINE,
    CHARGE_AND_LOSE_ANSWER,
    LOSE_REQUEST,
    REFUSE_TOKEN,
    REFUSE_ATTEMPT,
    ANSWER_PAID,
    REFUSE_SERVICE
};
enum cancel_mode { CANCEL, CANCEL_LATER, CANCEL_FAILED, CANCEL_AND_LOSE_ANSWER };

struct world {
    char reservation[40], user[40], schedule[40];
    char reservation_status[16];
    bool seats_gone;         /* securing answers HOLD_EXPIRED */
    bool called_off;         /* the performance: securing answers SALE_ENDED */
    bool reservation_down;   /* the service answers 503 */
    bool secure_answer_lost; /* once: it is done, and nobody is told */
    char secured_by[40];     /* "" = nobody */
    int secured, unsecured;  /* calls */
    int hold_s;              /* until the hold ends */
    enum confirm_mode confirm_mode;
    enum cancel_mode cancel_mode;
    char cancel_keys[2][300]; /* idempotency keys of the last two cancels, the last one first */
    char record[32];          /* status of PortOne's record; "" = it knows nothing */
    int64_t record_amount, record_cancelled;
    bool portone_down, already_paid;
    int price;
    char charge_keys[2][300]; /* idempotency keys of the last two charges, the last one first */
    int registered, charged, cancelled;
    int asked; /* for the record */
};

struct scene {
    struct ctx *ctx;
    struct world *world;
    struct stub_server *server;
    const char *user, *token, *reservation;
    struct order order; /* of SALE_PRICE, pending */
};

static const struct db_stmt stmt_park = {.name = "test_park",
                                         .sql = "UPDATE payments SET check_at = 'infinity' WHERE check_at IS NOT NULL"};
static const struct db_stmt stmt_due = {
    .name = "test_due",
    .sql = "UPDATE payments SET check_at = clock_timestamp() - interval '1 s', busy_until = NULL, "
           "give_up_at = clock_timestamp() + make_interval(secs => $2::bigint), question_ends_at = CASE WHEN "
           "question_ends_at IS NOT NULL THEN clock_timestamp() + make_interval(secs => $2::bigint) END WHERE id = $1"};

static struct world *the_world;
static char run_dir[] = P_tmpdir "/test-payment-XXXXXX"; /* holds the circuit breaker */

/* ---- the other ends ---- */

static void put_info(const struct world *world, struct stub_answer *answer)
{
    char expires[CLOCK_TEXT_SIZE];
    answer->status = 200;
    snprintf(answer->body, sizeof answer->body,
             "{\"reservationId\":\"%s\",\"userId\":\"%s\",\"scheduleId\":\"%s\",\"status\":\"%s\","
             "\"totalAmount\":%d,\"holdExpiresAt\":\"%s\",\"eventTitle\":\"Concert\",\"calledOff\":%s}",
             world->reservation, world->user, world->schedule, world->reservation_status, world->price,
             clock_format(clock_now() + world->hold_s * CLOCK_SECOND, expires), world->called_off ? "true" : "false");
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
    if (world->reservation_down) {
        put_error(answer, 503, "code", "SERVICE_UNAVAILABLE");
        return;
    }
    if (strstr(request->path, "/unsecure")) {
        world->unsecured++;
        world->secured_by[0] = '\0';
        put_info(world, answer);
        return;
    }
    world->secured++;
    if (world->seats_gone || world->called_off) {
        put_error(answer, 409, "code", world->called_off ? "SALE_ENDED" : "HOLD_EXPIRED");
        return;
    }
    const char *payment = strstr(request->body, "\"paymentId\":\"");
    snprintf(world->secured_by, sizeof world->secured_by, "%.36s", payment + strlen("\"paymentId\":\""));
    put_info(world, answer);
    answer->drop = world->secure_answer_lost;
    world->secure_answer_lost = false;
}

/* PortOne takes the money, as when the buyer pays in the browser. */
static void world_charge(struct world *world)
{
    world->charged++;
    strcpy(world->record, "PAID");
    world->record_amount = SALE_PRICE;
}

static void serve_confirm(const struct stub_request *request, struct stub_answer *answer, struct world *world)
{
    memcpy(world->charge_keys[1], world->charge_keys[0], sizeof world->charge_keys[1]);
    snprintf(world->charge_keys[0], sizeof world->charge_keys[0], "%s", request->idempotency_key);
    switch (world->confirm_mode) {
    case CHARGE:
    case CHARGE_AND_LOSE_ANSWER:
        world_charge(world);
        answer->drop = world->confirm_mode == CHARGE_AND_LOSE_ANSWER;
        answer->status = 200;
        strcpy(answer->body, "{\"pgTxId\":\"pg-1\",\"paidAt\":\"2026-06-01T10:00:00Z\"}");
        break;
    case DECLINE:
        strcpy(world->record, "FAILED");
        put_error(answer, 502, "type", "PG_PROVIDER");
        break;
    case LOSE_REQUEST:
        answer->drop = true;
        break;
    case REFUSE_TOKEN:
        put_error(answer, 400, "type", "INVALID_PAYMENT_TOKEN");
        break;
    case REFUSE_ATTEMPT:
        put_error(answer, 409, "type", "INFORMATION_MISMATCH");
        break;
    case ANSWER_PAID:
        put_error(answer, 409, "type", "ALREADY_PAID");
        break;
    case REFUSE_SERVICE:
        put_error(answer, 401, "type", "UNAUTHORIZED");
        break;
    }
}

static void serve_record(struct world *world, struct stub_answer *answer)
{
    world->asked++;
    if (world->record[0] == '\0') {
        put_error(answer, 404, "type", "PAYMENT_NOT_FOUND");
        return;
    }
    answer->status = 200;
    snprintf(answer->body, sizeof answer->body,
             "{\"status\":\"%s\",\"id\":\"x\",\"transactionId\":\"tx-1\",\"storeId\":\"store-sandbox\","
             "\"channel\":{\"type\":\"TEST\",\"key\":\"channel-sandbox\"},\"currency\":\"KRW\","
             "\"method\":{\"type\":\"PaymentMethodCard\",\"card\":{\"name\":\"Card\",\"number\":\"123456******7890\"}},"
             "\"amount\":{\"total\":%lld,\"paid\":%lld,\"cancelled\":%lld},\"paidAt\":\"2026-06-01T10:00:00Z\"}",
             world->record, (long long)world->record_amount, (long long)world->record_amount,
             (long long)world->record_cancelled);
}

static void put_cancellation(struct stub_answer *answer, const char *status, int64_t amount)
{
    answer->status = 200;
    snprintf(answer->body, sizeof answer->body,
             "{\"cancellation\":{\"status\":\"%s\",\"id\":\"c-1\",\"totalAmount\":%lld,"
             "\"cancelledAt\":\"2026-06-01T10:00:00Z\"}}",
             status, (long long)amount);
}

static void serve_cancel(const struct stub_request *request, struct stub_answer *answer, struct world *world)
{
    memcpy(world->cancel_keys[1], world->cancel_keys[0], sizeof world->cancel_keys[1]);
    snprintf(world->cancel_keys[0], sizeof world->cancel_keys[0], "%s", request->idempotency_key);
    if (strcmp(world->record, "CANCELLED") == 0) {
        put_error(answer, 409, "type", "PAYMENT_ALREADY_CANCELLED");
        return;
    }
    if (strcmp(world->record, "PAID") != 0 && strcmp(world->record, "PARTIAL_CANCELLED") != 0) {
        put_error(answer, 409, "type", "PAYMENT_NOT_PAID");
        return;
    }
    if (world->cancel_mode == CANCEL_LATER || world->cancel_mode == CANCEL_FAILED) {
        put_cancellation(answer, world->cancel_mode == CANCEL_LATER ? "REQUESTED" : "FAILED", 0);
        return;
    }
    world->cancelled++;
    put_cancellation(answer, "SUCCEEDED", world->record_amount - world->record_cancelled);
    strcpy(world->record, "CANCELLED");
    world->record_cancelled = world->record_amount;
    answer->drop = world->cancel_mode == CANCEL_AND_LOSE_ANSWER;
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
        if (world->already_paid) {
            put_error(answer, 409, "type", "ALREADY_PAID");
        }
    } else if (strstr(request->path, "/confirm")) {
        serve_confirm(request, answer, world);
    } else if (strstr(request->path, "/cancel")) {
        serve_cancel(request, answer, world);
    } else {
        serve_record(world, answer);
    }
}

/* ---- the scene ---- */

/* Around all tests of a program: the world and a circuit breaker of its own. False: a folder could not be made, or
 * holds at the end what it should not. */
static bool scene_open_world(void)
{
    the_world = stub_shared(sizeof *the_world);
    return mkdtemp(run_dir) && setenv("BOX_RUN_DIR", run_dir, 1) == 0;
}

static bool scene_close_world(void)
{
    char breaker[sizeof run_dir + 32];
    snprintf(breaker, sizeof breaker, "%s/portone-payments.breaker", run_dir);
    return unlink(breaker) == 0 && rmdir(run_dir) == 0;
}

static void load_settings(const char *url)
{
    static const struct cfg_section *const sections[] = {&cfg_internal_section,
                                                         &cfg_caller_section,
                                                         &cfg_accepted_section,
                                                         &cfg_portone_section,
                                                         &cfg_portone_webhook_section,
                                                         &payment_settings_section,
                                                         NULL};
    const char *why;
    setenv("BOX_SERVICE_KEY", "6a0a1f8e-6a3b-4a53-9d1c-0d2b6f3e8a11", 1);
    setenv("BOX_SERVICE_KEYS", "payment:6a0a1f8e-6a3b-4a53-9d1c-0d2b6f3e8a11", 1);
    setenv("BOX_INTERNAL_URL", url, 1);
    setenv("BOX_PORTONE_URL", url, 1);
    setenv("BOX_PORTONE_WEBHOOK_SECRET", SCENE_WEBHOOK_SECRET, 1);
    setenv("BOX_PORTONE_TIMEOUT_MS", "2000", 1);
    setenv("BOX_PORTONE_BREAKER_MIN_CALLS", "1000", 1);
    setenv("BOX_PAYMENT_BUSY_S", "40", 1);
    if (!cfg_load(sections, &why)) {
        fail_msg("%s", why);
    }
}

/* The request that made the scene's order. */
static struct order_request scene_order_request(const struct scene *scene)
{
    return (struct order_request){.user_id = scene->user,
                                  .queue_token = scene->token,
                                  .reservation_id = scene->reservation,
                                  .amount = SALE_PRICE,
                                  .method = "CARD"};
}

/* Around each test; *state is a struct scene *. */
static int scene_set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct world *world = the_world;
    memset(world, 0, sizeof *world);
    world->hold_s = 300;
    world->price = SALE_PRICE;
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
    struct order_request request = scene_order_request(scene);
    assert_null(order_create(scene->ctx, &request, &scene->order));
    *state = scene;
    return 0;
}

/* Another reservation of the buyer's, whose hold ends so soon, takes the place of the scene's; and an order for it. */
static inline void scene_order_anew(struct scene *scene, int hold_s)
{
    scene->world->hold_s = hold_s;
    scene->reservation = fixture_uuid();
    strcpy(scene->world->reservation, scene->reservation);
    struct order_request request = scene_order_request(scene);
    assert_null(order_create(scene->ctx, &request, &scene->order));
}

static int scene_tear_down(void **state)
{
    struct scene *scene = *state;
    const struct err *e = DB_RUN0(scene->ctx, &stmt_park, NULL);
    stub_stop(&scene->server);
    fixture_free(&scene->ctx);
    free(scene);
    return e ? 1 : 0;
}

/* Confirms the scene's order; without `payment_token` it was charged in the browser. */
static const struct err *scene_confirm(struct scene *scene, const char *payment_token, struct payment *payment_r)
{
    struct confirm_request request = {.user_id = scene->user,
                                      .queue_token = scene->token,
                                      .payment_id = scene->order.payment_id,
                                      .reservation_id = scene->reservation,
                                      .payment_key = scene->order.payment_key,
                                      .transaction_id = "tx-1",
                                      .amount = SALE_PRICE,
                                      .payment_token = payment_token};
    return confirm_payment(scene->ctx, &request, payment_r);
}

/* The scene's payment as it stands in the database. */
static struct payment scene_payment(struct scene *scene)
{
    struct payment payment = {0};
    assert_null(payment_get_of(scene->ctx, scene->user, scene->order.payment_id, &payment));
    return payment;
}

/* How many events of this type about the payment are in the outbox. */
static int64_t scene_events(struct scene *scene, const char *type)
{
    return sale_events(scene->order.payment_id, type);
}

/* The payment is due now; what nobody paid is given up `give_up_s` seconds from now. */
static void scene_make_due(struct scene *scene, int64_t give_up_s)
{
    assert_null(DB_RUN(scene->ctx, &stmt_due, NULL, DB_TEXT(scene->order.payment_id), DB_INT(give_up_s)));
}

/* {when it is given up, until when others keep off or it is asked next}, in microseconds */
static inline void scene_deadlines(struct scene *scene, int64_t deadlines_r[2])
{
    static const struct db_stmt stmt = {
        .name = "test_deadlines",
        .sql = "SELECT give_up_at, greatest(check_at, busy_until) AS next FROM payments WHERE id = $1"};
    const struct db_rows *rows;
    assert_null(DB_RUN(scene->ctx, &stmt, &rows, DB_TEXT(scene->order.payment_id)));
    deadlines_r[0] = db_time(rows, 0, "give_up_at");
    deadlines_r[1] = db_time(rows, 0, "next");
}

static inline int64_t scene_question_ends(struct scene *scene)
{
    static const struct db_stmt stmt = {.name = "test_question_ends",
                                        .sql = "SELECT question_ends_at FROM payments WHERE id = $1"};
    const struct db_rows *rows;
    assert_null(DB_RUN(scene->ctx, &stmt, &rows, DB_TEXT(scene->order.payment_id)));
    return db_time(rows, 0, "question_ends_at");
}

/* PortOne tells of the scene's payment. */
static inline const struct err *scene_webhook(struct scene *scene, const char *id, const char *type, const char *secret)
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

static inline void scene_request_refund(struct scene *scene)
{
    assert_null(DB_RUN(scene->ctx, &sql_payment_request_refund, NULL, DB_TEXT(scene->order.payment_id), DB_TEXT("X")));
}

/* What payment-saga does in a tick. */
static void scene_settle_all(struct scene *scene)
{
    bool found = true;
    while (found) {
        assert_null(settle_next(scene->ctx, &found));
    }
}

#endif
