/*
 * hold_scene: two admitted buyers before a sale for component tests of holds. PostgreSQL and Redis are real; the event
 * service is played by a stub where seats are loaded.
 */
#ifndef TESTS_SUPPORT_HOLD_SCENE_H
#define TESTS_SUPPORT_HOLD_SCENE_H

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

#include "common/auth/service_key.h"
#include "common/base/clock.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/reservation.h"
#include "src/contract/queue_token.h"
#include "src/reservation/reservation.h"
#include "src/reservation/reservation_errors.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/seat_keys.h"
#include "src/reservation/seat_mirror.h"
#include "tests/support/fixture.h"
#include "tests/support/hold_steps.h"
#include "tests/support/sale.h"
#include "tests/support/stub_server.h"

static const struct db_stmt test_stmt_lapse = {
    .name = "test_lapse",
    .sql = "WITH r AS (UPDATE reservations SET hold_expires_at = clock_timestamp() - interval '1 s' "
           "WHERE id = $1 RETURNING id) UPDATE seat_claims c SET expires_at = clock_timestamp() - interval '1 s' "
           "FROM r WHERE c.reservation_id = r.id"};
static const struct db_stmt test_stmt_sell = {
    .name = "test_sell",
    .sql = "UPDATE seat_claims SET sold = true, expires_at = 'infinity' WHERE reservation_id = $1"};
static const struct db_stmt test_stmt_free = {
    .name = "test_free", .sql = "SELECT id FROM reservations WHERE id = $1 FOR UPDATE SKIP LOCKED"};
static const struct db_stmt test_stmt_claims = {
    .name = "test_claims", .sql = "SELECT count(*) AS total FROM seat_claims WHERE reservation_id = $1"};

struct buyer {
    const char *user;
    const char *token;
};

struct scene {
    struct ctx *ctx;
    struct sale sale;
    struct buyer first, second;
};

static inline struct buyer admit(struct ctx *ctx, const struct sale *sale)
{
    const char *user = fixture_uuid();
    return (struct buyer){user, sale_admit(ctx, sale, user)};
}

static inline int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    reservation_settings = (struct reservation_settings){
        .hold_ttl_s = 300, .holds_per_minute = 1000, .catalogue_s = 600, .ticket_key = "unused"};
    scene->ctx = fixture_ctx("reservation_service", NEED_REDIS | NEED_HTTP);
    scene->sale = sale_open(scene->ctx);
    scene->first = admit(scene->ctx, &scene->sale);
    scene->second = admit(scene->ctx, &scene->sale);
    *state = scene;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scene *scene = *state;
    fixture_free(&scene->ctx);
    free(scene);
    return 0;
}

static inline struct hold_request request_of(const struct scene *scene, struct buyer buyer, size_t first, size_t count)
{
    return (struct hold_request){.user_id = buyer.user,
                                 .queue_token = buyer.token,
                                 .schedule_id = scene->sale.schedule_id,
                                 .seat_ids = sale_seats(&scene->sale, first, count)};
}

static inline const struct err *hold(struct scene *scene, struct buyer buyer, size_t first, size_t count,
                                     struct hold *hold_r)
{
    struct hold_request request = request_of(scene, buyer, first, count);
    return hold_create(scene->ctx, &request, hold_r);
}

static inline struct hold must_hold(struct scene *scene, struct buyer buyer, size_t first, size_t count)
{
    struct hold made = {0};
    assert_null(hold(scene, buyer, first, count, &made));
    return made;
}

static inline int64_t claims_of(struct scene *scene, const char *reservation_id)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(scene->ctx, &test_stmt_claims, &rows, DB_TEXT(reservation_id)));
    return db_int(rows, 0, "total");
}

static inline struct seat_map map_of(struct scene *scene)
{
    struct seat_map map = {0};
    assert_null(seat_mirror_map(scene->ctx, scene->sale.schedule_id, &map));
    return map;
}

/* The mirror loses what it knows of one seat, as after a crash of Redis. */
static inline void forget_in_redis(struct scene *scene, size_t seat)
{
    const char *claims = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id).claims;
    assert_null(REDIS_RUN(scene->ctx, NULL, "HDEL", claims, scene->sale.seats[seat]));
}

/* The reservation of a seat's mark; "" when it has none. */
static inline const char *reservation_marked(struct scene *scene, size_t seat)
{
    const struct redis_value *mark;
    const char *claims = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id).claims;
    assert_null(REDIS_RUN(scene->ctx, &mark, "HGET", claims, scene->sale.seats[seat]));
    return mark->type == REDIS_STR ? strrchr(mark->str, '|') + 1 : "";
}

static inline void lapse(struct scene *scene, const char *reservation_id)
{
    assert_null(DB_RUN(scene->ctx, &test_stmt_lapse, NULL, DB_TEXT(reservation_id)));
}

/* The event service, for one sale. */
static void serve_seats(const struct stub_request *request, struct stub_answer *answer, void *shared)
{
    const struct sale *sale = shared;
    (void)request;
    answer->status = 200;
    size_t len =
        (size_t)snprintf(answer->body, sizeof answer->body, "{\"scheduleId\":\"%s\",\"seats\":[", sale->schedule_id);
    for (size_t i = 0; i < SALE_SEATS; i++) {
        len += (size_t)snprintf(answer->body + len, sizeof answer->body - len,
                                "%s{\"id\":\"%s\",\"seatNumber\":\"A-%zu\",\"grade\":\"VIP\",\"price\":%d}",
                                i > 0 ? "," : "", sale->seats[i], i + 1, SALE_PRICE);
    }
    snprintf(answer->body + len, sizeof answer->body - len, "]}");
}

/* The mirror as it is loaded when Redis knows nothing of the performance. */
static inline struct seat_map map_loaded_anew(struct scene *scene)
{
    struct seat_keys keys = seat_keys_of(scene->ctx->arena, scene->sale.schedule_id);
    assert_null(REDIS_RUN(scene->ctx, NULL, "DEL", keys.seats, keys.claims));
    struct stub_server *server = stub_start(serve_seats, &scene->sale);
    cfg_service = (struct cfg_service){.internal_url = stub_url(server), .key = fixture_uuid()};
    struct seat_map map = {0};
    const struct err *e = seat_mirror_map(scene->ctx, scene->sale.schedule_id, &map);
    stub_stop(&server);
    assert_null(e);
    return map;
}

#endif
