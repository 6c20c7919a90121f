#include "src/reservation/reservation_state.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/log.h"

const struct reservation_transition reservation_transitions[] = {
    {RESERVATION_PENDING, RESERVATION_ON_PAID, RESERVATION_CONFIRMED, NULL},
    {RESERVATION_PENDING, RESERVATION_ON_PAYMENT_FAILED, RESERVATION_CANCELLED, "PAYMENT_FAILED"},
    {RESERVATION_PENDING, RESERVATION_ON_LAPSED, RESERVATION_CANCELLED, "HOLD_TIMEOUT"},
    {RESERVATION_PENDING, RESERVATION_ON_GIVEN_BACK, RESERVATION_CANCELLED, "USER_REQUEST"},
    {RESERVATION_PENDING, RESERVATION_ON_EVENT_CANCELLED, RESERVATION_CANCELLED, "EVENT_CANCELLED"},
    {RESERVATION_CONFIRMED, RESERVATION_ON_TAKEN_BACK, RESERVATION_CANCELLED, "PAYMENT_REFUNDED"},
    {RESERVATION_CONFIRMED, RESERVATION_ON_GIVEN_BACK, RESERVATION_CANCELLED, "USER_REQUEST"},
    {RESERVATION_CONFIRMED, RESERVATION_ON_EVENT_CANCELLED, RESERVATION_CANCELLED, "EVENT_CANCELLED"},
};
const size_t reservation_transition_count = ARRAY_COUNT(reservation_transitions);

static const char *const names[RESERVATION_STATUS__MAX] = {
    [RESERVATION_PENDING] = "PENDING",
    [RESERVATION_CONFIRMED] = "CONFIRMED",
    [RESERVATION_CANCELLED] = "CANCELLED",
};

const struct reservation_transition *reservation_transition(enum reservation_status from, enum reservation_event event)
{
    for (size_t i = 0; i < reservation_transition_count; i++) {
        if (reservation_transitions[i].from == from && reservation_transitions[i].event == event) {
            return &reservation_transitions[i];
        }
    }
    return NULL;
}

const char *reservation_status_name(enum reservation_status status)
{
    return names[status];
}

enum reservation_status reservation_status_of(const char *name)
{
    for (int i = 0; i < RESERVATION_STATUS__MAX; i++) {
        if (name && strcmp(names[i], name) == 0) {
            return (enum reservation_status)i;
        }
    }
    log_panic("unknown reservation status '%s'", name ? name : "");
}
