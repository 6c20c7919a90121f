#include "tests/support/sale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "src/contract/queue_token.h"
#include "src/reservation/seat_keys.h"
#include "tests/support/fixture.h"

#define HOUR (3600 * CLOCK_SECOND)

static const struct db_stmt count_events = {
    .name = "test_count_events",
    .sql = "SELECT count(*) AS total FROM common.outbox_events WHERE aggregate_id = $1 AND event_type = $2"};

static void must(const struct err *e, const char *what)
{
    if (e) {
        fprintf(stderr, "%s: %s\n", what, e->code);
        exit(1);
    }
}

struct schedule sale_schedule(const struct sale *sale)
{
    return (struct schedule){
        .schedule_id = sale->schedule_id,
        .event_id = sale->schedule_id,
        .event_title = "Concert",
        .artist = "Artist",
        .venue_name = "Venue",
        .hall_name = "Hall",
        .status = "OPEN",
        .event_start_at = clock_now() + 48 * HOUR,
        .event_end_at = clock_now() + 50 * HOUR,
        .sale_start_at = clock_now() - HOUR,
        .sale_end_at = clock_now() + HOUR,
        .admission_rate = 1000,
        .queue_capacity = 50000,
        .sold_out = 0,
    };
}

void sale_publish(struct ctx *ctx, const struct schedule *schedule)
{
    struct buf text;
    struct json_out out;
    buf_init(&text, ctx->arena, 4096);
    json_out_init(&out, &text);
    json_add_shape(&out, NULL, &schedule_shape, schedule);
    const char *key = arena_printf(ctx->arena, "schedule:{%s}:info", schedule->schedule_id);
    must(REDIS_RUN(ctx, NULL, "SET", key, text.data, "EX", "600"), "publishing a schedule");
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct sale sale_open(struct ctx *ctx)
{
    struct sale sale = {.schedule_id = fixture_uuid()};
    struct seat_keys keys = seat_keys_of(ctx->arena, sale.schedule_id);
    for (int i = 0; i < SALE_SEATS; i++) {
        sale.seats[i] = fixture_uuid();
    }
    qsort(sale.seats, SALE_SEATS, sizeof *sale.seats, by_id); /* those of one millisecond are in no order */
    for (int i = 0; i < SALE_SEATS; i++) {
        const char *seat = arena_printf(ctx->arena, "A-%d|VIP|%d", i + 1, SALE_PRICE);
        must(REDIS_RUN(ctx, NULL, "HSET", keys.seats, sale.seats[i], seat), "loading a seat");
    }
    must(REDIS_RUN(ctx, NULL, "HSET", keys.claims, "", ""), "loading claims");
    must(REDIS_RUN(ctx, NULL, "EXPIRE", keys.seats, "600"), "limiting the catalogue");
    must(REDIS_RUN(ctx, NULL, "EXPIRE", keys.claims, "600"), "limiting the claims");
    struct schedule schedule = sale_schedule(&sale);
    sale_publish(ctx, &schedule);
    return sale;
}

const char *sale_admit(struct ctx *ctx, const struct sale *sale, const char *user_id)
{
    char id[UUID_SIZE];
    const char *token = arena_printf(ctx->arena, QUEUE_TOKEN_PREFIX "%s", uuid_v4(id));
    const char *key = queue_token_key(ctx->arena, sale->schedule_id, token);
    must(REDIS_RUN(ctx, NULL, "SET", key, user_id, "EX", "600"), "giving a token");
    return token;
}

struct json_list sale_seats(const struct sale *sale, size_t first, size_t count)
{
    return (struct json_list){(void *)(sale->seats + first), count};
}

int64_t sale_events(const char *aggregate_id, const char *event_type)
{
    struct ctx *relay = fixture_ctx("outbox_relay", NEED_DB);
    const struct db_rows *rows;
    must(DB_RUN(relay, &count_events, &rows, DB_TEXT(aggregate_id), DB_TEXT(event_type)), "reading the outbox");
    int64_t count = db_int(rows, 0, "total");
    fixture_free(&relay);
    return count;
}
