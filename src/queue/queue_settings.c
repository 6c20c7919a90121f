#include "src/queue/queue_settings.h"

struct queue_settings queue_settings;

#define ROW(member) offsetof(struct queue_settings, member)

static const struct cfg_key keys[] = {
    {.name = "BOX_QUEUE_TOKEN_S",
     .type = CFG_INT,
     .offset = ROW(token_s),
     .unit = "seconds",
     .fallback = "600",
     .min = 10,
     .max = 86400,
     .help = "Life of a queue token, from the moment its owner fetches it."},
    {.name = "BOX_QUEUE_ARRIVAL_S",
     .type = CFG_INT,
     .offset = ROW(arrival_s),
     .unit = "seconds",
     .fallback = "120",
     .min = 5,
     .max = 3600,
     .help = "How long a person who has been called may take to fetch the token before the slot is given back."},
    {.name = "BOX_QUEUE_TICK_MS",
     .type = CFG_INT,
     .offset = ROW(tick_ms),
     .unit = "ms",
     .fallback = "200",
     .min = 20,
     .max = 10000,
     .help = "How often an approver looks whether people may be called."},
    {.name = "BOX_QUEUE_TICK_MOST",
     .type = CFG_INT,
     .offset = ROW(tick_most),
     .unit = "people",
     .fallback = "1000",
     .min = 1,
     .max = 3000,
     .help = "The most people called per tick and schedule."},
    {.name = "BOX_QUEUE_CATCH_UP_MS",
     .type = CFG_INT,
     .offset = ROW(catch_up_ms),
     .unit = "ms",
     .fallback = "1000",
     .min = 0,
     .max = 60000,
     .help = "Admissions missed while no approver ran are made up for at most this long a time."},
};

const struct cfg_section queue_settings_section = {"Queue", keys, sizeof keys / sizeof keys[0], &queue_settings};
