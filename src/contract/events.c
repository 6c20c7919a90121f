#include "src/contract/events.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define WON_MAX INT64_C(1000000000000)
#define SEATS_MAX 1000

const struct kafka_topic contract_topics[] = {
    {.name = TOPIC_PAYMENT, .partitions = 3, .retention_ms = 3 * DAY_MS},
    {.name = TOPIC_RESERVATION, .partitions = 3, .retention_ms = 3 * DAY_MS},
    {.name = TOPIC_EVENT, .partitions = 3, .retention_ms = 3 * DAY_MS},
    {.name = TOPIC_DEAD_PAYMENT, .partitions = 1, .retention_ms = 7 * DAY_MS},
    {.name = TOPIC_DEAD_RESERVATION, .partitions = 1, .retention_ms = 7 * DAY_MS},
    {.name = TOPIC_DEAD_EVENT, .partitions = 1, .retention_ms = 7 * DAY_MS},
};
const size_t contract_topic_count = sizeof contract_topics / sizeof contract_topics[0];

/* Payload shapes are open: a publisher one version ahead may say more. */
#define MEMBER(owner, json_name, kind, member) \
    .name = (json_name), .type = (kind), .offset = offsetof(struct owner, member), .flags = FIELD_REQUIRED
#define UUID(owner, json_name, member)               \
    {                                                \
        MEMBER(owner, json_name, FIELD_UUID, member) \
    }
#define TIME(owner, json_name, member)               \
    {                                                \
        MEMBER(owner, json_name, FIELD_TIME, member) \
    }
#define WON(owner, json_name, member)                                         \
    {                                                                         \
        MEMBER(owner, json_name, FIELD_INT, member), .min = 0, .max = WON_MAX \
    }
#define TEXT(owner, json_name, member, longest)                                 \
    {                                                                           \
        MEMBER(owner, json_name, FIELD_STR, member), .min = 1, .max = (longest) \
    }
#define SEATS(owner, json_name, member)                                           \
    {                                                                             \
        MEMBER(owner, json_name, FIELD_UUIDS, member), .min = 1, .max = SEATS_MAX \
    }
#define CHOICE(owner, json_name, member, list)                          \
    {                                                                   \
        MEMBER(owner, json_name, FIELD_ENUM, member), .choices = (list) \
    }

SHAPE_OPEN(payment_success_shape, struct payment_success, UUID(payment_success, "paymentId", payment_id),
           TEXT(payment_success, "paymentKey", payment_key, 256),
           UUID(payment_success, "reservationId", reservation_id), WON(payment_success, "amount", amount),
           TIME(payment_success, "paidAt", paid_at),
           {.name = "portoneTransactionId",
            .type = FIELD_STR,
            .offset = offsetof(struct payment_success, portone_transaction_id)});

SHAPE_OPEN(payment_failed_shape, struct payment_failed, UUID(payment_failed, "paymentId", payment_id),
           TEXT(payment_failed, "paymentKey", payment_key, 256), UUID(payment_failed, "reservationId", reservation_id),
           WON(payment_failed, "amount", amount), TEXT(payment_failed, "failureReason", failure_reason, 1000),
           TIME(payment_failed, "failedAt", failed_at));

SHAPE_OPEN(payment_refunded_shape, struct payment_refunded, UUID(payment_refunded, "paymentId", payment_id),
           UUID(payment_refunded, "reservationId", reservation_id), WON(payment_refunded, "amount", amount),
           TEXT(payment_refunded, "reason", reason, 1000), TIME(payment_refunded, "refundedAt", refunded_at));

SHAPE_OPEN(reservation_confirmed_shape, struct reservation_confirmed,
           UUID(reservation_confirmed, "reservationId", reservation_id),
           UUID(reservation_confirmed, "scheduleId", schedule_id), SEATS(reservation_confirmed, "seatIds", seat_ids),
           TEXT(reservation_confirmed, "ticketNumber", ticket_number, 64),
           TIME(reservation_confirmed, "confirmedAt", confirmed_at));

SHAPE_OPEN(reservation_cancelled_shape, struct reservation_cancelled,
           UUID(reservation_cancelled, "reservationId", reservation_id),
           UUID(reservation_cancelled, "scheduleId", schedule_id), SEATS(reservation_cancelled, "seatIds", seat_ids),
           TIME(reservation_cancelled, "cancelledAt", cancelled_at),
           CHOICE(reservation_cancelled, "reason", reason, "USER_REQUEST|PAYMENT_FAILED|HOLD_TIMEOUT|EVENT_CANCELLED"),
           WON(reservation_cancelled, "refundAmount", refund_amount));

SHAPE_OPEN(reservation_rejected_shape, struct reservation_rejected,
           UUID(reservation_rejected, "reservationId", reservation_id),
           UUID(reservation_rejected, "paymentId", payment_id), TEXT(reservation_rejected, "reason", reason, 1000));

const struct event_type event_payment_success = {"PaymentSuccess", TOPIC_PAYMENT, "Payment", &payment_success_shape};
const struct event_type event_payment_failed = {"PaymentFailed", TOPIC_PAYMENT, "Payment", &payment_failed_shape};
const struct event_type event_payment_refunded = {"PaymentRefunded", TOPIC_PAYMENT, "Payment", &payment_refunded_shape};
const struct event_type event_reservation_confirmed = {"ReservationConfirmed", TOPIC_RESERVATION, "Reservation",
                                                       &reservation_confirmed_shape};
const struct event_type event_reservation_cancelled = {"ReservationCancelled", TOPIC_RESERVATION, "Reservation",
                                                       &reservation_cancelled_shape};
const struct event_type event_reservation_rejected = {"ReservationRejected", TOPIC_RESERVATION, "Reservation",
                                                      &reservation_rejected_shape};
