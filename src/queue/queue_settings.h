/* queue_settings: what an operator can set for the waiting room. */
#ifndef QUEUE_QUEUE_SETTINGS_H
#define QUEUE_QUEUE_SETTINGS_H

#include <stdint.h>

#include "common/cfg.h"

struct queue_settings {
    int64_t token_s;     /* life of a queue token */
    int64_t arrival_s;   /* how long a called person may take to fetch the token */
    int64_t tick_ms;     /* the approver's period */
    int64_t tick_most;   /* people called per tick and schedule at most */
    int64_t catch_up_ms; /* admissions missed in a pause are made up for at most so long */
};
extern struct queue_settings queue_settings;
extern const struct cfg_section queue_settings_section;

#endif
