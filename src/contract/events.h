/*
 * events: the types and payloads that services exchange through Kafka (data.md "Kafka"). A payload struct is filled by
 * the publisher and handed to the subscriber; its shape is the only description of its JSON.
 */
#ifndef CONTRACT_EVENTS_H
#define CONTRACT_EVENTS_H

#include <stdint.h>

#include "common/io/event.h"
#include "common/io/kafka.h"

#define TOPIC_PAYMENT "payment.events"
#define TOPIC_RESERVATION "reservation.events"
#define TOPIC_EVENT "event.events"
#define TOPIC_DEAD_PAYMENT "dlq.payment"
#define TOPIC_DEAD_RESERVATION "dlq.reservation"
#define TOPIC_DEAD_EVENT "dlq.event"

/* All topics with partitions and retention, for boxctl and tests. */
extern const struct kafka_topic contract_topics[];
extern const size_t contract_topic_count;

struct payment_success {
    const char *payment_id;
    const char *payment_key;
    const char *reservation_id;
    int64_t amount;
    int64_t paid_at;
    const char *portone_transaction_id;
};

struct payment_failed {
    const char *payment_id;
    const char *payment_key;
    const char *reservation_id;
    int64_t amount;
    const char *failure_reason;
    int64_t failed_at;
};

struct payment_refunded {
    const char *payment_id;
    const char *reservation_id;
    int64_t amount;
    const char *reason;
    int64_t refunded_at;
};

struct reservation_confirmed {
    const char *reservation_id;
    const char *schedule_id;
    struct json_list seat_ids; /* of const char * */
    const char *ticket_number;
    int64_t confirmed_at;
};

struct reservation_cancelled {
    const char *reservation_id;
    const char *schedule_id;
    struct json_list seat_ids;
    int64_t confirmed_at; /* CLOCK_NONE: it never was */
    int64_t cancelled_at;
    const char *reason;    /* USER_REQUEST, PAYMENT_FAILED, PAYMENT_REFUNDED, HOLD_TIMEOUT, EVENT_CANCELLED */
    int64_t refund_amount; /* won; 0 = nothing was paid */
};

/* Paid, but the seats were gone: the payment must be refunded. */
struct reservation_rejected {
    const char *reservation_id;
    const char *payment_id;
    const char *reason;
};

/* A performance was called off: its reservations end. */
struct schedule_cancelled {
    const char *schedule_id;
    const char *event_id;
    const char *reason; /* the administrator's, for buyers */
    int64_t cancelled_at;
};

extern const struct event_type event_payment_success;
extern const struct event_type event_payment_failed;
extern const struct event_type event_payment_refunded;
extern const struct event_type event_reservation_confirmed;
extern const struct event_type event_reservation_cancelled;
extern const struct event_type event_reservation_rejected;
extern const struct event_type event_schedule_cancelled;

#endif
