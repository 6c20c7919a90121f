#include "src/contract/events.h"

#include "common/base/array.h"

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
const size_t contract_topic_count = ARRAY_COUNT(contract_topics);

/* Payload shapes are open: a publisher one version ahead may say more. */
SHAPE_OPEN(payment_success_shape, struct payment_success,
           {FIELD(struct payment_success, "paymentId", FIELD_UUID, payment_id), .flags = FIELD_REQUIRED},
           {FIELD(struct payment_success, "paymentKey", FIELD_STR, payment_key), .flags = FIELD_REQUIRED, .min = 1,
            .max = 256},
           {FIELD(struct payment_success, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
           {FIELD(struct payment_success, "amount", FIELD_INT, amount), .flags = FIELD_REQUIRED, .min = 0,
            .max = WON_MAX},
           {FIELD(struct payment_success, "paidAt", FIELD_TIME, paid_at), .flags = FIELD_REQUIRED},
           {FIELD(struct payment_success, "portoneTransactionId", FIELD_STR, portone_transaction_id)});

SHAPE_OPEN(payment_failed_shape, struct payment_failed,
           {FIELD(struct payment_failed, "paymentId", FIELD_UUID, payment_id), .flags = FIELD_REQUIRED},
           {FIELD(struct payment_failed, "paymentKey", FIELD_STR, payment_key), .flags = FIELD_REQUIRED, .min = 1,
            .max = 256},
           {FIELD(struct payment_failed, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
           {FIELD(struct payment_failed, "amount", FIELD_INT, amount), .flags = FIELD_REQUIRED, .min = 0,
            .max = WON_MAX},
           {FIELD(struct payment_failed, "failureReason", FIELD_STR, failure_reason), .flags = FIELD_REQUIRED, .min = 1,
            .max = 1000},
           {FIELD(struct payment_failed, "failedAt", FIELD_TIME, failed_at), .flags = FIELD_REQUIRED});

SHAPE_OPEN(payment_refunded_shape, struct payment_refunded,
           {FIELD(struct payment_refunded, "paymentId", FIELD_UUID, payment_id), .flags = FIELD_REQUIRED},
           {FIELD(struct payment_refunded, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
           {FIELD(struct payment_refunded, "amount", FIELD_INT, amount), .flags = FIELD_REQUIRED, .min = 0,
            .max = WON_MAX},
           {FIELD(struct payment_refunded, "reason", FIELD_STR, reason), .flags = FIELD_REQUIRED, .min = 1,
            .max = 1000},
           {FIELD(struct payment_refunded, "refundedAt", FIELD_TIME, refunded_at), .flags = FIELD_REQUIRED});

SHAPE_OPEN(reservation_confirmed_shape, struct reservation_confirmed,
           {FIELD(struct reservation_confirmed, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
           {FIELD(struct reservation_confirmed, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
           {FIELD(struct reservation_confirmed, "seatIds", FIELD_UUIDS, seat_ids), .flags = FIELD_REQUIRED, .min = 1,
            .max = SEATS_MAX},
           {FIELD(struct reservation_confirmed, "ticketNumber", FIELD_STR, ticket_number), .flags = FIELD_REQUIRED,
            .min = 1, .max = 64},
           {FIELD(struct reservation_confirmed, "confirmedAt", FIELD_TIME, confirmed_at),
            .flags = FIELD_REQUIRED | FIELD_EXACT});

SHAPE_OPEN(reservation_cancelled_shape, struct reservation_cancelled,
           {FIELD(struct reservation_cancelled, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
           {FIELD(struct reservation_cancelled, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
           {FIELD(struct reservation_cancelled, "seatIds", FIELD_UUIDS, seat_ids), .flags = FIELD_REQUIRED, .min = 1,
            .max = SEATS_MAX},
           {FIELD(struct reservation_cancelled, "confirmedAt", FIELD_TIME, confirmed_at), .flags = FIELD_EXACT},
           {FIELD(struct reservation_cancelled, "cancelledAt", FIELD_TIME, cancelled_at),
            .flags = FIELD_REQUIRED | FIELD_EXACT},
           {FIELD(struct reservation_cancelled, "reason", FIELD_ENUM, reason), .flags = FIELD_REQUIRED,
            .choices = "USER_REQUEST|PAYMENT_FAILED|PAYMENT_REFUNDED|HOLD_TIMEOUT|EVENT_CANCELLED"},
           {FIELD(struct reservation_cancelled, "refundAmount", FIELD_INT, refund_amount), .flags = FIELD_REQUIRED,
            .min = 0, .max = WON_MAX});

SHAPE_OPEN(reservation_rejected_shape, struct reservation_rejected,
           {FIELD(struct reservation_rejected, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
           {FIELD(struct reservation_rejected, "paymentId", FIELD_UUID, payment_id), .flags = FIELD_REQUIRED},
           {FIELD(struct reservation_rejected, "reason", FIELD_STR, reason), .flags = FIELD_REQUIRED, .min = 1,
            .max = 1000});

SHAPE_OPEN(schedule_cancelled_shape, struct schedule_cancelled,
           {FIELD(struct schedule_cancelled, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
           {FIELD(struct schedule_cancelled, "eventId", FIELD_UUID, event_id), .flags = FIELD_REQUIRED},
           {FIELD(struct schedule_cancelled, "reason", FIELD_STR, reason), .flags = FIELD_REQUIRED, .min = 1,
            .max = 1000},
           {FIELD(struct schedule_cancelled, "cancelledAt", FIELD_TIME, cancelled_at), .flags = FIELD_REQUIRED});

const struct event_type event_payment_success = {"PaymentSuccess", TOPIC_PAYMENT, "Payment", &payment_success_shape};
const struct event_type event_payment_failed = {"PaymentFailed", TOPIC_PAYMENT, "Payment", &payment_failed_shape};
const struct event_type event_payment_refunded = {"PaymentRefunded", TOPIC_PAYMENT, "Payment", &payment_refunded_shape};
const struct event_type event_reservation_confirmed = {"ReservationConfirmed", TOPIC_RESERVATION, "Reservation",
                                                       &reservation_confirmed_shape};
const struct event_type event_reservation_cancelled = {"ReservationCancelled", TOPIC_RESERVATION, "Reservation",
                                                       &reservation_cancelled_shape};
const struct event_type event_reservation_rejected = {"ReservationRejected", TOPIC_RESERVATION, "Reservation",
                                                      &reservation_rejected_shape};
const struct event_type event_schedule_cancelled = {"ScheduleCancelled", TOPIC_EVENT, "Schedule",
                                                    &schedule_cancelled_shape};
