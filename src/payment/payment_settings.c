#include "src/payment/payment_settings.h"

#include "common/base/array.h"

struct payment_settings payment_settings;

static const struct cfg_key keys[] = {
    {.name = "BOX_PAYMENT_BUSY_S",
     .type = CFG_INT,
     .offset = offsetof(struct payment_settings, busy_s),
     .unit = "seconds",
     .fallback = "60",
     .min = 5,
     .max = 600,
     .help = "How long one process may work on a payment alone; must outlast its calls to PortOne together."},
    {.name = "BOX_PAYMENT_PATIENCE_S",
     .type = CFG_INT,
     .offset = offsetof(struct payment_settings, patience_s),
     .unit = "seconds",
     .fallback = "120",
     .min = 1,
     .max = 3600,
     .help = "How long after the hold or the last confirm a payment that PortOne has not charged is kept open."},
    {.name = "BOX_PAYMENT_TICK_MS",
     .type = CFG_INT,
     .offset = offsetof(struct payment_settings, tick_ms),
     .unit = "ms",
     .fallback = "500",
     .min = 20,
     .max = 60000,
     .help = "How often payment-saga looks for payments to settle or refund."},
    {.name = "BOX_PAYMENT_RETRY_S",
     .type = CFG_INT,
     .offset = offsetof(struct payment_settings, retry_s),
     .unit = "seconds",
     .fallback = "5",
     .min = 1,
     .max = 600,
     .help = "Pause before PortOne is asked again about a payment; doubles with each try."},
    {.name = "BOX_PAYMENT_RETRY_CAP_S",
     .type = CFG_INT,
     .offset = offsetof(struct payment_settings, retry_cap_s),
     .unit = "seconds",
     .fallback = "300",
     .min = 1,
     .max = 86400,
     .help = "Longest such pause."},
};

const struct cfg_section payment_settings_section = {"Payment", keys, ARRAY_COUNT(keys), &payment_settings};
