#include "src/event/seat_map.h"

#include "src/event/event_sql.h"

const struct err *seat_map_schedule(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &event_stmt[EVENT_SCHEDULE_GET], &rows, DB_TEXT(schedule_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    *schedule_r = (struct schedule){.schedule_id = db_str(rows, 0, 0),
                                    .event_id = db_str(rows, 0, 1),
                                    .event_title = db_str(rows, 0, 2),
                                    .artist = db_str(rows, 0, 3),
                                    .venue_name = db_str(rows, 0, 4),
                                    .hall_name = db_str(rows, 0, 5),
                                    .status = db_str(rows, 0, 6),
                                    .event_start_at = db_time(rows, 0, 7),
                                    .event_end_at = db_time(rows, 0, 8),
                                    .sale_start_at = db_time(rows, 0, 9),
                                    .sale_end_at = db_time(rows, 0, 10),
                                    .admission_rate = db_int(rows, 0, 11),
                                    .queue_capacity = db_int(rows, 0, 12)};
    return NULL;
}

/* Runs `stmt` for a schedule that others may see. */
static const struct err *run_for_visible(struct ctx *ctx, const char *schedule_id, enum event_stmt_id stmt,
                                         const struct db_rows **rows_r)
{
    struct schedule schedule;
    const struct err *e = seat_map_schedule(ctx, schedule_id, &schedule);
    return e ? e : DB_RUN(ctx, &event_stmt[stmt], rows_r, DB_TEXT(schedule_id));
}

enum seat_column {
    SEAT_ID,
    SEAT_NUMBER,
    SEAT_ROW,
    SEAT_IN_ROW,
    SEAT_GRADE,
    SEAT_PRICE,
    SEAT_X,
    SEAT_Y,
    SEAT_ACCESSIBLE,
    SEAT_RESTRICTED,
    SEAT_STATUS
};

const struct err *seat_map_get(struct ctx *ctx, const char *schedule_id, struct seat_map *map_r)
{
    return run_for_visible(ctx, schedule_id, EVENT_SEATS, &map_r->rows);
}

size_t seat_map_count(const struct seat_map *map)
{
    return db_count(map->rows);
}

struct seat seat_map_at(const struct seat_map *map, size_t index)
{
    const struct db_rows *rows = map->rows;
    return (struct seat){.id = db_str(rows, index, SEAT_ID),
                         .seat_number = db_str(rows, index, SEAT_NUMBER),
                         .row = db_str(rows, index, SEAT_ROW),
                         .number = db_int(rows, index, SEAT_IN_ROW),
                         .grade = db_str(rows, index, SEAT_GRADE),
                         .price = db_int(rows, index, SEAT_PRICE),
                         .placed = !db_null(rows, index, SEAT_X),
                         .x = db_int(rows, index, SEAT_X),
                         .y = db_int(rows, index, SEAT_Y),
                         .accessible = db_bool(rows, index, SEAT_ACCESSIBLE),
                         .view_restricted = db_bool(rows, index, SEAT_RESTRICTED),
                         .status = db_str(rows, index, SEAT_STATUS)};
}

const struct err *seat_map_catalogue(struct ctx *ctx, const char *schedule_id, struct schedule_seats *seats_r)
{
    const struct db_rows *rows;
    const struct err *e = run_for_visible(ctx, schedule_id, EVENT_SEATS, &rows);
    if (e) {
        return e;
    }
    struct schedule_seat *items = arena_calloc(ctx->arena, db_count(rows), sizeof *items);
    for (size_t i = 0; i < db_count(rows); i++) {
        items[i] = (struct schedule_seat){.id = db_str(rows, i, SEAT_ID),
                                          .seat_number = db_str(rows, i, SEAT_NUMBER),
                                          .grade = db_str(rows, i, SEAT_GRADE),
                                          .price = db_int(rows, i, SEAT_PRICE)};
    }
    *seats_r = (struct schedule_seats){.schedule_id = schedule_id, .seats = {items, db_count(rows)}};
    return NULL;
}

const struct err *seat_map_sold(struct ctx *ctx, const char *schedule_id, struct json_list *ids_r)
{
    const struct db_rows *rows;
    const struct err *e = run_for_visible(ctx, schedule_id, EVENT_SEATS_SOLD, &rows);
    if (e) {
        return e;
    }
    const char **ids = arena_calloc(ctx->arena, db_count(rows), sizeof *ids);
    for (size_t i = 0; i < db_count(rows); i++) {
        ids[i] = db_str(rows, i, 0);
    }
    *ids_r = (struct json_list){ids, db_count(rows)};
    return NULL;
}

const struct err *seat_map_sell(struct ctx *ctx, const struct seat_claim *claim, int64_t confirmed_at)
{
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &event_stmt[EVENT_SEATS_SELL], &rows, DB_TEXT(claim->schedule_id),
               DB_UUIDS(claim->seat_ids, claim->count), DB_TEXT(claim->reservation_id), DB_TIME(confirmed_at));
    if (e) {
        return e;
    }
    return db_affected(rows) == 1 ? NULL : &err_not_found;
}

const struct err *seat_map_free(struct ctx *ctx, const struct seat_claim *claim)
{
    return DB_RUN(ctx, &event_stmt[EVENT_SEATS_FREE], NULL, DB_TEXT(claim->schedule_id),
                  DB_UUIDS(claim->seat_ids, claim->count), DB_TEXT(claim->reservation_id));
}
