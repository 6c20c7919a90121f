#include "cgi-bin/queue/queue.h"

#include "src/queue/waiting_room.h"

static void write_place(struct json_out *out, const char *schedule_id, const struct queue_place *place)
{
    json_open_object(out, NULL);
    json_add_str(out, "status", place->state == QUEUE_ACTIVE ? "ACTIVE" : "WAITING");
    json_add_str(out, "scheduleId", schedule_id);
    json_add_int(out, "rank", place->rank);
    json_add_int(out, "sequence", place->sequence);
    json_add_int(out, "estimatedWaitTime", place->estimated_wait_s);
    json_add_int(out, "pollAfter", place->poll_after_s);
    json_add_str(out, "token", place->token);
    if (place->token) {
        json_add_time(out, "tokenExpiresAt", place->token_expires_at);
    }
    json_close_object(out);
}

const struct err *queue_handle_enter(struct request *rq, struct reply *rp)
{
    const struct schedule_ref *body = rq->body;
    struct queue_place place;
    const struct err *e = queue_enter(rq->ctx, rq->identity.user_id, body->schedule_id, &place);
    if (!e) {
        write_place(reply_json(rp, 200), body->schedule_id, &place);
    }
    return e;
}

const struct err *queue_handle_status(struct request *rq, struct reply *rp)
{
    const struct schedule_ref *args = rq->args;
    struct queue_place place;
    const struct queue_caller caller = {rq->identity.user_id, rq->identity.jti};
    const struct err *e = queue_status(rq->ctx, &caller, args->schedule_id, &place);
    if (!e) {
        write_place(reply_json(rp, 200), args->schedule_id, &place);
    }
    return e;
}

const struct err *queue_handle_leave(struct request *rq, struct reply *rp)
{
    const struct schedule_ref *args = rq->args;
    const struct err *e = queue_leave(rq->ctx, rq->identity.user_id, args->schedule_id);
    if (!e) {
        struct json_out *out = reply_json(rp, 200);
        json_open_object(out, NULL);
        json_add_str(out, "message", "left the queue");
        json_close_object(out);
    }
    return e;
}
