#include "cgi-bin/event/handlers.h"

#include "src/event/seat_map.h"

const struct err *internal_schedule(struct request *rq, struct reply *rp)
{
    struct schedule schedule;
    const struct err *e = seat_map_schedule(rq->ctx, request_param(rq, "scheduleId"), &schedule);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &schedule_shape, &schedule);
    }
    return e;
}

const struct err *internal_seats(struct request *rq, struct reply *rp)
{
    struct schedule_seats seats;
    const struct err *e = seat_map_catalogue(rq->ctx, request_param(rq, "scheduleId"), &seats);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &schedule_seats_shape, &seats);
    }
    return e;
}

const struct err *internal_seats_status(struct request *rq, struct reply *rp)
{
    const char *schedule_id = request_param(rq, "scheduleId");
    struct json_list sold;
    const struct err *e = seat_map_sold(rq->ctx, schedule_id, &sold);
    if (e) {
        return e;
    }
    const char *const *ids = sold.items;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "scheduleId", schedule_id);
    json_open_array(out, "soldSeatIds");
    for (size_t i = 0; i < sold.count; i++) {
        json_add_str(out, NULL, ids[i]);
    }
    json_close_array(out);
    json_close_object(out);
    return NULL;
}
