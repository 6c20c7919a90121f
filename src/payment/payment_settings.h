/* payment_settings: how long payment waits for an outcome, and how it asks for one. */
#ifndef PAYMENT_PAYMENT_SETTINGS_H
#define PAYMENT_PAYMENT_SETTINGS_H

#include "common/base/cfg.h"

struct payment_settings {
    int64_t busy_s;              /* BOX_PAYMENT_BUSY_S */
    int64_t look_busy_s;         /* BOX_PAYMENT_LOOK_BUSY_S */
    int64_t patience_s;          /* BOX_PAYMENT_PATIENCE_S */
    int64_t tick_ms;             /* BOX_PAYMENT_TICK_MS */
    int64_t look_s;              /* BOX_PAYMENT_LOOK_S */
    int64_t last_look_s;         /* BOX_PAYMENT_LAST_LOOK_S */
    int64_t retry_s;             /* BOX_PAYMENT_RETRY_S */
    int64_t retry_cap_s;         /* BOX_PAYMENT_RETRY_CAP_S */
    int64_t late_s;              /* BOX_PAYMENT_LATE_S */
    int64_t late_cap_s;          /* BOX_PAYMENT_LATE_CAP_S */
    int64_t orders_per_minute;   /* BOX_PAYMENT_ORDERS_PER_MINUTE */
    int64_t confirms_per_minute; /* BOX_PAYMENT_CONFIRMS_PER_MINUTE */
};
extern struct payment_settings payment_settings;
/* BOX_PAYMENT_LAST_LOOK_S, but at least twice what a look may take: should one die, another still comes in time. */
int64_t payment_last_look_s(void);
extern const struct cfg_section payment_settings_section;

#endif
