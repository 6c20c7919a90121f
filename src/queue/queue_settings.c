#include "src/queue/queue_settings.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/log.h"
#include "common/crypto/mac_ring.h"

struct queue_settings queue_settings;

static const struct cfg_key keys[] = {
    {.name = "BOX_QUEUE_KEY",
     .type = CFG_STR,
     .offset = offsetof(struct queue_settings, key),
     .unit = "",
     .fallback = "sandbox-queue-secret-0123456789abcdef",
     .min = MAC_RING_MIN,
     .max = MAC_RING_MAX,
     .flags = CFG_SECRET | CFG_LIVE,
     .help =
         "Signs receipts and binds each draw's seed to its schedule: one secret, or a ring \"2@time:secret,1:secret\" "
         "whose newer keys are for performances made after their times. Without the key of its time a sale has "
         "another draw."},
    {.name = "BOX_QUEUE_PRE_OPEN_S",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, pre_open_s),
     .unit = "seconds",
     .fallback = "3600",
     .min = 0,
     .max = 604800,
     .help = "How long before its opening one may enter a sale's line."},
    {.name = "BOX_QUEUE_SEAL_MS",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, seal_ms),
     .unit = "ms",
     .fallback = "2000",
     .min = 0,
     .max = 60000,
     .help = "From fixing a draw to its effect: as long as Redis takes to have it on disk (appendfsync everysec)."},
    {.name = "BOX_QUEUE_TOKEN_S",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, token_s),
     .unit = "seconds",
     .fallback = "600",
     .min = 10,
     .max = 86400,
     .help = "Life of a queue token, from the moment its owner fetches it."},
    {.name = "BOX_QUEUE_ARRIVAL_S",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, arrival_s),
     .unit = "seconds",
     .fallback = "120",
     .min = 5,
     .max = 3600,
     .help = "How long a person who has been called may take to fetch the token before the slot is given back."},
    {.name = "BOX_QUEUE_TRIES_A_MINUTE",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, tries_a_minute),
     .unit = "requests",
     .fallback = "15",
     .min = 1,
     .max = 600,
     .help = "How often a minute one person may ask where they stand."},
    {.name = "BOX_QUEUE_POLL_MAX_S",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, poll_max_s),
     .unit = "seconds",
     .fallback = "120",
     .min = 5,
     .max = 3600,
     .help = "The longest time for which anybody is told not to ask again."},
    {.name = "BOX_QUEUE_TICK_MS",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, tick_ms),
     .unit = "ms",
     .fallback = "200",
     .min = 20,
     .max = 10000,
     .help = "How often an approver looks whether people may be called."},
    {.name = "BOX_QUEUE_TICK_MOST",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, tick_most),
     .unit = "places",
     .fallback = "1000",
     .min = 1,
     .max = 3000,
     .help = "The most places looked at in one step; a tick takes at most eight for each line."},
    {.name = "BOX_QUEUE_CATCH_UP_MS",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, catch_up_ms),
     .unit = "ms",
     .fallback = "1000",
     .min = 0,
     .max = 60000,
     .help = "Admissions missed while no approver ran are made up for at most this long a time."},
    {.name = "BOX_QUEUE_CLOSING_TICK_MS",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, closing_tick_ms),
     .unit = "ms",
     .fallback = "1000",
     .min = 100,
     .max = 60000,
     .help = "How often an approver looks whether a sale is over."},
    {.name = "BOX_QUEUE_CLOSING_GRACE_S",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, closing_grace_s),
     .unit = "seconds",
     .fallback = "60",
     .min = 0,
     .max = 86400,
     .help = "How long after the end of a sale its line is forgotten."},
    {.name = "BOX_QUEUE_KEPT_S",
     .type = CFG_INT,
     .offset = offsetof(struct queue_settings, kept_s),
     .unit = "seconds",
     .fallback = "2592000",
     .min = 60,
     .max = 31536000,
     .help = "How long the draw and the numbers of a closed line stay readable."},
};

const struct cfg_section queue_settings_section = {"Queue", keys, ARRAY_COUNT(keys), &queue_settings};

/* Parsed anew when the setting has changed. NULL with *why_r when it is unusable. */
static const struct mac_ring *parsed_ring(const char **why_r)
{
    static struct mac_ring ring;
    static char text[MAC_RING_MAX + 1];
    if (ring.count == 0 || strcmp(text, queue_settings.key) != 0) {
        if (!mac_ring_parse(queue_settings.key, &ring, why_r)) {
            return NULL;
        }
        snprintf(text, sizeof text, "%s", queue_settings.key);
    }
    return &ring;
}

bool queue_settings_init(const char **why_r)
{
    cfg_watch(&queue_settings_section, queue_settings_init);
    return parsed_ring(why_r) != NULL;
}

/* When a UUID of version 7 was made, in Unix seconds; 0 of any other. */
static int64_t made_at(const char *id)
{
    char digits[13] = {0};
    if (strlen(id) != 36 || id[14] != '7') {
        return 0;
    }
    memcpy(digits, id, 8);
    memcpy(digits + 8, id + 9, 4);
    return strtoll(digits, NULL, 16) / 1000;
}

const char *queue_key_of(const char *schedule_id)
{
    const char *why;
    const struct mac_ring *ring = parsed_ring(&why);
    if (ring == NULL) {
        log_panic("BOX_QUEUE_KEY: %s", why);
    }
    return mac_ring_at(ring, made_at(schedule_id))->secret;
}
