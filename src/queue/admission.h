/*
 * admission: calling the next people of every line (QUEUE-005).
 *
 * How many may be called is computed inside the script from the rate and the time that has passed on Redis' clock, so
 * any number of approvers may run, start, stop or hang: together they never call more than the rate allows. What a
 * pause has missed is made up for at most BOX_QUEUE_CATCH_UP_MS. People who were called but did not fetch their token
 * in time, and people whose token has ended, give their slot back here.
 *
 * Killed between two schedules: the next tick goes on. Killed inside a script: scripts are atomic.
 */
#ifndef QUEUE_ADMISSION_H
#define QUEUE_ADMISSION_H

#include <stdint.h>

#include "common/ctx.h"
#include "common/err.h"

struct queue_admission {
    int64_t called;  /* in this call */
    int64_t waiting; /* afterwards */
    int64_t active;
};

/* One schedule at `rate` people per second unless its settings in Redis say otherwise. Safe to repeat. */
BO_MUSTCHECK const struct err *queue_admit(struct ctx *ctx, const char *schedule_id, int64_t rate,
                                           struct queue_admission *admission_r);
/* Every schedule that has a line; one that fails does not keep the others waiting (the first error is returned at the
 * end). Lines with nobody in them, and those whose sale is over, leave the list; the next to join lists theirs again.
 */
BO_MUSTCHECK const struct err *queue_admit_all(struct ctx *ctx, struct queue_admission *total_r);

#endif
