#include "src/event/venue.h"

#include "common/base/array.h"
#include "sql/venue.h"

static const struct field venue_fields[] = {
    {FIELD(struct venue, "id", FIELD_UUID, id)},
    {FIELD(struct venue, "name", FIELD_STR, name)},
    {FIELD(struct venue, "address", FIELD_STR, address)},
    {FIELD(struct venue, "city", FIELD_STR, city)},
};
const struct shape venue_shape = {venue_fields, ARRAY_COUNT(venue_fields), sizeof(struct venue), false};

/* Lists answer the total beside each row, and one row of nulls beside it when the page is empty. */
static size_t listed(const struct db_rows *rows)
{
    return db_null(rows, 0, "id") ? 0 : db_count(rows);
}

static struct venue read_venue(const struct db_rows *rows, size_t row)
{
    return (struct venue){.id = db_str(rows, row, "id"),
                          .name = db_str(rows, row, "name"),
                          .address = db_str(rows, row, "address"),
                          .city = db_str(rows, row, "city")};
}

const struct err *venue_list(struct ctx *ctx, const struct page *page, struct venue_list *list_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_venue_list, &rows, DB_INT(page->size), DB_INT(page->page * page->size));
    if (e) {
        return e;
    }
    size_t count = listed(rows);
    struct venue *items = arena_calloc(ctx->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = read_venue(rows, i);
    }
    *list_r = (struct venue_list){items, count, db_int(rows, 0, "total")};
    return NULL;
}

const struct err *venue_get(struct ctx *ctx, const char *venue_id, struct venue *venue_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_venue_get, &rows, DB_TEXT(venue_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    *venue_r = read_venue(rows, 0);
    return NULL;
}

static struct hall read_hall(const struct db_rows *rows, size_t row)
{
    return (struct hall){.id = db_str(rows, row, "id"),
                         .venue_id = db_str(rows, row, "venue_id"),
                         .name = db_str(rows, row, "name"),
                         .capacity = db_int(rows, row, "capacity"),
                         .seat_template = db_str(rows, row, "seat_template")};
}

const struct err *hall_list(struct ctx *ctx, const char *venue_id, const struct page *page, struct hall_list *list_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_venue_hall_list, &rows, DB_TEXT(venue_id), DB_INT(page->size),
                                 DB_INT(page->page * page->size));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    size_t count = listed(rows);
    struct hall *items = arena_calloc(ctx->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = read_hall(rows, i);
    }
    *list_r = (struct hall_list){items, count, db_int(rows, 0, "total")};
    return NULL;
}

const struct err *hall_get(struct ctx *ctx, const char *hall_id, struct hall *hall_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_venue_hall_get, &rows, DB_TEXT(hall_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    *hall_r = read_hall(rows, 0);
    return NULL;
}
