#include "src/event/event_settings.h"

#include <stddef.h>

#include "common/base/array.h"

struct cfg_event cfg_event;

static const struct cfg_key keys[] = {
    {.name = "BOX_EVENT_ADMISSION_RATE",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_event, admission_rate),
     .unit = "people per second",
     .fallback = "10",
     .min = 1,
     .max = 10000,
     .help = "Admission rate of new schedules that name none."},
    {.name = "BOX_EVENT_QUEUE_CAPACITY",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_event, queue_capacity),
     .unit = "people",
     .fallback = "50000",
     .min = 1,
     .max = 1000000,
     .help = "Places in the queue of new schedules that name none."},
    {.name = "BOX_CATALOGUE_CACHE_S",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_event, cache_s),
     .unit = "seconds",
     .fallback = "300",
     .min = 1,
     .max = 3600,
     .help = "How long an answer of the catalogue is given before it is made anew."},
    {.name = "BOX_CATALOGUE_EDGE_S",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_event, cache_edge_s),
     .unit = "seconds",
     .fallback = "60",
     .min = 1,
     .max = 3600,
     .help = "The same within ten minutes of the opening or closing of a sale."},
    {.name = "BOX_CATALOGUE_SEATS_S",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_event, cache_seats_s),
     .unit = "seconds",
     .fallback = "10",
     .min = 1,
     .max = 3600,
     .help = "The same of maps of seats."},
    {.name = "BOX_EVENT_CREATE_MS",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_event, create_ms),
     .unit = "ms",
     .fallback = "25000",
     .min = 1000,
     .max = 28000,
     .help = "Longest time of making all seats of a new event; nginx waits 30 seconds."},
};

const struct cfg_section cfg_event_section = {"Events", keys, ARRAY_COUNT(keys), &cfg_event};
