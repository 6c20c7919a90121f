#include "cgi-bin/reservation/reservation.h"
#include "common/crypto/uuid.h"
#include "src/contract/reservation_api.h"
#include "src/contract/schedule.h"
#include "src/reservation/secure.h"

const struct err *reservation_handle_standing(struct request *rq, struct reply *rp)
{
    const struct reservation_standing_query *asked = rq->args;
    struct reservation_standing standing;
    const struct err *e = reservation_standing_of(rq->ctx, asked->user_id, &standing.tickets, &standing.pending);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &reservation_standing_shape, &standing);
    }
    return e;
}

const struct err *reservation_handle_live(struct request *rq, struct reply *rp)
{
    const struct reservation_live_query *asked = rq->args;
    struct reservation_live live;
    const struct err *e = reservation_live_seats(rq->ctx, asked->schedule_id, &live.seats);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &reservation_live_shape, &live);
    }
    return e;
}

const struct err *reservation_handle_sold(struct request *rq, struct reply *rp)
{
    const struct reservation_sold_query *asked = rq->args;
    struct reservation_sold_page page;
    const struct err *e = reservation_sold_seats(rq->ctx, asked->schedule_id, asked->after ? asked->after : UUID_NIL,
                                                 RESERVATION_SOLD_PAGE, &page);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &reservation_sold_page_shape, &page);
    }
    return e;
}

const struct err *reservation_handle_info(struct request *rq, struct reply *rp)
{
    struct reservation reservation;
    const struct err *e = reservation_get(rq->ctx, request_param(rq, "id"), &reservation);
    if (!e) {
        struct reservation_info info = reservation_info_of(&reservation);
        info.called_off = schedule_called_off(rq->ctx, reservation.schedule_id);
        json_add_shape(reply_json(rp, 200), NULL, &reservation_info_shape, &info);
    }
    return e;
}

const struct err *reservation_handle_secure(struct request *rq, struct reply *rp)
{
    struct reservation_info info;
    const struct err *e = reservation_secure_seats(rq->ctx, request_param(rq, "id"), rq->body, &info);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &reservation_info_shape, &info);
    }
    return e;
}

const struct err *reservation_handle_unsecure(struct request *rq, struct reply *rp)
{
    const struct reservation_unsecure *body = rq->body;
    struct reservation_info info;
    const struct err *e = reservation_unsecure_seats(rq->ctx, request_param(rq, "id"), body->payment_id, &info);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &reservation_info_shape, &info);
    }
    return e;
}
