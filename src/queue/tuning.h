/* tuning: the settings of one line that an administrator changes while it runs. */
#ifndef QUEUE_TUNING_H
#define QUEUE_TUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* What is to change. */
struct queue_tuning {
    int64_t admission_rate; /* people per second; FIELD_NO_INT: as it is */
    int paused;             /* 0, 1; -1: as it is */
    int64_t max_active;     /* people with a token or on their way to it, 0: no cap; FIELD_NO_INT: as it is */
};

/* What is in force afterwards. */
struct queue_tuned {
    int64_t admission_rate;
    bool paused;
    int64_t max_active; /* 0: no cap */
};

/* Takes effect with the approvers' next tick. Who did it is logged and kept in the line's audit stream. &err_not_found
 * (no such schedule). Safe to repeat. */
BO_MUSTCHECK const struct err *queue_tune(struct ctx *ctx, const char *schedule_id, const char *admin_id,
                                          const struct queue_tuning *tuning, struct queue_tuned *tuned_r);

#endif
