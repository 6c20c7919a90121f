/* reservation: the handlers of the reservation service's routes and the shapes of what they read. */
#ifndef CGI_RESERVATION_RESERVATION_H
#define CGI_RESERVATION_RESERVATION_H

#include "common/serve/route.h"

/* POST /reservations/hold. More seats than anybody may hold are well-formed: the domain refuses them with 409. */
struct hold_body {
    const char *schedule_id;
    struct json_list seat_ids;
};
extern const struct shape hold_body_shape;

request_handler reservation_handle_hold;
request_handler reservation_handle_release;
request_handler reservation_handle_seats;
request_handler reservation_handle_list;
request_handler reservation_handle_detail;
request_handler reservation_handle_standing;
request_handler reservation_handle_live;
request_handler reservation_handle_sold;
request_handler reservation_handle_info;
request_handler reservation_handle_secure;
request_handler reservation_handle_unsecure;

#endif
