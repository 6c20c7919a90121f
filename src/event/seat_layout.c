#include "src/event/seat_layout.h"

#include <string.h>

#include "common/base/array.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "sql/seat.h"
#include "src/event/seat_map.h"

static const struct field seat_live_fields[] = {
    {FIELD(struct seat_live, "scheduleId", FIELD_UUID, schedule_id)},
    {FIELD(struct seat_live, "layout", FIELD_INT, layout)},
    {FIELD(struct seat_live, "version", FIELD_INT, version)},
    {FIELD(struct seat_live, "count", FIELD_INT, count)},
    {FIELD(struct seat_live, "sold", FIELD_STR, sold)},
};
const struct shape seat_live_shape = {seat_live_fields, ARRAY_COUNT(seat_live_fields), sizeof(struct seat_live), false};

const struct err *seat_layout_version(struct ctx *ctx, const char *schedule_id, int64_t *version_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_seat_layout_version, &rows, DB_TEXT(schedule_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    *version_r = db_int(rows, 0, "layout");
    return NULL;
}

/* ---- the layout: rows, each with its run of seats ---- */

static bool same_section(const struct seat *a, const struct seat *b)
{
    return a->section && b->section ? strcmp(a->section, b->section) == 0 : a->section == b->section;
}

static bool same_row(const struct seat *a, const struct seat *b)
{
    return same_section(a, b) && strcmp(a->row, b->row) == 0 && strcmp(a->grade, b->grade) == 0 && a->price == b->price;
}

static size_t row_end(const struct seat_map *map, size_t first)
{
    struct seat seat = seat_map_at(map, first);
    size_t end = first + 1;
    for (; end < seat_map_count(map); end++) {
        struct seat next = seat_map_at(map, end);
        if (!same_row(&seat, &next)) {
            break;
        }
    }
    return end;
}

/* First number and length of each run of numbers without a gap. */
static void write_numbers(struct json_out *out, const struct seat_map *map, size_t first, size_t end)
{
    json_open_array(out, "numbers");
    for (size_t run = first; run < end;) {
        int64_t number = seat_map_at(map, run).number;
        size_t next = run + 1;
        while (next < end && seat_map_at(map, next).number == number + (int64_t)(next - run)) {
            next++;
        }
        json_add_int(out, NULL, number);
        json_add_int(out, NULL, (int64_t)(next - run));
        run = next;
    }
    json_close_array(out);
}

/* x and y of each seat, null for one that is not drawn; nothing when none is. */
static void write_places(struct json_out *out, const struct seat_map *map, size_t first, size_t end)
{
    bool drawn = false;
    for (size_t i = first; i < end; i++) {
        drawn = drawn || seat_map_at(map, i).placed;
    }
    if (!drawn) {
        return;
    }
    json_open_array(out, "places");
    for (size_t i = first; i < end; i++) {
        struct seat seat = seat_map_at(map, i);
        if (seat.placed) {
            json_add_int(out, NULL, seat.x);
            json_add_int(out, NULL, seat.y);
        } else {
            json_add_null(out, NULL);
            json_add_null(out, NULL);
        }
    }
    json_close_array(out);
}

static void write_rows(struct json_out *out, const struct seat_map *map)
{
    json_open_array(out, "rows");
    for (size_t first = 0, end; first < seat_map_count(map); first = end) {
        struct seat seat = seat_map_at(map, first);
        end = row_end(map, first);
        json_open_object(out, NULL);
        if (seat.section) {
            json_add_str(out, "section", seat.section);
        }
        json_add_str(out, "row", seat.row);
        json_add_str(out, "grade", seat.grade);
        json_add_int(out, "price", seat.price);
        write_numbers(out, map, first, end);
        write_places(out, map, first, end);
        json_close_object(out);
    }
    json_close_array(out);
}

static bool is_accessible(const struct seat *seat)
{
    return seat->accessible;
}

static bool is_view_restricted(const struct seat *seat)
{
    return seat->view_restricted;
}

/* The indexes of those seats. */
static void write_those(struct json_out *out, const char *name, const struct seat_map *map,
                        bool (*is)(const struct seat *seat))
{
    json_open_array(out, name);
    for (size_t i = 0; i < seat_map_count(map); i++) {
        struct seat seat = seat_map_at(map, i);
        if (is(&seat)) {
            json_add_int(out, NULL, (int64_t)i);
        }
    }
    json_close_array(out);
}

static const char *ids_of(struct ctx *ctx, const struct seat_map *map)
{
    size_t count = seat_map_count(map);
    unsigned char *ids = arena_calloc(ctx->arena, count, UUID_BYTES);
    for (size_t i = 0; i < count; i++) {
        uuid_bytes(seat_map_at(map, i).id, ids + i * UUID_BYTES);
    }
    return crypto_base64(ctx->arena, ids, count * UUID_BYTES);
}

const struct err *seat_layout_write(struct ctx *ctx, const char *schedule_id, int64_t version, struct json_out *out)
{
    struct seat_map map;
    const struct err *e = seat_map_get(ctx, schedule_id, &map);
    if (e) {
        return e;
    }
    json_open_object(out, NULL);
    json_add_str(out, "scheduleId", schedule_id);
    json_add_int(out, "version", version);
    json_add_int(out, "count", (int64_t)seat_map_count(&map));
    write_rows(out, &map);
    write_those(out, "accessible", &map, is_accessible);
    write_those(out, "viewRestricted", &map, is_view_restricted);
    json_add_str(out, "ids", ids_of(ctx, &map));
    json_close_object(out);
    return NULL;
}

/* ---- the live state ---- */

/* `marks`: '1' for each seat that is SOLD, '0' for others. */
static const char *bitmap_of(struct ctx *ctx, const char *marks, size_t count)
{
    size_t len = (count + 7) / 8;
    unsigned char *bits = arena_calloc(ctx->arena, len, 1);
    for (size_t i = 0; i < count; i++) {
        bits[i / 8] |= (unsigned char)((marks[i] == '1') << i % 8);
    }
    return crypto_base64(ctx->arena, bits, len);
}

const struct err *seat_live_get(struct ctx *ctx, const char *schedule_id, struct seat_live *live_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_seat_live, &rows, DB_TEXT(schedule_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    const char *marks = db_null(rows, 0, "marks") ? "" : db_str(rows, 0, "marks");
    size_t count = strlen(marks);
    *live_r = (struct seat_live){.schedule_id = schedule_id,
                                 .layout = db_int(rows, 0, "layout"),
                                 .version = db_int(rows, 0, "version"),
                                 .count = (int64_t)count,
                                 .sold = bitmap_of(ctx, marks, count)};
    return NULL;
}
