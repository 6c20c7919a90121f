#include "src/reservation/reservation_settings.h"

#include "common/base/array.h"
#include "common/crypto/mac_ring.h"

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
    {.name = "BOX_HOLDS_PER_MINUTE",
     .type = CFG_INT,
     .offset = offsetof(struct reservation_settings, holds_per_minute),
     .unit = "holds",
     .fallback = "60",
     .min = 1,
     .max = 1000000,
     .help = "How often one buyer may try to hold seats of one performance."},
    {.name = "BOX_SECURED_ASK_S",
     .type = CFG_INT,
     .offset = offsetof(struct reservation_settings, secured_ask_s),
     .unit = "seconds",
     .fallback = "120",
     .min = 1,
     .max = 3600,
     .help =
         "When seats have been secured for a payment for so long, the payment service is asked whether it knows it."},
    {.name = "BOX_SECURED_TICK_MS",
     .type = CFG_INT,
     .offset = offsetof(struct reservation_settings, secured_tick_ms),
     .unit = "ms",
     .fallback = "5000",
     .min = 20,
     .max = 60000,
     .help = "How often reservation-saga looks for such seats."},
    {.name = "BOX_SEAT_CATALOGUE_S",
     .type = CFG_INT,
     .offset = offsetof(struct reservation_settings, catalogue_s),
     .unit = "seconds",
     .fallback = "3600",
     .min = 60,
     .max = 86400,
     .help = "After that time the seats and claims in Redis are read anew from their owners."},
};

static const struct cfg_key ticket_keys[] = {
    {.name = "BOX_TICKET_KEY",
     .type = CFG_STR,
     .offset = offsetof(struct reservation_settings, ticket_key),
     .unit = "",
     .fallback = "sandbox-ticket-secret-0123456789abcdef",
     .min = MAC_RING_MIN,
     .max = MAC_RING_MAX,
     .flags = CFG_SECRET | CFG_LIVE,
     .help =
         "Signs the QR codes of tickets: one secret, or a ring \"2:secret,1:secret\" of which the first signs and all "
         "verify."},
};

const struct cfg_section reservation_settings_section = {"Reservation", keys, ARRAY_COUNT(keys), &reservation_settings};
const struct cfg_section ticket_settings_section = {"Tickets", ticket_keys, ARRAY_COUNT(ticket_keys),
                                                    &reservation_settings};
