#include "src/reservation/seat_catalogue.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/reservation.h"
#include "src/contract/schedule.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/seat_keys.h"
#include "src/reservation/seat_mirror.h"

#define FIELDS_PER_COMMAND 500
#define LOOK_AGAIN_MS 20
#define FAILED "-"        /* the mark of a loader that was not answered */
#define FAILED_MS "2000"  /* so long nobody tries again, and nobody waits */
#define UNFINISHED_S "60" /* what a loader that was killed leaves behind goes away */

extern const struct redis_script redis_script_reservation_install;

/* Collects field-value pairs of one hash into HSET commands of a bounded size. */
struct hash_writer {
    struct redis_pipe *pipe;
    const char *args[2 + 2 * FIELDS_PER_COMMAND];
    size_t count;
};

static void hash_begin(struct hash_writer *writer, const char *key)
{
    writer->args[0] = "HSET";
    writer->args[1] = key;
    writer->count = 2;
}

static void hash_end(struct hash_writer *writer)
{
    if (writer->count > 2) {
        redis_pipe_add(writer->pipe, writer->args, writer->count);
        writer->count = 2;
        REDIS_PIPE(writer->pipe, "EXPIRE", writer->args[1], UNFINISHED_S);
    }
}

static void hash_add(struct hash_writer *writer, const char *field, const char *value)
{
    writer->args[writer->count++] = field;
    writer->args[writer->count++] = value;
    if (writer->count == ARRAY_COUNT(writer->args)) {
        hash_end(writer);
    }
}

static void write_seats(struct ctx *ctx, struct hash_writer *writer, const struct schedule_seats *seats)
{
    const struct schedule_seat *items = seats->seats.items;
    for (size_t i = 0; i < seats->seats.count; i++) {
        hash_add(
            writer, items[i].id,
            arena_printf(ctx->arena, "%s|%s|%lld", items[i].seat_number, items[i].grade, (long long)items[i].price));
    }
    hash_end(writer);
}

int64_t seat_claim_left_ms(const struct db_rows *rows, size_t row)
{
    return db_null(rows, row, "left_ms") ? SEAT_CLAIM_SECURED_MS : db_int(rows, row, "left_ms");
}

static void write_claims(struct ctx *ctx, struct hash_writer *writer, const struct db_rows *rows, int64_t now_ms)
{
    hash_add(writer, "", "");
    for (size_t i = 0; i < db_count(rows); i++) {
        const char *state =
            db_bool(rows, i, "sold") ? "S" : arena_int(ctx->arena, (now_ms + seat_claim_left_ms(rows, i)));
        hash_add(
            writer, db_str(rows, i, "seat_id"),
            arena_printf(ctx->arena, "%s|%s|%s", state, db_str(rows, i, "user_id"), db_str(rows, i, "reservation_id")));
    }
    hash_end(writer);
}

static const struct err *install(struct ctx *ctx, const char *schedule_id, const struct schedule_seats *seats,
                                 const struct db_rows *claims)
{
    const struct redis_value *time;
    const struct err *e = REDIS_RUN(ctx, &time, "TIME");
    if (e) {
        return e;
    }
    struct seat_keys keys = seat_keys_of(ctx->arena, schedule_id);
    char loader[UUID_SIZE];
    uuid_v4(loader);
    const char *new_seats = arena_printf(ctx->arena, "%s:%s", keys.seats, loader);
    const char *new_claims = arena_printf(ctx->arena, "%s:%s", keys.claims, loader);
    struct hash_writer *writer = ARENA_NEW(ctx->arena, struct hash_writer);
    writer->pipe = redis_pipe_new(ctx);
    hash_begin(writer, new_seats);
    write_seats(ctx, writer, seats);
    hash_begin(writer, new_claims);
    write_claims(ctx, writer, claims, redis_int(time, 0) * 1000 + redis_int(time, 1) / 1000);
    const struct redis_value *written;
    e = redis_pipe_run(writer->pipe, &written);
    if (e) {
        return e;
    }
    const char *life = arena_int(ctx->arena, reservation_settings.catalogue_s);
    return redis_eval(ctx, &redis_script_reservation_install, NULL,
                      (const char *const[]){keys.seats, keys.claims, keys.gone, new_seats, new_claims}, 5,
                      (const char *const[]){life}, 1);
}

static const struct err *load(struct ctx *ctx, const char *schedule_id)
{
    const struct schedule_seats *seats;
    const struct err *e = schedule_seats_get(ctx, schedule_id, &seats);
    if (e) {
        return e;
    }
    if (seats->seats.count == 0) {
        return &err_not_found;
    }
    const struct db_rows *claims;
    e = DB_RUN(ctx, &sql_reservation_claims_live, &claims, DB_TEXT(schedule_id), DB_NULL);
    return e ? e : install(ctx, schedule_id, seats, claims);
}

/* Is this process the one that loads? */
static const struct err *begin_loading(struct ctx *ctx, const char *mark, bool *ours_r)
{
    const struct redis_value *set;
    const struct err *e =
        REDIS_RUN(ctx, &set, "SET", mark, "1", "NX", "PX", arena_printf(ctx->arena, "%d", SEAT_CATALOGUE_LOADER_MS));
    if (!e) {
        *ours_r = set->type == REDIS_STATUS;
    }
    return e;
}

static const struct err *await_loader(struct ctx *ctx, const char *mark)
{
    int64_t end = clock_monotonic() + SEAT_CATALOGUE_LOADER_MS * INT64_C(1000);
    const struct redis_value *there;
    do {
        const struct err *e = REDIS_RUN(ctx, &there, "GET", mark);
        if (e || (there->type == REDIS_STR && strcmp(there->str, FAILED) == 0)) {
            return e ? e : &err_unavailable;
        }
        clock_sleep(LOOK_AGAIN_MS);
    } while (there->type == REDIS_STR && clock_monotonic() < end);
    return NULL;
}

const struct err *seat_catalogue_load(struct ctx *ctx, const char *schedule_id)
{
    const char *mark = seat_keys_of(ctx->arena, schedule_id).loading;
    bool ours = false;
    const struct err *e = begin_loading(ctx, mark, &ours);
    if (e) {
        return e;
    }
    if (!ours) {
        return await_loader(ctx, mark);
    }
    e = load(ctx, schedule_id);
    const struct err *ended = e == &err_unavailable ? REDIS_RUN(ctx, NULL, "SET", mark, FAILED, "PX", FAILED_MS)
                                                    : REDIS_RUN(ctx, NULL, "DEL", mark);
    return e ? e : ended;
}
