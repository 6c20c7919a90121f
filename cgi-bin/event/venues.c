#include "cgi-bin/event/handlers.h"

#include "src/event/event_admin.h"
#include "src/event/venue.h"

const struct err *venues_list(struct request *rq, struct reply *rp)
{
    const struct page page = page_or_default(rq->args);
    struct venue_list list;
    const struct err *e = venue_list(rq->ctx, &page, &list);
    if (!e) {
        reply_page(rp, &venue_shape, list.items, list.count, &page, list.total);
    }
    return e;
}

const struct err *venues_reply(struct request *rq, struct reply *rp, int status, const char *id)
{
    struct venue venue;
    const struct err *e = venue_get(rq->ctx, id, &venue);
    if (!e) {
        json_add_shape(reply_json(rp, status), NULL, &venue_shape, &venue);
    }
    return e;
}

const struct err *venues_get(struct request *rq, struct reply *rp)
{
    return venues_reply(rq, rp, 200, request_param(rq, "id"));
}

const struct err *venues_create(struct request *rq, struct reply *rp)
{
    char id[UUID_SIZE];
    const struct err *e = venue_create(rq->ctx, rq->body, id);
    if (e) {
        return e;
    }
    reply_header(rp, "Location", arena_printf(rq->ctx->arena, "/venues/%s", id));
    return venues_reply(rq, rp, 201, id);
}

static void write_hall(struct json_out *out, const struct hall *hall)
{
    json_open_object(out, NULL);
    json_add_str(out, "id", hall->id);
    json_add_str(out, "venueId", hall->venue_id);
    json_add_str(out, "name", hall->name);
    json_add_int(out, "capacity", hall->capacity);
    json_add_raw(out, "seatTemplate", hall->seat_template);
    json_close_object(out);
}

const struct err *halls_list(struct request *rq, struct reply *rp)
{
    const struct page page = page_or_default(rq->args);
    struct hall_list list;
    const struct err *e = hall_list(rq->ctx, request_param(rq, "id"), &page, &list);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    reply_list_open(out);
    for (size_t i = 0; i < list.count; i++) {
        write_hall(out, &list.items[i]);
    }
    reply_list_close(out, page.page, page.size, list.total);
    return NULL;
}

const struct err *halls_reply(struct request *rq, struct reply *rp, int status, const char *id)
{
    struct hall hall;
    const struct err *e = hall_get(rq->ctx, id, &hall);
    if (!e) {
        write_hall(reply_json(rp, status), &hall);
    }
    return e;
}

const struct err *halls_create(struct request *rq, struct reply *rp)
{
    const char *venue_id = request_param(rq, "id");
    char id[UUID_SIZE];
    const struct err *e = hall_create(rq->ctx, venue_id, rq->body, id);
    if (e) {
        return e;
    }
    reply_header(rp, "Location", arena_printf(rq->ctx->arena, "/venues/%s/halls/%s", venue_id, id));
    return halls_reply(rq, rp, 201, id);
}
