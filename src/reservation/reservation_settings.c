#include "src/reservation/reservation_settings.h"

#include "common/base/array.h"

struct reservation_settings reservation_settings;

static const struct cfg_key keys[] = {
    {.name = "BOX_HOLD_TTL_S",
     .type = CFG_INT,
     .offset = offsetof(struct reservation_settings, hold_ttl_s),
     .unit = "seconds",
     .fallback = "300",
     .min = 1,
     .max = 3600,
     .help = "How long seats are held for a buyer who has not begun to pay."},
    {.name = "BOX_SEAT_CATALOGUE_S",
     .type = CFG_INT,
     .offset = offsetof(struct reservation_settings, catalogue_s),
     .unit = "seconds",
     .fallback = "3600",
     .min = 60,
     .max = 86400,
     .help = "After that time the seats and claims in Redis are read anew from their owners."},
    {.name = "BOX_TICKET_KEY",
     .type = CFG_STR,
     .offset = offsetof(struct reservation_settings, ticket_key),
     .unit = "",
     .fallback = "sandbox-ticket-secret-0123456789abcdef",
     .min = 32,
     .max = 200,
     .flags = CFG_SECRET,
     .help = "Signs the QR codes of tickets."},
};

const struct cfg_section reservation_settings_section = {"Reservation", keys, ARRAY_COUNT(keys), &reservation_settings};
