#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "sql/seed.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/settings.h"
#include "src/event/event_admin.h"
#include "src/event/event_settings.h"

#define HOUR (3600 * CLOCK_SECOND)
#define DAY (24 * HOUR)

/* One sale of the demo: a hall of `rows` equal rows and one performance in it. */
struct sale {
    const char *hall;
    const char *title;
    const char *artist;
    int rows;
    int seats_per_row;
};

static const char venue_name[] = "Boxoffice Demo Arena";
static const struct sale sales[] = {
    {"Small Hall", "Acoustic Evening", "The Test Cases", 4, 10},
    {"Stadium", "Stadium Night", "The Fifty Thousand", 100, 500},
};

/* ---- what is to be made ---- */

static const char *grade_of(const struct sale *sale, int row)
{
    static const char *const grades[] = {"VIP", "S", "A", "B"};
    return grades[row * 4 / sale->rows];
}

/* Rows "R1", "R2", ... from the best grade to the last. */
static const struct err *describe_hall(struct ctx *ctx, const struct sale *sale, struct hall_new **hall_r)
{
    struct buf text;
    struct json_out out;
    buf_init(&text, ctx->arena, 1u << 20);
    json_out_init(&out, &text);
    json_open_object(&out, NULL);
    json_add_str(&out, "name", sale->hall);
    json_add_int(&out, "capacity", (int64_t)sale->rows * sale->seats_per_row);
    json_open_object(&out, "seatTemplate");
    json_open_array(&out, "rows");
    for (int row = 0; row < sale->rows; row++) {
        json_add_str(&out, NULL, arena_printf(ctx->arena, "R%d", row + 1));
    }
    json_close_array(&out);
    json_add_int(&out, "seatsPerRow", sale->seats_per_row);
    json_open_object(&out, "gradeMapping");
    for (int row = 0; row < sale->rows; row++) {
        json_add_str(&out, arena_printf(ctx->arena, "R%d", row + 1), grade_of(sale, row));
    }
    json_close_object(&out);
    json_close_object(&out);
    json_close_object(&out);
    return json_read(ctx, text.data, text.len, &hall_new_shape, (void **)hall_r);
}

/* On sale since a minute ago and for a year. */
static struct event_draft describe_event(struct ctx *ctx, const struct sale *sale, const char *venue_id,
                                         const char *hall_id)
{
    int64_t start_at = clock_now() / HOUR * HOUR + 366 * DAY;
    struct schedule_new *schedule = ARENA_NEW(ctx->arena, struct schedule_new);
    *schedule = (struct schedule_new){
        .play_sequence = 1,
        .event_start_at = start_at,
        .event_end_at = start_at + 2 * HOUR,
        .sale_start_at = clock_now() - 60 * CLOCK_SECOND,
        .sale_end_at = start_at - DAY,
        .admission_rate = FIELD_NO_INT,
        .queue_capacity = FIELD_NO_INT,
    };
    return (struct event_draft){
        .title = sale->title,
        .artist = sale->artist,
        .description = "A sale to play with, made by boxctl seed demo.",
        .venue_id = venue_id,
        .hall_id = hall_id,
        .grade_prices = {.vip = 150000, .s = 120000, .a = 90000, .b = 60000},
        .schedules = {schedule, 1},
    };
}

/* ---- finding, else making ---- */

/* The id in the first row of a look-up, or "" when there is none. */
static const struct err *find(struct ctx *ctx, const struct db_stmt *stmt, const struct db_arg *args, size_t count,
                              char id_r[UUID_SIZE])
{
    const struct db_rows *rows;
    const struct err *e = db_run(ctx, stmt, args, count, &rows);
    if (!e) {
        snprintf(id_r, UUID_SIZE, "%s", db_count(rows) > 0 ? db_str(rows, 0, "id") : "");
    }
    return e;
}

static const struct err *have_venue(struct ctx *ctx, char id_r[UUID_SIZE])
{
    const struct err *e = find(ctx, &sql_seed_venue, (struct db_arg[]){DB_TEXT(venue_name)}, 1, id_r);
    if (e || *id_r != '\0') {
        return e;
    }
    return venue_create(ctx, &(struct venue_new){venue_name, "1 Demo Street", "Seoul"}, id_r);
}

static const struct err *have_hall(struct ctx *ctx, const struct sale *sale, const char *venue_id, char id_r[UUID_SIZE])
{
    struct hall_new *hall;
    const struct err *e = find(ctx, &sql_seed_hall, (struct db_arg[]){DB_TEXT(venue_id), DB_TEXT(sale->hall)}, 2, id_r);
    if (e || *id_r != '\0') {
        return e;
    }
    e = describe_hall(ctx, sale, &hall);
    return e ? e : hall_create(ctx, venue_id, hall, id_r);
}

static const struct err *have_event(struct ctx *ctx, const struct sale *sale, const char *venue_id, const char *hall_id,
                                    char id_r[UUID_SIZE])
{
    const struct err *e =
        find(ctx, &sql_seed_event, (struct db_arg[]){DB_TEXT(hall_id), DB_TEXT(sale->title)}, 2, id_r);
    if (e) {
        return e;
    }
    if (*id_r == '\0') {
        struct event_draft draft = describe_event(ctx, sale, venue_id, hall_id);
        e = event_admin_create(ctx, &draft, id_r);
    }
    return e ? e : event_admin_publish(ctx, id_r);
}

static const struct err *have_sale(struct ctx *ctx, const struct sale *sale, const char *venue_id)
{
    char hall_id[UUID_SIZE], event_id[UUID_SIZE], schedule_id[UUID_SIZE];
    const struct err *e = have_hall(ctx, sale, venue_id, hall_id);
    e = e ? e : have_event(ctx, sale, venue_id, hall_id, event_id);
    if (!e) {
        e = find(ctx, &sql_seed_schedule, (struct db_arg[]){DB_TEXT(event_id)}, 1, schedule_id);
    }
    if (!e) {
        printf("%s: event %s schedule %s seats %d\n", sale->title, event_id, schedule_id,
               sale->rows * sale->seats_per_row);
    }
    return e;
}

static const struct err *have_all(struct ctx *ctx)
{
    char venue_id[UUID_SIZE];
    const struct err *e = have_venue(ctx, venue_id);
    for (size_t i = 0; i < ARRAY_COUNT(sales) && !e; i++) {
        e = have_sale(ctx, &sales[i], venue_id);
    }
    return e;
}

static enum boxctl_status run_seed(struct boxctl *box, int count, char **args)
{
    if (count != 1 || strcmp(args[0], "demo") != 0) {
        return BOXCTL_USAGE;
    }
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(box->ctx, &sql_seed_lock, &rows);
    if (!e && !db_bool(rows, 0, "held")) {
        return boxctl_fail("another boxctl seed is running");
    }
    e = e ? e : have_all(box->ctx);
    for (const struct ctx_detail *detail = box->ctx->details; e && detail != NULL; detail = detail->next) {
        boxctl_fail("%s: %s", detail->field, detail->reason);
    }
    if (e) {
        return boxctl_fail("the demo is not complete: %s", e->en);
    }
    return BOXCTL_OK;
}

const struct command seed_command = {
    .name = "seed",
    .args = "demo",
    .help = "Create two open sales to play with: a small hall and one of 50,000 seats.",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section, &cfg_event_section),
    .needs = NEED_REDIS,
    .role = "event_service",
    .run = run_seed,
};
