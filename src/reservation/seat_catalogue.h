/* seat_catalogue: loading the mirror (seat_mirror.h) from the services that own what it shows. */
#ifndef RESERVATION_SEAT_CATALOGUE_H
#define RESERVATION_SEAT_CATALOGUE_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"

/* How long the mirror remembers a claim whose end it cannot know. Afterwards PostgreSQL is asked. */
#define SEAT_CLAIM_SECURED_MS (15 * 60 * 1000)

/* How long the mirror may believe one row of sql_reservation_claims_live. */
int64_t seat_claim_left_ms(const struct db_rows *rows, size_t row);

#define SEAT_CATALOGUE_LOADER_MS 5000

/* Loads seats and live claims of the schedule. A crowd at once: one loads, the others wait for it (a load of 50,000
 * seats costs a third of a second of a core). Killed: nothing is in use until all of it is there, and after
 * SEAT_CATALOGUE_LOADER_MS another one loads. A loader that gets no answer says so: for two seconds nobody tries again,
 * and nobody waits. &err_not_found, &err_unavailable. */
BO_MUSTCHECK const struct err *seat_catalogue_load(struct ctx *ctx, const char *schedule_id);

#endif
