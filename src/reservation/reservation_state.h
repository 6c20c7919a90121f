/*
 * reservation_state: the life of a reservation as a table. The table reservation_transitions in PostgreSQL refuses
 * everything that is not listed here; a test compares the two.
 */
#ifndef RESERVATION_RESERVATION_STATE_H
#define RESERVATION_RESERVATION_STATE_H

#include <stdbool.h>
#include <stddef.h>

enum reservation_status { RESERVATION_PENDING, RESERVATION_CONFIRMED, RESERVATION_CANCELLED, RESERVATION_STATUS__MAX };

enum reservation_event {
    RESERVATION_ON_PAID,           /* PaymentSuccess */
    RESERVATION_ON_PAYMENT_FAILED, /* PaymentFailed */
    RESERVATION_ON_TAKEN_BACK,     /* PaymentRefunded, and nobody here had asked for it */
    RESERVATION_ON_LAPSED,         /* nobody paid in time */
    RESERVATION_ON_GIVEN_BACK,     /* by the buyer */
    RESERVATION_ON_EVENT_CANCELLED,
};

struct reservation_transition {
    enum reservation_status from;
    enum reservation_event event;
    enum reservation_status to;
    const char *cancel_reason; /* of ReservationCancelled and the row; NULL when `to` is not CANCELLED */
};

extern const struct reservation_transition reservation_transitions[];
extern const size_t reservation_transition_count;

/* What `event` does to a reservation in `from`; NULL when it may not happen. */
const struct reservation_transition *reservation_transition(enum reservation_status from, enum reservation_event event);
/* "PENDING" */
const char *reservation_status_name(enum reservation_status status);
/* Panics for a text that the table's CHECK does not let in. */
enum reservation_status reservation_status_of(const char *name);

#endif
