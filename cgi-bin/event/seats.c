#include "cgi-bin/event/handlers.h"

#include <string.h>

#include "common/base/array.h"
#include "src/event/seat_layout.h"
#include "src/event/seat_map.h"

static void write_seat(struct json_out *out, const struct seat *seat)
{
    json_open_object(out, NULL);
    json_add_str(out, "id", seat->id);
    json_add_str(out, "seatNumber", seat->seat_number);
    if (seat->section) {
        json_add_str(out, "section", seat->section);
    }
    json_add_str(out, "row", seat->row);
    json_add_int(out, "number", seat->number);
    if (seat->placed) {
        json_add_int(out, "x", seat->x);
        json_add_int(out, "y", seat->y);
    }
    if (seat->accessible) {
        json_add_bool(out, "accessible", true);
    }
    if (seat->view_restricted) {
        json_add_bool(out, "viewRestricted", true);
    }
    json_add_str(out, "status", seat->status);
    json_close_object(out);
}

static bool same_group(const struct seat *a, const struct seat *b)
{
    return strcmp(a->grade, b->grade) == 0 && a->price == b->price;
}

static void open_group(struct json_out *out, const struct seat *first)
{
    json_open_object(out, NULL);
    json_add_str(out, "grade", first->grade);
    json_add_int(out, "price", first->price);
    json_open_array(out, "seats");
}

static void close_group(struct json_out *out)
{
    json_close_array(out);
    json_close_object(out);
}

/* The map is ordered by grade, so a group ends where the grade changes. */
static void write_groups(struct json_out *out, const struct seat_map *map)
{
    struct seat last;
    for (size_t i = 0; i < seat_map_count(map); i++) {
        struct seat seat = seat_map_at(map, i);
        if (i > 0 && !same_group(&last, &seat)) {
            close_group(out);
        }
        if (i == 0 || !same_group(&last, &seat)) {
            open_group(out, &seat);
        }
        write_seat(out, &seat);
        last = seat;
    }
    if (seat_map_count(map) > 0) {
        close_group(out);
    }
}

static const struct err *seats_made(struct request *rq, struct reply *rp, const char **etag_r)
{
    (void)etag_r;
    const char *schedule_id = request_param(rq, "scheduleId");
    struct seat_map map;
    const struct err *e = seat_map_get(rq->ctx, schedule_id, &map);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "scheduleId", schedule_id);
    json_open_array(out, "grades");
    write_groups(out, &map);
    json_close_array(out);
    json_close_object(out);
    return NULL;
}

const struct err *seats_get(struct request *rq, struct reply *rp)
{
    const struct catalogue_place place = catalogue_place_seats(rq->ctx, request_param(rq, "scheduleId"), "seats");
    return reply_kept(rq, rp, &place, seats_made, NULL);
}

/* ---- for phones: what hardly changes and what does (docs/seat-map.md) ---- */

struct layout_asked {
    const char *version;
};
static const struct field layout_asked_fields[] = {
    {FIELD(struct layout_asked, "v", FIELD_STR, version), .min = 1, .max = 20}};
const struct shape layout_asked_shape = {layout_asked_fields, ARRAY_COUNT(layout_asked_fields),
                                         sizeof(struct layout_asked), false};

static const struct err *layout_made(struct request *rq, struct reply *rp, const char **etag_r)
{
    int64_t version;
    const char *schedule_id = request_param(rq, "scheduleId");
    const struct err *e = seat_layout_version(rq->ctx, schedule_id, &version);
    e = e ? e : seat_layout_write(rq->ctx, schedule_id, version, reply_json(rp, 200));
    if (!e) {
        *etag_r = arena_printf(rq->ctx->arena, "\"%lld\"", (long long)version);
    }
    return e;
}

const struct err *seats_layout(struct request *rq, struct reply *rp)
{
    const struct layout_asked *asked = rq->args;
    const struct catalogue_place place = catalogue_place_layout(rq->ctx, request_param(rq, "scheduleId"));
    return reply_kept(rq, rp, &place, layout_made, asked->version);
}

static const struct err *live_made(struct request *rq, struct reply *rp, const char **etag_r)
{
    struct seat_live live;
    const struct err *e = seat_live_get(rq->ctx, request_param(rq, "scheduleId"), &live);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &seat_live_shape, &live);
        *etag_r = arena_printf(rq->ctx->arena, "\"%lld.%lld\"", (long long)live.layout, (long long)live.version);
    }
    return e;
}

const struct err *seats_live(struct request *rq, struct reply *rp)
{
    const struct catalogue_place place = catalogue_place_seats(rq->ctx, request_param(rq, "scheduleId"), "live");
    return reply_kept(rq, rp, &place, live_made, NULL);
}
