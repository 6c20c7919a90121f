/*
 * admission: calling the next people of every line (QUEUE-005).
 *
 * How many may be called is computed inside the script from the rate and the time that has passed on Redis' clock, so
 * any number of approvers may run, start, stop or hang: together they never call more than the rate allows. What a
 * pause has missed is made up for at most BOX_QUEUE_CATCH_UP_MS. People who were called but did not fetch their token
 * in time, who have bought, and whose token has ended, give their slot back here.
 *
 * Killed between two schedules: the next tick goes on. Killed inside a script: scripts are atomic. Hung between reading
 * the cursor and calling: the script sees that the cursor has moved and calls nobody.
 *
 * The cost of a tick depends on how many are called and passed over, not on how many wait.
 */
#ifndef QUEUE_ADMISSION_H
#define QUEUE_ADMISSION_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/contract/schedule.h"

/* What one call, or the calls of one tick, did. */
struct queue_admission {
    int64_t called;
    int64_t passed_over; /* people who had stopped asking */
    int64_t no_shows;    /* people who had been called and did not come */
    int64_t cursor;      /* places called or passed over so far; of the last line */
    /* Before it; only queue_admit_all() says these. */
    int64_t waiting;
    int64_t oldest_wait_s;
    int64_t ghost_percent; /* of the line where it is highest */
};

/* One line, at the schedule's rate unless its settings in Redis say otherwise; nobody before its opening takes effect,
 * nor while all seats are sold. Safe to repeat. */
BO_MUSTCHECK const struct err *queue_admit(struct ctx *ctx, const struct schedule *schedule,
                                           struct queue_admission *admission_r);
/* The same on the terms that the line was last admitted on; makes its view anew. */
BO_MUSTCHECK const struct err *queue_refresh(struct ctx *ctx, const char *schedule_id);
/* Every listed line: opens it when its sale begins, and calls people while the sale runs. One that fails does not keep
 * the others waiting (the first error is returned at the end). Lines with nobody in them, and those whose sale is over,
 * leave the list; the next to join lists theirs again. */
BO_MUSTCHECK const struct err *queue_admit_all(struct ctx *ctx, struct queue_admission *total_r);

#endif
