#include "cgi-bin/event/handlers.h"

#include "src/event/event_admin.h"
#include "src/event/event_query.h"

static void write_list(struct json_out *out, const struct event_list *list)
{
    reply_list_open(out);
    for (size_t i = 0; i < list->count; i++) {
        json_add_shape(out, NULL, &event_summary_shape, &list->items[i]);
    }
    reply_list_close_before(out, &list->page, list->total, list->next_cursor);
}

static const struct err *list_made(struct request *rq, struct reply *rp, const char **etag_r)
{
    (void)etag_r;
    struct event_list list;
    const struct err *e = event_list(rq->ctx, rq->args, &list);
    if (!e) {
        write_list(reply_json(rp, 200), &list);
    }
    return e;
}

const struct err *events_list(struct request *rq, struct reply *rp)
{
    const char *asked = event_list_asked_by_many(rq->ctx->arena, rq->args);
    if (asked == NULL) {
        const struct err *e = list_made(rq, rp, NULL);
        if (!e) {
            reply_shared(rp, true, false);
            reply_etag(rp, request_header(rq, "if-none-match"));
        }
        return e;
    }
    const struct catalogue_place place = catalogue_place_list(rq->ctx, asked);
    return reply_kept(rq, rp, &place, list_made, NULL);
}

static const struct err *reply_event(struct request *rq, struct reply *rp, int status, const char *id,
                                     enum event_view view)
{
    struct event_detail event;
    const struct err *e = event_get(rq->ctx, id, view, &event);
    if (!e) {
        json_add_shape(reply_json(rp, status), NULL, &event_detail_shape, &event);
    }
    return e;
}

static const struct err *event_made(struct request *rq, struct reply *rp, const char **etag_r)
{
    (void)etag_r;
    return reply_event(rq, rp, 200, request_param(rq, "id"), EVENT_VIEW_PUBLIC);
}

const struct err *events_get(struct request *rq, struct reply *rp)
{
    const struct catalogue_place place = catalogue_place_event(rq->ctx, request_param(rq, "id"));
    return reply_kept(rq, rp, &place, event_made, NULL);
}

const struct err *events_reply(struct request *rq, struct reply *rp, int status, const char *id)
{
    return reply_event(rq, rp, status, id, EVENT_VIEW_ADMIN);
}

const struct err *events_create(struct request *rq, struct reply *rp)
{
    char id[UUID_SIZE];
    const struct err *e = event_admin_create(rq->ctx, rq->body, id);
    if (e) {
        return e;
    }
    reply_header(rp, "Location", arena_printf(rq->ctx->arena, "/events/%s", id));
    return events_reply(rq, rp, 201, id);
}

const struct err *events_publish(struct request *rq, struct reply *rp)
{
    const char *id = request_param(rq, "id");
    const struct err *e = event_admin_publish(rq->ctx, id);
    return e ? e : events_reply(rq, rp, 200, id);
}
