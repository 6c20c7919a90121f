/* Seats secured for a payment that does not exist do not stay so; those of one that does, or may, do (PAY-005). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/service_key.h"
#include "common/base/array.h"
#include "common/io/db.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/secure.h"
#include "tests/support/fixture.h"
#include "tests/support/hold_steps.h"
#include "tests/support/sale.h"
#include "tests/support/stub_server.h"

#define LATER_S 3600 /* holds that other tests have left secured are asked about once */

/* The payment service: it answers this about our reservation, and about others that it cannot say. */
struct service {
    char reservation_id[40];
    int status;
    char body[200];
    int asked;
};

struct scene {
    struct ctx *ctx;
    struct service *service;
    struct stub_server *server;
    struct hold hold;
    const char *payment;
};

static void answer(const struct stub_request *request, struct stub_answer *answer_r, void *shared)
{
    struct service *service = shared;
    char path[120];
    snprintf(path, sizeof path, "/internal/payments?reservationId=%s", service->reservation_id);
    bool ours = strcmp(request->method, "GET") == 0 && strcmp(request->path, path) == 0;
    service->asked += ours;
    answer_r->status = ours ? service->status : 503;
    snprintf(answer_r->body, sizeof answer_r->body, "%s", ours ? service->body : "{\"code\":\"SERVICE_UNAVAILABLE\"}");
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    reservation_settings = (struct reservation_settings){
        .hold_ttl_s = 300, .holds_per_minute = 1000, .catalogue_s = 600, .secured_ask_s = 0};
    struct ctx *ctx = scene->ctx = fixture_ctx("reservation_service", NEED_REDIS | NEED_HTTP);
    struct sale sale = sale_open(ctx);
    const char *buyer = fixture_uuid();
    struct hold_request request = {.user_id = buyer,
                                   .queue_token = sale_admit(ctx, &sale, buyer),
                                   .schedule_id = sale.schedule_id,
                                   .seat_ids = sale_seats(&sale, 0, 2)};
    assert_null(hold_create(ctx, &request, &scene->hold));
    scene->payment = fixture_uuid();
    struct reservation_secure secure = {scene->payment, scene->hold.total_amount};
    struct reservation_info info;
    assert_null(reservation_secure_seats(ctx, scene->hold.reservation_id, &secure, &info));
    scene->service = stub_shared(sizeof *scene->service);
    strcpy(scene->service->reservation_id, scene->hold.reservation_id);
    scene->server = stub_start(answer, scene->service);
    cfg_service.internal_url = arena_strdup(ctx->arena, stub_url(scene->server)); /* it may be asked when it is gone */
    cfg_service.key = fixture_uuid();
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    stub_stop(&scene->server);
    fixture_free(&scene->ctx);
    free(scene);
    return 0;
}

/* Until nothing is due. What cannot be found out is no failure of the test. */
static void ask_about_all(struct scene *scene)
{
    bool more = true;
    reservation_settings.secured_ask_s = LATER_S;
    while (more) {
        const struct err *e = reservation_ask_about_secured(scene->ctx, &more);
        assert_true(!e || more);
    }
}

static const struct db_stmt test_stmt_seats = {
    .name = "test_seats",
    .sql = "SELECT r.secured_by, count(*) FILTER (WHERE c.expires_at = r.hold_expires_at) AS held,"
           " count(*) FILTER (WHERE c.expires_at = 'infinity') AS kept FROM reservations AS r"
           " JOIN seat_claims AS c ON c.reservation_id = r.id WHERE r.id = $1 GROUP BY r.id"};
static const struct db_stmt test_stmt_due = {
    .name = "test_due", .sql = "UPDATE reservations SET secured_check_at = clock_timestamp() WHERE id = $1"};

static bool secured(struct scene *scene)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(scene->ctx, &test_stmt_seats, &rows, DB_TEXT(scene->hold.reservation_id)));
    bool kept = db_int(rows, 0, "kept") == 2;
    assert_int_equal(db_int(rows, 0, "held"), kept ? 0 : 2);
    assert_int_equal(db_str(rows, 0, "secured_by") != NULL, kept);
    return kept;
}

static void test_seats_of_an_unknown_payment_are_the_holds_again(void **state)
{
    struct scene *scene = *state;
    struct service *service = scene->service;
    service->status = 200;
    snprintf(service->body, sizeof service->body, "{\"reservationId\":\"%s\"}", service->reservation_id);
    ask_about_all(scene);
    assert_int_equal(service->asked, 1);
    assert_false(secured(scene));
}

static void test_seats_of_another_reservations_payment_are_the_holds_again(void **state)
{
    struct scene *scene = *state;
    struct service *service = scene->service;
    service->status = 200;
    snprintf(service->body, sizeof service->body, "{\"reservationId\":\"%s\",\"paymentId\":\"%s\"}",
             service->reservation_id, fixture_uuid());
    ask_about_all(scene);
    assert_false(secured(scene));
}

static void test_seats_of_its_own_payment_stay(void **state)
{
    struct scene *scene = *state;
    struct service *service = scene->service;
    service->status = 200;
    snprintf(service->body, sizeof service->body, "{\"reservationId\":\"%s\",\"paymentId\":\"%s\"}",
             service->reservation_id, scene->payment);
    ask_about_all(scene);
    assert_int_equal(service->asked, 1);
    assert_true(secured(scene));
}

static void test_seats_stay_while_it_is_not_known(void **state)
{
    struct scene *scene = *state;
    struct service *service = scene->service;
    const struct {
        int status;
        const char *body;
    } unknown[] = {
        {404, "{\"code\":\"NOT_FOUND\"}"}, /* a gateway that does not know the route says the same */
        {403, "{\"code\":\"FORBIDDEN\"}"},
        {503, "{\"code\":\"SERVICE_UNAVAILABLE\"}"},
        {200, "{}"},
        {200, "<html>"},
        {200, "{\"reservationId\":\"01890000-0000-7000-8000-000000000000\"}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(unknown); i++) {
        service->status = unknown[i].status;
        strcpy(service->body, unknown[i].body);
        assert_null(DB_RUN(scene->ctx, &test_stmt_due, NULL, DB_TEXT(scene->hold.reservation_id)));
        ask_about_all(scene);
        assert_int_equal(service->asked, i + 1);
        assert_true(secured(scene));
    }
    stub_stop(&scene->server);
    assert_null(DB_RUN(scene->ctx, &test_stmt_due, NULL, DB_TEXT(scene->hold.reservation_id)));
    ask_about_all(scene);
    assert_true(secured(scene));
}

static void test_seats_are_not_asked_about_before_their_time_nor_again_at_once(void **state)
{
    struct scene *scene = *state;
    struct service *service = scene->service;
    service->status = 503;
    ask_about_all(scene);
    ask_about_all(scene);
    assert_int_equal(service->asked, 1);
    struct reservation_info info;
    struct reservation_secure secure = {scene->payment, scene->hold.total_amount};
    assert_null(reservation_unsecure_seats(scene->ctx, scene->hold.reservation_id, scene->payment, &info));
    assert_null(reservation_secure_seats(scene->ctx, scene->hold.reservation_id, &secure, &info));
    ask_about_all(scene);
    assert_int_equal(service->asked, 1);
}

/* What is known of the performance: NULL: nothing. */
static void publish_as(struct scene *scene, const char *status)
{
    struct reservation reservation;
    assert_null(reservation_get(scene->ctx, scene->hold.reservation_id, &reservation));
    struct schedule schedule = sale_schedule(&(struct sale){.schedule_id = reservation.schedule_id});
    schedule_forget(scene->ctx, schedule.schedule_id);
    if (status) {
        schedule.status = status;
        sale_publish(scene->ctx, &schedule);
    }
}

static void test_seats_of_a_performance_that_was_called_off_are_not_secured(void **state)
{
    struct scene *scene = *state;
    struct ctx *ctx = scene->ctx;
    struct reservation_info info;
    struct reservation_secure secure = {scene->payment, scene->hold.total_amount};
    publish_as(scene, "CANCELLED");
    assert_null(reservation_secure_seats(ctx, scene->hold.reservation_id, &secure, &info)); /* they are already */
    assert_null(reservation_unsecure_seats(ctx, scene->hold.reservation_id, scene->payment, &info));
    assert_ptr_equal(reservation_secure_seats(ctx, scene->hold.reservation_id, &secure, &info), &err_sale_ended);
    assert_false(secured(scene));
    secure.amount++;
    assert_ptr_equal(reservation_secure_seats(ctx, scene->hold.reservation_id, &secure, &info), &err_amount_mismatch);
}

static void test_seats_are_secured_while_nothing_is_known_of_their_performance(void **state)
{
    struct scene *scene = *state;
    struct ctx *ctx = scene->ctx;
    struct reservation_info info;
    struct reservation_secure secure = {scene->payment, scene->hold.total_amount};
    assert_null(reservation_unsecure_seats(ctx, scene->hold.reservation_id, scene->payment, &info));
    publish_as(scene, NULL);
    assert_null(reservation_secure_seats(ctx, scene->hold.reservation_id, &secure, &info));
    assert_true(secured(scene));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_seats_of_an_unknown_payment_are_the_holds_again),
        TEST(test_seats_of_another_reservations_payment_are_the_holds_again),
        TEST(test_seats_of_its_own_payment_stay),
        TEST(test_seats_stay_while_it_is_not_known),
        TEST(test_seats_are_not_asked_about_before_their_time_nor_again_at_once),
        TEST(test_seats_of_a_performance_that_was_called_off_are_not_secured),
        TEST(test_seats_are_secured_while_nothing_is_known_of_their_performance),
    };
    return cmocka_run_group_tests_name("secured seats", tests, NULL, NULL);
}
