/* A person in the line. */
#include "cgi-bin/queue/queue.h"

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "src/queue/receipt.h"
#include "src/queue/waiting_room.h"

static const struct field schedule_ref_fields[] = {
    {FIELD(struct schedule_ref, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
};
const struct shape schedule_ref_shape = {schedule_ref_fields, 1, sizeof(struct schedule_ref), /* open= */ false};

static const struct field entry_fields[] = {
    {FIELD(struct entry, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
    {FIELD(struct entry, "receipt", FIELD_STR, receipt), .min = 1, .max = RECEIPT_LENGTH_MAX},
};
const struct shape entry_shape = {entry_fields, ARRAY_COUNT(entry_fields), sizeof(struct entry),
                                  /* open= */ false};

static const char *const state_names[] = {
    [QUEUE_PRE_OPEN] = "PRE_OPEN", [QUEUE_WAITING] = "WAITING", [QUEUE_ACTIVE] = "ACTIVE"};

static void add_wait(struct json_out *out, int64_t seconds)
{
    if (seconds == QUEUE_WAIT_UNKNOWN) {
        json_add_null(out, "estimatedWaitTime");
    } else {
        json_add_int(out, "estimatedWaitTime", seconds);
    }
}

static void add_place(struct json_out *out, const char *schedule_id, const struct queue_place *place)
{
    json_add_str(out, "status", state_names[place->state]);
    json_add_str(out, "scheduleId", schedule_id);
    json_add_int(out, "arrival", place->arrival);
    switch (place->state) {
    case QUEUE_PRE_OPEN:
        json_add_time(out, "opensAt", place->opens_at);
        break;
    case QUEUE_WAITING:
    case QUEUE_ACTIVE:
        json_add_int(out, "rank", place->rank);
        json_add_int(out, "sequence", place->sequence);
        add_wait(out, place->estimated_wait_s);
        json_add_str(out, "delayReason", place->delay_reason);
        break;
    }
    json_add_int(out, "pollAfter", place->poll_after_s);
    json_add_str(out, "token", place->token);
    if (place->token) {
        json_add_time(out, "tokenExpiresAt", place->token_expires_at);
        json_add_int(out, "tokenExpiresIn", clock_seconds_left(place->token_expires_at));
    }
}

static struct queue_visit *visit_of(struct request *rq, const char *schedule_id)
{
    const struct queue_caller caller = {rq->identity.user_id, rq->identity.jti};
    return queue_visit_new(rq->ctx, &caller, schedule_id);
}

/* ---- entering: the marker, then the place ---- */

static const struct err *answer_enter(struct request *rq, struct reply *rp)
{
    const struct entry *body = rq->body;
    struct queue_place place;
    const struct err *e = queue_enter_answer(rq->state, rq->answers, &place);
    if (!e) {
        struct json_out *out = reply_json(rp, 200);
        json_open_object(out, NULL);
        add_place(out, body->schedule_id, &place);
        json_add_str(out, "receipt",
                     receipt_issue(rq->ctx->arena, body->schedule_id, rq->identity.user_id, place.arrival - 1));
        json_close_object(out);
    }
    return e;
}

static const struct err *join(struct request *rq, struct reply *rp)
{
    struct redis_pipe *pipe;
    (void)rp;
    const struct err *e = queue_enter_join(rq->state, rq->answers, &pipe);
    if (!e) {
        request_ask(rq, pipe, answer_enter, rq->state);
    }
    return e;
}

const struct err *queue_handle_enter(struct request *rq, struct reply *rp)
{
    const struct entry *body = rq->body;
    struct queue_visit *visit = visit_of(rq, body->schedule_id);
    struct redis_pipe *pipe;
    (void)rp;
    const struct err *e = queue_enter_ask(visit, body->receipt, &pipe);
    if (!e) {
        request_ask(rq, pipe, join, visit);
    }
    return e;
}

/* ---- waiting ---- */

static const struct err *answer_status(struct request *rq, struct reply *rp)
{
    const struct schedule_ref *args = rq->args;
    struct queue_place place;
    const struct err *e = queue_status_answer(rq->state, rq->answers, &place);
    if (!e) {
        struct json_out *out = reply_json(rp, 200);
        json_open_object(out, NULL);
        add_place(out, args->schedule_id, &place);
        json_close_object(out);
    }
    return e;
}

const struct err *queue_handle_status(struct request *rq, struct reply *rp)
{
    const struct schedule_ref *args = rq->args;
    struct queue_visit *visit = visit_of(rq, args->schedule_id);
    (void)rp;
    request_ask(rq, queue_status_ask(visit), answer_status, visit);
    return NULL;
}

const struct err *queue_handle_leave(struct request *rq, struct reply *rp)
{
    const struct schedule_ref *args = rq->args;
    const struct err *e = queue_leave(rq->ctx, rq->identity.user_id, args->schedule_id);
    if (!e) {
        metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_queue_left_total", ""), 1);
        struct json_out *out = reply_json(rp, 200);
        json_open_object(out, NULL);
        json_add_str(out, "message", request_words(rq, "대기열에서 나왔습니다.", "You have left the queue."));
        json_close_object(out);
    }
    return e;
}
