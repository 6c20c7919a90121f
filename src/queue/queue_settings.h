/* queue_settings: what an operator can set for the waiting room. */
#ifndef QUEUE_QUEUE_SETTINGS_H
#define QUEUE_QUEUE_SETTINGS_H

#include <stdint.h>

#include "common/base/cfg.h"

struct queue_settings {
    const char *key;         /* the ring that signs receipts and binds seeds to schedules */
    int64_t pre_open_s;      /* how long before the sale one may enter */
    int64_t seal_ms;         /* from fixing the draw to its effect */
    int64_t token_s;         /* life of a queue token */
    int64_t arrival_s;       /* how long a called person may take to fetch the token */
    int64_t tries_a_minute;  /* requests of one person */
    int64_t poll_max_s;      /* the longest pollAfter */
    int64_t tick_ms;         /* the approver's period */
    int64_t tick_most;       /* places looked at per tick and schedule at most */
    int64_t catch_up_ms;     /* admissions missed in a pause are made up for at most so long */
    int64_t closing_tick_ms; /* the approver's period for that */
    int64_t closing_grace_s; /* from the end of a sale to forgetting its line */
    int64_t kept_s;          /* how long a closed line's draw stays public */
};
extern struct queue_settings queue_settings;
extern const struct cfg_section queue_settings_section;

/* Once, after settings: refuses unusable keys, also later, when they change. False with *why_r. */
BO_MUSTCHECK bool queue_settings_init(const char **why_r);
/* The key of one schedule's receipts and seed: the first of BOX_QUEUE_KEY (mac_ring.h) that signed when the schedule
 * was made, which its id says. So a sale keeps its key for as long as it lives, and a new key is for new sales. Valid
 * until the next call. */
const char *queue_key_of(const char *schedule_id);

#endif
