/* reservation_errors: how the box office refuses. Codes are those of docs/openapi.yaml. */
#ifndef RESERVATION_RESERVATION_ERRORS_H
#define RESERVATION_RESERVATION_ERRORS_H

#include "common/base/err.h"

#define ERR_RESERVATION_LIST(X)                                                                 \
    X(seat_already_held, "SEAT_ALREADY_HELD", 409, 0, "다른 고객이 선택한 좌석입니다.",         \
      "Somebody else holds one of these seats.")                                                \
    X(seat_sold, "SEAT_SOLD", 409, 0, "이미 판매된 좌석입니다.", "One of these seats is sold.") \
    X(too_many_seats, "TOO_MANY_SEATS", 409, 0, "한 번에 4석까지 선택할 수 있습니다.",          \
      "At most four seats can be held at once.")                                                \
    X(hold_exists, "HOLD_EXISTS", 409, 0, "이 공연에 이미 선점한 좌석이 있습니다.",             \
      "You hold seats of this performance already.")                                            \
    X(payment_in_progress, "PAYMENT_IN_PROGRESS", 409, 0, "결제가 진행 중인 예매입니다.",       \
      "A payment for this reservation is in progress.")                                         \
    X(cancel_not_allowed, "CANCEL_NOT_ALLOWED", 409, 0, "지금은 취소할 수 없습니다.", "This cannot be cancelled now.")

ERR_RESERVATION_LIST(ERR_DECLARE)

#endif
