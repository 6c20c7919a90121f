/*
 * reconcile: the seats of performances beside the claims that the reservation service has sold (EVT-023). Whatever let
 * them differ (an event that was lost, a clock that went back, a hand in the database), they are found and made equal.
 *
 * A look at one performance asks for all that is sold over there, page by page, and notes the seats whose owner is
 * another one here. That alone means nothing: an event may be under way. A seat is repaired when a later look, which
 * begins BOX_RECONCILE_S or more after the one that noted it, finds the same: the same owner over there, and here not
 * only the same owner but the same times, so that no event has changed the seat in between.
 *   Why it is right: the seat here is as it was before the later look asked, so that every event that has changed it
 *     happened before that look, and the answer over there is younger. What happens over there after the answer comes
 *     as an event, later than all that the repair writes down (seat_map.h), whichever of the two is first here.
 *   The bound: relay and event-saga take milliseconds for an event, a failing one is tried for 7 s, and a process that
 *     died is back within seconds, so that within BOX_RECONCILE_S nothing that is noted is merely under way. Where an
 *     event takes longer (Kafka or event-saga away), the repair does what the event will do, which then changes
 * nothing. Two looks at one performance at once: only the later one counts, whether it notes or repairs. Killed here:
 * what was noted stays and the next look goes on from it; a repair is one transaction. Reservation service away: the
 * look ends with &err_unavailable, and its performance waits for the next one. The reservation service tells of
 * nothing, say from an old backup: no seat is freed of a performance of which more than BOX_RECONCILE_FREE_MAX would
 * be. They stay noted, and the operator is told.
 */
#ifndef EVENT_RECONCILE_H
#define EVENT_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

struct cfg_reconcile {
    int64_t every_s;  /* BOX_RECONCILE_S */
    int64_t free_max; /* BOX_RECONCILE_FREE_MAX */
};
extern struct cfg_reconcile cfg_reconcile;
extern const struct cfg_section cfg_reconcile_section;

/* What looks have found; added up. */
struct reconcile_found {
    int64_t doubtful; /* seats that differ, repaired or not */
    int64_t sold;     /* AVAILABLE here, made SOLD */
    int64_t freed;    /* SOLD here, made AVAILABLE */
    int64_t moved;    /* SOLD to another reservation, now to the one that has it */
    int64_t unknown;  /* sold over there, and no seat of the performance: nothing repairs that */
};

/* One look at the performance that has waited longest; *none_r: none waits. Logs each seat that it repairs. Begins
 * units of work of its own, one for each page. Blocking: a call of the reservation service and a few statements a
 * page. &err_unavailable, or errors of the database. */
BO_MUSTCHECK const struct err *reconcile_next(struct ctx *ctx, struct reconcile_found *found, bool *none_r);
/* Seats in doubt now. */
BO_MUSTCHECK const struct err *reconcile_count(struct ctx *ctx, int64_t *doubtful_r);

#endif
