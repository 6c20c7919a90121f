/* The line as everybody, and as an administrator, sees it. */
#include "cgi-bin/queue/queue.h"
#include "common/base/array.h"

#include "src/queue/line.h"
#include "src/queue/opening.h"
#include "src/queue/tuning.h"

#define RATE_MAX 1000000
#define ACTIVE_MAX 1000000

/* nginx and browsers may keep the answer for a second: everybody reads the same. */
static struct json_out *reply_shared(struct reply *rp)
{
    reply_header(rp, "Cache-Control", "public, max-age=1");
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    return out;
}

const struct err *queue_handle_serving(struct request *rq, struct reply *rp)
{
    const struct schedule_ref *args = rq->args;
    struct line line;
    const struct err *e = line_find(rq->ctx, args->schedule_id, &line);
    if (!e) {
        struct json_out *out = reply_shared(rp);
        json_add_str(out, "scheduleId", args->schedule_id);
        json_add_int(out, "servingSequence", line.cursor);
        json_add_int(out, "waiting", line.waiting);
        json_add_int(out, "admissionRate", line.rate);
        json_add_bool(out, "soldOut", line.sold_out);
        json_add_time(out, "at", line.at);
        json_close_object(out);
    }
    return e;
}

const struct err *queue_handle_draw(struct request *rq, struct reply *rp)
{
    const struct schedule_ref *args = rq->args;
    struct line line;
    const struct err *e = line_find(rq->ctx, args->schedule_id, &line);
    if (e) {
        return e;
    }
    const char *commitment =
        line.commitment ? line.commitment : opening_secret(rq->ctx->arena, args->schedule_id)->commitment;
    struct json_out *out = reply_shared(rp);
    json_add_str(out, "scheduleId", args->schedule_id);
    json_add_str(out, "commitment", commitment);
    json_add_str(out, "algorithm", DRAW_ALGORITHM);
    if (line.open) {
        json_add_int(out, "count", line.count);
    } else {
        json_add_null(out, "count");
    }
    json_add_time(out, "openedAt", line.open ? line.opened_at : CLOCK_NONE);
    json_add_str(out, "seed", line.open ? line.seed : NULL);
    json_close_object(out);
    return NULL;
}

static void add_stats(struct json_out *out, const struct line *line)
{
    json_open_object(out, NULL);
    json_add_str(out, "scheduleId", line->schedule_id);
    json_add_int(out, "waiting", line->waiting);
    json_add_int(out, "active", line->active);
    json_add_int(out, "admitted", line->total.admitted);
    json_add_int(out, "abandoned", line_abandoned(line));
    json_add_int(out, "tps", (int64_t)(line->tps + 0.5));
    json_add_int(out, "oldestWaitSeconds", line->oldest_wait_s);
    json_add_int(out, "called", line->total.called);
    json_add_int(out, "noShows", line->total.no_shows);
    json_add_int(out, "passedOver", line->total.passed_over);
    json_add_int(out, "returned", line->total.returned);
    json_add_int(out, "left", line->total.left);
    json_add_int(out, "ghostPercent", line_ghost_percent(line));
    json_add_int(out, "admissionRate", line->rate);
    json_add_bool(out, "paused", line->paused);
    json_add_bool(out, "soldOut", line->sold_out);
    json_add_int(out, "maxActive", line->max_active);
    json_close_object(out);
}

const struct err *queue_handle_stats(struct request *rq, struct reply *rp)
{
    struct line *lines;
    size_t count;
    const struct err *e = line_list(rq->ctx, &lines, &count);
    if (!e) {
        struct json_out *out = reply_json(rp, 200);
        json_open_object(out, NULL);
        json_open_array(out, "list");
        for (size_t i = 0; i < count; i++) {
            add_stats(out, &lines[i]);
        }
        json_close_array(out);
        json_close_object(out);
    }
    return e;
}

static const struct field tuning_fields[] = {
    {FIELD(struct queue_tuning, "admissionRate", FIELD_INT, admission_rate), .min = 1, .max = RATE_MAX},
    {FIELD(struct queue_tuning, "paused", FIELD_BOOL, paused)},
    {FIELD(struct queue_tuning, "maxActive", FIELD_INT, max_active), .min = 0, .max = ACTIVE_MAX},
};
const struct shape tuning_shape = {tuning_fields, ARRAY_COUNT(tuning_fields), sizeof(struct queue_tuning),
                                   /* open= */ false};

const struct err *queue_handle_tune(struct request *rq, struct reply *rp)
{
    const char *schedule_id = request_param(rq, "id");
    struct queue_tuned tuned;
    const struct err *e = queue_tune(rq->ctx, schedule_id, rq->identity.user_id, rq->body, &tuned);
    if (!e) {
        struct json_out *out = reply_json(rp, 200);
        json_open_object(out, NULL);
        json_add_str(out, "scheduleId", schedule_id);
        json_add_int(out, "admissionRate", tuned.admission_rate);
        json_add_bool(out, "paused", tuned.paused);
        json_add_int(out, "maxActive", tuned.max_active);
        json_close_object(out);
    }
    return e;
}
