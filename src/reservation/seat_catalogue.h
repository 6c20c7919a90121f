/* seat_catalogue: loading the mirror (seat_mirror.h) from the services that own what it shows. */
#ifndef RESERVATION_SEAT_CATALOGUE_H
#define RESERVATION_SEAT_CATALOGUE_H

#include "common/ctx.h"
#include "common/err.h"

/* Loads seats and live claims of the schedule. Two at once: the first one's work is kept. Killed: nothing is in use
 * until all of it is there. &err_not_found, &err_unavailable. */
BO_MUSTCHECK const struct err *seat_catalogue_load(struct ctx *ctx, const char *schedule_id);

#endif
