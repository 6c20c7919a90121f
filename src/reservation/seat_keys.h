/* seat_keys: the names of the mirror's keys (seat_mirror.h). */
#ifndef RESERVATION_SEAT_KEYS_H
#define RESERVATION_SEAT_KEYS_H

#include "common/base/arena.h"

struct seat_keys {
    const char *seats;   /* hash: seat -> "number|grade|price" */
    const char *claims;  /* hash: seat -> "state|user|reservation"; the field "" says that it is complete */
    const char *gone;    /* sorted set: reservation that was cancelled or never came to be -> since when, in ms */
    const char *loading; /* there while somebody loads the other two */
};

struct seat_keys seat_keys_of(struct arena *arena, const char *schedule_id);
/* There for a day after a buyer passed the gate: as long as an Idempotency-Key is remembered. */
const char *seat_passed_key(struct arena *arena, const char *schedule_id, const char *user_id);
/* Counts the holds that a buyer has tried this minute. */
const char *seat_tries_key(struct arena *arena, const char *schedule_id, const char *user_id);

#endif
