/* event_settings: settings of the event domain. */
#ifndef EVENT_EVENT_SETTINGS_H
#define EVENT_EVENT_SETTINGS_H

#include <stdint.h>

#include "common/base/cfg.h"

struct cfg_event {
    int64_t admission_rate; /* BOX_EVENT_ADMISSION_RATE: of schedules that name none */
    int64_t queue_capacity; /* BOX_EVENT_QUEUE_CAPACITY: of schedules that name none */
    int64_t cache_s;        /* BOX_CATALOGUE_CACHE_S: how long an answer is fresh */
    int64_t cache_edge_s;   /* BOX_CATALOGUE_EDGE_S: the same near the opening or closing of a sale */
    int64_t cache_seats_s;  /* BOX_CATALOGUE_SEATS_S: the same of maps of seats */
    int64_t create_ms;      /* BOX_EVENT_CREATE_MS: for all seats of an event */
};
extern struct cfg_event cfg_event;
extern const struct cfg_section cfg_event_section;

#endif
