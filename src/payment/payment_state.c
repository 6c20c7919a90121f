#include "src/payment/payment_state.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/log.h"

const struct payment_transition payment_transitions[] = {
    {PAYMENT_PENDING, PAYMENT_ON_PAID, PAYMENT_SUCCESS},
    {PAYMENT_PENDING, PAYMENT_ON_FAILED, PAYMENT_FAILED},
    {PAYMENT_SUCCESS, PAYMENT_ON_REFUNDED, PAYMENT_REFUNDED},
};
const size_t payment_transition_count = ARRAY_COUNT(payment_transitions);

static const char *const names[PAYMENT_STATUS__MAX] = {
    [PAYMENT_PENDING] = "PENDING",
    [PAYMENT_SUCCESS] = "SUCCESS",
    [PAYMENT_FAILED] = "FAILED",
    [PAYMENT_REFUNDED] = "REFUNDED",
};

bool payment_next(enum payment_status from, enum payment_event event, enum payment_status *to_r)
{
    for (size_t i = 0; i < payment_transition_count; i++) {
        if (payment_transitions[i].from == from && payment_transitions[i].event == event) {
            *to_r = payment_transitions[i].to;
            return true;
        }
    }
    return false;
}

const char *payment_status_name(enum payment_status status)
{
    return names[status];
}

enum payment_status payment_status_of(const char *name)
{
    for (int i = 0; i < PAYMENT_STATUS__MAX; i++) {
        if (name && strcmp(names[i], name) == 0) {
            return (enum payment_status)i;
        }
    }
    log_panic("unknown payment status '%s'", name ? name : "");
}
