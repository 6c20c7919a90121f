#include "src/event/seat_map.h"

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "sql/event.h"
#include "sql/seat.h"
#include "src/event/catalogue_cache.h"

const struct err *seat_map_schedule(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_event_schedule_get, &rows, DB_TEXT(schedule_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    *schedule_r = (struct schedule){.schedule_id = db_str(rows, 0, "id"),
                                    .event_id = db_str(rows, 0, "event_id"),
                                    .event_title = db_str(rows, 0, "title"),
                                    .artist = db_str(rows, 0, "artist"),
                                    .venue_name = db_str(rows, 0, "venue_name"),
                                    .hall_name = db_str(rows, 0, "hall_name"),
                                    .status = db_str(rows, 0, "status"),
                                    .event_start_at = db_time(rows, 0, "event_start_at"),
                                    .event_end_at = db_time(rows, 0, "event_end_at"),
                                    .sale_start_at = db_time(rows, 0, "sale_start_at"),
                                    .sale_end_at = db_time(rows, 0, "sale_end_at"),
                                    .admission_rate = db_int(rows, 0, "admission_rate"),
                                    .queue_capacity = db_int(rows, 0, "queue_capacity"),
                                    .sold_out = db_bool(rows, 0, "sold_out")};
    return NULL;
}

/* Runs `stmt` for a schedule that others may see. */
static const struct err *run_for_visible(struct ctx *ctx, const char *schedule_id, const struct db_stmt *stmt,
                                         const struct db_rows **rows_r)
{
    struct schedule schedule;
    const struct err *e = seat_map_schedule(ctx, schedule_id, &schedule);
    return e ? e : DB_RUN(ctx, stmt, rows_r, DB_TEXT(schedule_id));
}

const struct err *seat_map_get(struct ctx *ctx, const char *schedule_id, struct seat_map *map_r)
{
    return run_for_visible(ctx, schedule_id, &sql_seat_list, &map_r->rows);
}

size_t seat_map_count(const struct seat_map *map)
{
    return db_count(map->rows);
}

struct seat seat_map_at(const struct seat_map *map, size_t index)
{
    const struct db_rows *rows = map->rows;
    return (struct seat){.id = db_str(rows, index, "id"),
                         .seat_number = db_str(rows, index, "seat_number"),
                         .section = db_str(rows, index, "section"),
                         .row = db_str(rows, index, "row_label"),
                         .number = db_int(rows, index, "number"),
                         .grade = db_str(rows, index, "grade"),
                         .price = db_int(rows, index, "price"),
                         .placed = !db_null(rows, index, "x"),
                         .x = db_int(rows, index, "x"),
                         .y = db_int(rows, index, "y"),
                         .accessible = db_bool(rows, index, "accessible"),
                         .view_restricted = db_bool(rows, index, "view_restricted"),
                         .status = db_str(rows, index, "status")};
}

const struct err *seat_map_catalogue(struct ctx *ctx, const char *schedule_id, struct schedule_seats *seats_r)
{
    const struct db_rows *rows;
    const struct err *e = run_for_visible(ctx, schedule_id, &sql_seat_list, &rows);
    if (e) {
        return e;
    }
    struct schedule_seat *items = arena_calloc(ctx->arena, db_count(rows), sizeof *items);
    for (size_t i = 0; i < db_count(rows); i++) {
        items[i] = (struct schedule_seat){.id = db_str(rows, i, "id"),
                                          .seat_number = db_str(rows, i, "seat_number"),
                                          .grade = db_str(rows, i, "grade"),
                                          .price = db_int(rows, i, "price")};
    }
    *seats_r = (struct schedule_seats){.schedule_id = schedule_id, .seats = {items, db_count(rows)}};
    return NULL;
}

const struct err *seat_map_sold(struct ctx *ctx, const char *schedule_id, struct json_list *ids_r)
{
    const struct db_rows *rows;
    const struct err *e = run_for_visible(ctx, schedule_id, &sql_seat_list_sold, &rows);
    if (e) {
        return e;
    }
    const char **ids = arena_calloc(ctx->arena, db_count(rows), sizeof *ids);
    for (size_t i = 0; i < db_count(rows); i++) {
        ids[i] = db_str(rows, i, "id");
    }
    *ids_r = (struct json_list){ids, db_count(rows)};
    return NULL;
}

const struct err *seat_map_sell(struct ctx *ctx, const struct seat_claim *claim, int64_t confirmed_at)
{
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_seat_sell, &rows, DB_TEXT(claim->schedule_id), DB_UUIDS(claim->seat_ids, claim->count),
               DB_TEXT(claim->reservation_id), DB_TIME(confirmed_at));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    int64_t unknown = (int64_t)claim->count - db_int(rows, 0, "known");
    if (unknown > 0) {
        log_error(&ctx->log, "%lld seats were sold that performance '%s' does not have", (long long)unknown,
                  claim->schedule_id);
        metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_seats_unknown_total", ""), unknown);
    }
    return NULL;
}

const struct err *seat_map_free(struct ctx *ctx, const struct seat_claim *claim, int64_t confirmed_at,
                                int64_t cancelled_at)
{
    return DB_RUN(ctx, &sql_seat_free, NULL, DB_TEXT(claim->schedule_id), DB_UUIDS(claim->seat_ids, claim->count),
                  DB_TEXT(claim->reservation_id), DB_TIME(confirmed_at), DB_TIME(cancelled_at));
}

const struct err *seat_map_drop_stale_copy(struct ctx *ctx, const char *schedule_id)
{
    struct schedule schedule;
    const struct err *e = seat_map_schedule(ctx, schedule_id, &schedule);
    if (!e) {
        catalogue_cache_forget_seats(ctx, &schedule, schedule_forget_if_sales_changed(ctx, &schedule));
    }
    return e;
}

const struct err *seat_map_drop_copy_of_freed(struct ctx *ctx, const char *schedule_id, int64_t confirmed_at)
{
    return confirmed_at == CLOCK_NONE ? NULL : seat_map_drop_stale_copy(ctx, schedule_id);
}
