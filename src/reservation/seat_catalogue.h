/* seat_catalogue: loading the mirror (seat_mirror.h) from the services that own what it shows. */
#ifndef RESERVATION_SEAT_CATALOGUE_H
#define RESERVATION_SEAT_CATALOGUE_H

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Loads seats and live claims of the schedule. A crowd at once: one loads, the others wait for it (a load of 50,000
 * seats costs a third of a second of a core). Killed: nothing is in use until all of it is there, and after
 * SEAT_CATALOGUE_LOADER_MS another one loads. &err_not_found, &err_unavailable. */
#define SEAT_CATALOGUE_LOADER_MS 5000

BO_MUSTCHECK const struct err *seat_catalogue_load(struct ctx *ctx, const char *schedule_id);

#endif
