/* reservation_settings: how long seats are held and how tickets are signed. */
#ifndef RESERVATION_RESERVATION_SETTINGS_H
#define RESERVATION_RESERVATION_SETTINGS_H

#include "common/base/cfg.h"

struct reservation_settings {
    int64_t hold_ttl_s;       /* BOX_HOLD_TTL_S: life of a hold (RSV-001) */
    int64_t holds_per_minute; /* BOX_HOLDS_PER_MINUTE: tries of one buyer in one performance */
    int64_t secured_ask_s;    /* BOX_SECURED_ASK_S: a secured hold is asked about after that */
    int64_t secured_tick_ms;  /* BOX_SECURED_TICK_MS: pause between such questions */
    int64_t catalogue_s;      /* BOX_SEAT_CATALOGUE_S: life of the seat catalogue in Redis */
    const char *ticket_key;   /* BOX_TICKET_KEY: signs the QR codes of tickets (ticket.h) */
};
extern struct reservation_settings reservation_settings;
/* The ticket key is a section of its own: maintenance expires holds and signs nothing. */
extern const struct cfg_section reservation_settings_section, ticket_settings_section;

#endif
