#include "cgi-bin/reservation/reservation.h"
#include "common/base/array.h"
#include "src/contract/queue_token.h"
#include "src/reservation/hold.h"
#include "src/reservation/seat_mirror.h"

#define SEATS_PER_REQUEST_MAX 50

static const struct field hold_body_fields[] = {
    {FIELD(struct hold_body, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
    {FIELD(struct hold_body, "seatIds", FIELD_UUIDS, seat_ids), .flags = FIELD_REQUIRED, .min = 1,
     .max = SEATS_PER_REQUEST_MAX},
};
const struct shape hold_body_shape = {hold_body_fields, ARRAY_COUNT(hold_body_fields), sizeof(struct hold_body), false};

/* ---- holding: the gate, the claim ---- */

static const struct err *answer_hold(struct request *rq, struct reply *rp)
{
    struct hold hold;
    const struct err *e = hold_take(rq->state, &hold);
    if (!e) {
        reply_replayed(rp, hold.replayed);
        reply_header(rp, "Location", arena_printf(rq->ctx->arena, "/reservations/%s", hold.reservation_id));
        json_add_shape(reply_json(rp, 201), NULL, &hold_shape, &hold);
    }
    return e;
}

static const struct err *claim(struct request *rq, struct reply *rp)
{
    (void)rp;
    const struct err *e = hold_claim(rq->state, rq->answers);
    if (!e) {
        request_wait(rq, answer_hold, rq->state);
    }
    return e;
}

static const struct err *lose(struct request *rq, const struct err *e)
{
    return hold_lost(rq->state, e);
}

const struct err *reservation_handle_hold(struct request *rq, struct reply *rp)
{
    const struct hold_body *body = rq->body;
    struct hold_request *request = ARENA_NEW(rq->ctx->arena, struct hold_request);
    *request = (struct hold_request){
        .user_id = rq->identity.user_id,
        .queue_token = rq->queue_token,
        .schedule_id = body->schedule_id,
        .seat_ids = body->seat_ids,
        .idempotency = request_idempotency(rq, "POST /reservations/hold", &hold_body_shape),
    };
    struct hold_attempt *attempt;
    struct redis_pipe *pipe;
    (void)rp;
    const struct err *e = hold_knock(rq->ctx, request, &attempt, &pipe);
    if (!e && pipe) {
        request_ask(rq, pipe, claim, attempt);
        request_on_lost(rq, lose);
    } else if (!e) {
        request_wait(rq, answer_hold, attempt);
    }
    return e;
}

const struct err *reservation_handle_release(struct request *rq, struct reply *rp)
{
    const struct err *e = hold_release(rq->ctx, rq->identity.user_id, request_param(rq, "id"));
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

static void write_ids(struct json_out *out, const char *key, struct json_list ids)
{
    const char *const *items = ids.items;
    json_open_array(out, key);
    for (size_t i = 0; i < ids.count; i++) {
        json_add_str(out, NULL, items[i]);
    }
    json_close_array(out);
}

const struct err *reservation_handle_seats(struct request *rq, struct reply *rp)
{
    const char *schedule_id = request_param(rq, "scheduleId");
    struct seat_map map;
    const struct err *e = queue_token_check(rq->ctx, rq->queue_token, rq->identity.user_id, schedule_id);
    e = e ? e : seat_mirror_map(rq->ctx, schedule_id, &map);
    if (e) {
        return e;
    }
    int64_t sold = (int64_t)map.sold.count;
    int64_t held = (int64_t)map.held.count;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "scheduleId", schedule_id);
    json_open_object(out, "seats");
    json_add_int(out, "total", map.total);
    json_add_int(out, "available", map.total - sold - held);
    json_add_int(out, "sold", sold);
    json_add_int(out, "hold", held);
    json_close_object(out);
    write_ids(out, "sold", map.sold);
    write_ids(out, "hold", map.held);
    json_close_object(out);
    return NULL;
}
