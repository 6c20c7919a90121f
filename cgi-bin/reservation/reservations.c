#include "cgi-bin/reservation/reservation.h"
#include "common/base/clock.h"
#include "common/json/page.h"
#include "src/reservation/reservation.h"
#include "src/reservation/ticket.h"

static void write_reservation(struct ctx *ctx, struct json_out *out, const struct reservation *reservation)
{
    const struct reservation_seat *seats = reservation->seats.items;
    const char *ticket = reservation->ticket_number;
    json_open_object(out, NULL);
    json_add_str(out, "reservationId", reservation->id);
    json_add_str(out, "eventId", reservation->event_id);
    json_add_str(out, "eventTitle", reservation->event_title);
    json_add_str(out, "artist", reservation->artist);
    json_add_str(out, "venueName", reservation->venue_name);
    json_add_str(out, "hallName", reservation->hall_name);
    json_add_str(out, "scheduleId", reservation->schedule_id);
    json_add_time(out, "scheduleDate", reservation->event_start_at);
    json_add_str(out, "status", reservation_status_name(reservation->status));
    json_open_array(out, "seats");
    for (size_t i = 0; i < reservation->seats.count; i++) {
        json_add_shape(out, NULL, &reservation_seat_shape, &seats[i]);
    }
    json_close_array(out);
    json_add_int(out, "totalAmount", reservation->total_amount);
    json_add_time(out, "holdExpiresAt", reservation->hold_expires_at);
    json_add_int(out, "holdExpiresIn",
                 reservation->status == RESERVATION_PENDING ? clock_seconds_left(reservation->hold_expires_at) : 0);
    json_add_str(out, "paymentId", reservation->secured_by);
    json_add_str(out, "ticketNumber", ticket);
    json_add_str(out, "qrData",
                 reservation->status == RESERVATION_CONFIRMED ? ticket_qr_data(ctx->arena, ticket) : NULL);
    json_add_time(out, "createdAt", reservation->created_at);
    json_close_object(out);
}

const struct err *reservation_handle_list(struct request *rq, struct reply *rp)
{
    const struct page page = page_or_default(rq->args);
    struct json_list list;
    int64_t total;
    const struct err *e = reservation_list(rq->ctx, rq->identity.user_id, page.page, page.size, &list, &total);
    if (e) {
        return e;
    }
    const struct reservation *items = list.items;
    struct json_out *out = reply_json(rp, 200);
    reply_list_open(out);
    for (size_t i = 0; i < list.count; i++) {
        write_reservation(rq->ctx, out, &items[i]);
    }
    reply_list_close(out, page.page, page.size, total);
    return NULL;
}

const struct err *reservation_handle_detail(struct request *rq, struct reply *rp)
{
    struct reservation reservation;
    const struct err *e = reservation_get_of(rq->ctx, rq->identity.user_id, request_param(rq, "id"), &reservation);
    if (!e) {
        write_reservation(rq->ctx, reply_json(rp, 200), &reservation);
    }
    return e;
}
