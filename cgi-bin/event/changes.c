#include "cgi-bin/event/handlers.h"

#include "src/event/audit.h"
#include "src/event/event_change.h"
#include "src/event/event_end.h"
#include "src/event/venue_change.h"

static const struct err *gone(const struct err *e, struct reply *rp)
{
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

/* ---- venues and halls ---- */

const struct err *venues_change(struct request *rq, struct reply *rp)
{
    const char *id = request_param(rq, "id");
    const struct err *e = venue_change(rq->ctx, id, rq->body);
    return e ? e : venues_reply(rq, rp, 200, id);
}

const struct err *venues_delete(struct request *rq, struct reply *rp)
{
    return gone(venue_delete(rq->ctx, request_param(rq, "id")), rp);
}

const struct err *halls_change(struct request *rq, struct reply *rp)
{
    const char *id = request_param(rq, "hallId");
    const struct err *e = hall_change(rq->ctx, request_param(rq, "id"), id, rq->body);
    return e ? e : halls_reply(rq, rp, 200, id);
}

const struct err *halls_delete(struct request *rq, struct reply *rp)
{
    return gone(hall_delete(rq->ctx, request_param(rq, "id"), request_param(rq, "hallId")), rp);
}

/* ---- events ---- */

const struct err *events_change(struct request *rq, struct reply *rp)
{
    const char *id = request_param(rq, "id");
    const struct err *e = event_change(rq->ctx, id, rq->body);
    return e ? e : events_reply(rq, rp, 200, id);
}

const struct err *events_delete(struct request *rq, struct reply *rp)
{
    return gone(event_delete(rq->ctx, request_param(rq, "id")), rp);
}

const struct err *events_cancel(struct request *rq, struct reply *rp)
{
    const char *id = request_param(rq, "id");
    const struct err *e = event_cancel(rq->ctx, id, rq->body);
    return e ? e : events_reply(rq, rp, 200, id);
}

const struct err *schedules_cancel(struct request *rq, struct reply *rp)
{
    char event_id[UUID_SIZE];
    const struct err *e = event_cancel_schedule(rq->ctx, request_param(rq, "scheduleId"), rq->body, event_id);
    return e ? e : events_reply(rq, rp, 200, event_id);
}

/* ---- what was changed ---- */

static void add_columns(struct json_out *out, const char *name, const char *json)
{
    if (json) {
        json_add_raw(out, name, json);
    } else {
        json_add_null(out, name);
    }
}

static void write_change(struct json_out *out, const struct audit_change *change)
{
    json_open_object(out, NULL);
    json_add_str(out, "id", change->id);
    json_add_time(out, "at", change->at);
    json_add_str(out, "adminId", change->admin_id);
    json_add_str(out, "action", change->action);
    json_add_str(out, "subject", change->subject);
    json_add_str(out, "subjectId", change->subject_id);
    add_columns(out, "before", change->before);
    add_columns(out, "after", change->after);
    json_add_str(out, "traceId", change->trace_id);
    json_close_object(out);
}

const struct err *audit_get(struct request *rq, struct reply *rp)
{
    struct audit_list list;
    const struct err *e = audit_list(rq->ctx, rq->args, &list);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_open_array(out, "items");
    for (size_t i = 0; i < list.count; i++) {
        write_change(out, &list.items[i]);
    }
    json_close_array(out);
    json_add_str(out, "next", list.next);
    json_close_object(out);
    return NULL;
}
