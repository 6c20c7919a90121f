/*
 * payment_state: the life of a payment as a table (PAY-003). The table payment_transitions in PostgreSQL refuses
 * everything that is not listed here; a test compares the two.
 */
#ifndef PAYMENT_PAYMENT_STATE_H
#define PAYMENT_PAYMENT_STATE_H

#include <stdbool.h>
#include <stddef.h>

enum payment_status { PAYMENT_PENDING, PAYMENT_SUCCESS, PAYMENT_FAILED, PAYMENT_REFUNDED, PAYMENT_STATUS__MAX };

enum payment_event {
    PAYMENT_ON_PAID,     /* PortOne's record proves it */
    PAYMENT_ON_FAILED,   /* it will not be paid, or not as agreed */
    PAYMENT_ON_REFUNDED, /* PortOne has given the money back */
};

struct payment_transition {
    enum payment_status from;
    enum payment_event event;
    enum payment_status to;
};

extern const struct payment_transition payment_transitions[];
extern const size_t payment_transition_count;

/* Whether `event` may happen to a payment in `from`; if so *to_r is where it leads. */
bool payment_next(enum payment_status from, enum payment_event event, enum payment_status *to_r);
/* "PENDING" */
const char *payment_status_name(enum payment_status status);
/* Panics for a text that the table's CHECK does not let in. */
enum payment_status payment_status_of(const char *name);

#endif
