#include "src/reservation/seat_mirror.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/reservation.h"
#include "src/contract/queue_token.h"
#include "src/reservation/reservation_errors.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/seat_catalogue.h"
#include "src/reservation/seat_keys.h"

extern const struct redis_script redis_script_reservation_hold;
extern const struct redis_script redis_script_reservation_release;
extern const struct redis_script redis_script_reservation_mark;

/* ---- the gate ---- */

static bool answered(const struct redis_value *answer, const char *word)
{
    const char *first = redis_str(answer, 0);
    return first && strcmp(first, word) == 0;
}

/* How long one who has read of a reservation may take to write it down. */
#define SEAT_GONE_MS "60000"
#define MINUTE_S 60

struct redis_pipe *seat_mirror_knock(struct ctx *ctx, const struct seat_request *request)
{
    struct seat_keys keys = seat_keys_of(ctx->arena, request->schedule_id);
    const char *key_list[] = {queue_token_key(ctx->arena, request->schedule_id, request->queue_token), keys.seats,
                              keys.claims, seat_tries_key(ctx->arena, request->schedule_id, request->user_id),
                              seat_passed_key(ctx->arena, request->schedule_id, request->user_id)};
    size_t count = 4 + request->seat_ids.count;
    const char **args = arena_calloc(ctx->arena, count, sizeof *args);
    args[0] = request->user_id;
    args[1] = request->reservation_id;
    args[2] = arena_int(ctx->arena, reservation_settings.hold_ttl_s * 1000);
    args[3] = arena_int(ctx->arena, reservation_settings.holds_per_minute);
    memcpy(args + 4, request->seat_ids.items, request->seat_ids.count * sizeof *args);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_eval(pipe, &redis_script_reservation_hold, key_list, ARRAY_COUNT(key_list), args, count);
    return pipe;
}

const struct err *seat_mirror_lost(struct ctx *ctx, const struct seat_request *request, const struct err *e)
{
    if (e->flags & ERR_UNCERTAIN) {
        seat_mirror_release(ctx, request);
    }
    return err_of_read(e);
}

static const struct err *knock_again(struct ctx *ctx, const struct seat_request *request,
                                     const struct redis_value **answer_r)
{
    const struct err *e = redis_pipe_run(seat_mirror_knock(ctx, request), answer_r);
    return e ? seat_mirror_lost(ctx, request, e) : redis_answer_error(ctx, *answer_r);
}

/* By now somebody else may have loaded it: of those who are served together the first one. */
static const struct err *load_and_knock(struct ctx *ctx, const struct seat_request *request,
                                        const struct redis_value **answer_r)
{
    const struct err *e = knock_again(ctx, request, answer_r);
    if (!e && answered(*answer_r, "EMPTY")) {
        e = err_of_read(seat_catalogue_load(ctx, request->schedule_id));
        e = e ? e : knock_again(ctx, request, answer_r);
    }
    return e;
}

/* Splits "number|grade|price", from the right because a number may be any text. */
static bool read_seat(struct ctx *ctx, const char *seat_id, const char *text, struct reservation_seat *seat_r)
{
    char *copy = arena_strdup(ctx->arena, text);
    char *price = strrchr(copy, '|');
    if (!price) {
        return false;
    }
    *price++ = '\0';
    char *grade = strrchr(copy, '|');
    if (!grade) {
        return false;
    }
    *grade++ = '\0';
    *seat_r = (struct reservation_seat){seat_id, copy, grade, strtoll(price, NULL, 10)};
    return true;
}

static const struct err *read_seats(struct ctx *ctx, const struct seat_request *request,
                                    const struct redis_value *answer, struct json_list *seats_r)
{
    const char *const *ids = request->seat_ids.items;
    struct reservation_seat *seats = arena_calloc(ctx->arena, request->seat_ids.count, sizeof *seats);
    for (size_t i = 0; i < request->seat_ids.count; i++) {
        const char *text = redis_str(answer, i + 2);
        if (!text || !read_seat(ctx, ids[i], text, &seats[i])) {
            return &err_internal;
        }
    }
    *seats_r = (struct json_list){seats, request->seat_ids.count};
    return NULL;
}

/* One refusal of the script as an error of ours. */
static const struct err *refusal(struct ctx *ctx, const struct redis_value *answer)
{
    if (answered(answer, "TOKEN")) {
        return &err_queue_token_invalid;
    }
    if (answered(answer, "OFTEN")) {
        ctx->retry_after_s = (int)redis_int(answer, 2);
        ctx->limit = (struct ctx_limit){"hold", reservation_settings.holds_per_minute, MINUTE_S, 0, ctx->retry_after_s};
        return &err_too_many_requests;
    }
    if (answered(answer, "UNKNOWN")) {
        return ctx_invalid(ctx, "seatIds", "'%s' is not a seat of this performance", redis_str(answer, 2));
    }
    if (answered(answer, "SOLD")) {
        return &err_seat_sold;
    }
    return answered(answer, "HELD") ? &err_seat_already_held : &err_unavailable;
}

const struct err *seat_mirror_pass(struct ctx *ctx, const struct seat_request *request,
                                   const struct redis_value *answer, struct seat_pass *pass_r)
{
    const struct err *e = redis_answer_error(ctx, answer);
    if (!e && answered(answer, "EMPTY")) {
        e = load_and_knock(ctx, request, &answer);
    }
    if (e) {
        return e;
    }
    if (answered(answer, "OK")) {
        pass_r->own = redis_int(answer, 1) > 0;
        return read_seats(ctx, request, answer, &pass_r->seats);
    }
    pass_r->before = redis_int(answer, 1) == 1;
    return refusal(ctx, answer);
}

/* ---- following PostgreSQL ---- */

static const struct err *forget(struct ctx *ctx, const char *schedule_id, const char *reservation_id,
                                struct json_list seat_ids)
{
    struct seat_keys keys = seat_keys_of(ctx->arena, schedule_id);
    const char *key_list[] = {keys.claims, keys.gone};
    size_t count = 2 + seat_ids.count;
    const char **args = arena_calloc(ctx->arena, count, sizeof *args);
    args[0] = SEAT_GONE_MS;
    args[1] = reservation_id;
    memcpy(args + 2, seat_ids.items, seat_ids.count * sizeof *args);
    return redis_eval(ctx, &redis_script_reservation_release, NULL, key_list, ARRAY_COUNT(key_list), args, count);
}

static void note_failure(struct ctx *ctx, const struct err *e)
{
    if (e) {
        log_warn(&ctx->log, "seat mirror not updated: %s", e->code);
    }
}

void seat_mirror_release(struct ctx *ctx, const struct seat_request *request)
{
    note_failure(ctx, forget(ctx, request->schedule_id, request->reservation_id, request->seat_ids));
}

const struct err *seat_mirror_refresh(struct ctx *ctx, const char *schedule_id, struct json_list seat_ids, bool *sold_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_claims_live, &rows, DB_TEXT(schedule_id),
                                 DB_UUIDS(seat_ids.items, seat_ids.count));
    if (e) {
        return e;
    }
    *sold_r = false;
    if (db_count(rows) == 0) {
        return NULL;
    }
    struct seat_keys keys = seat_keys_of(ctx->arena, schedule_id);
    const char *key_list[] = {keys.claims, keys.gone};
    const char **args = arena_calloc(ctx->arena, 4 * db_count(rows), sizeof *args);
    for (size_t i = 0; i < db_count(rows); i++) {
        bool sold = db_bool(rows, i, "sold");
        args[4 * i] = db_str(rows, i, "seat_id");
        args[4 * i + 1] = sold ? "S" : arena_int(ctx->arena, seat_claim_left_ms(rows, i));
        args[4 * i + 2] = db_str(rows, i, "user_id");
        args[4 * i + 3] = db_str(rows, i, "reservation_id");
        *sold_r = *sold_r || sold;
    }
    return redis_eval(ctx, &redis_script_reservation_mark, NULL, key_list, ARRAY_COUNT(key_list), args,
                      4 * db_count(rows));
}

void seat_mirror_follow(struct ctx *ctx, const struct reservation *reservation)
{
    struct json_list ids = reservation_seat_ids(ctx->arena, reservation);
    bool sold;
    note_failure(ctx, reservation->status == RESERVATION_CANCELLED
                          ? forget(ctx, reservation->schedule_id, reservation->id, ids)
                          : seat_mirror_refresh(ctx, reservation->schedule_id, ids, &sold));
}

/* ---- the live map ---- */

/* {HLEN seats, HGETALL claims, TIME} in one round trip; *loaded_r false when they have to be loaded first. */
static const struct err *read_mirror(struct ctx *ctx, const char *schedule_id, const struct redis_value **values_r,
                                     bool *loaded_r)
{
    struct seat_keys keys = seat_keys_of(ctx->arena, schedule_id);
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "HLEN", keys.seats);
    REDIS_PIPE(pipe, "HGETALL", keys.claims);
    REDIS_PIPE(pipe, "TIME");
    const struct err *e = redis_pipe_run(pipe, values_r);
    if (!e) {
        const struct redis_value *values = *values_r;
        *loaded_r = values[0].integer > 0 && values[1].count > 0;
    }
    return err_of_read(e);
}

static void collect(struct ctx *ctx, const struct redis_value *claims, int64_t now_ms, struct seat_map *map)
{
    const char **sold = arena_calloc(ctx->arena, claims->count, sizeof *sold);
    const char **held = arena_calloc(ctx->arena, claims->count, sizeof *held);
    for (size_t i = 0; i + 1 < claims->count; i += 2) {
        const char *seat = redis_str(claims, i);
        const char *state = redis_str(claims, i + 1);
        if (!seat || !state || seat[0] == '\0') {
            continue;
        }
        if (state[0] == 'S') {
            sold[map->sold.count++] = seat;
        } else if (strtoll(state, NULL, 10) > now_ms) {
            held[map->held.count++] = seat;
        }
    }
    map->sold.items = sold;
    map->held.items = held;
}

const struct err *seat_mirror_map(struct ctx *ctx, const char *schedule_id, struct seat_map *map_r)
{
    const struct redis_value *values;
    bool loaded;
    const struct err *e = read_mirror(ctx, schedule_id, &values, &loaded);
    if (!e && !loaded) {
        e = err_of_read(seat_catalogue_load(ctx, schedule_id));
        e = e ? e : read_mirror(ctx, schedule_id, &values, &loaded);
    }
    if (e) {
        return e;
    }
    *map_r = (struct seat_map){.total = values[0].integer};
    collect(ctx, &values[1], redis_int(&values[2], 0) * 1000 + redis_int(&values[2], 1) / 1000, map_r);
    return NULL;
}
