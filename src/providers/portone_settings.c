#include <string.h>

#include "common/base/array.h"
#include "src/providers/portone.h"
#include "src/providers/provider_url.h"
#include "src/providers/sandbox_credentials.h"

struct cfg_portone cfg_portone;

static const struct cfg_key keys[] = {
    {"BOX_PORTONE_URL", CFG_STR, offsetof(struct cfg_portone, url), "", SANDBOX_ORIGIN, 8, 200, 0,
     "Base address of PortOne's API."},
    {"BOX_PORTONE_SECRET", CFG_STR, offsetof(struct cfg_portone, secret), "", SANDBOX_PORTONE_SECRET, 16, 500,
     CFG_SECRET, "PortOne V2 API secret."},
    {"BOX_PORTONE_STORE", CFG_STR, offsetof(struct cfg_portone, store_id), "", SANDBOX_PORTONE_STORE, 1, 100, 0,
     "PortOne store id."},
    {"BOX_PORTONE_CHANNEL", CFG_STR, offsetof(struct cfg_portone, channel_key), "", SANDBOX_PORTONE_CHANNEL, 1, 100, 0,
     "PortOne channel key handed to browsers."},
    {"BOX_PORTONE_TEST_MODE", CFG_BOOL, offsetof(struct cfg_portone, test_mode), "", "0", 0, 1, 0,
     "1: payments of PortOne's TEST channels count as paid, as they always do in the sandbox."},
    {"BOX_PORTONE_TIMEOUT_MS", CFG_INT, offsetof(struct cfg_portone, timeout_ms), "ms", "10000", 100, 60000, 0,
     "Longest call to PortOne."},
    {"BOX_PORTONE_BREAKER_WINDOW", CFG_INT, offsetof(struct cfg_portone, breaker_window), "calls", "100", 1, 1000, 0,
     "Calls that the circuit breaker looks back on."},
    {"BOX_PORTONE_BREAKER_MIN_CALLS", CFG_INT, offsetof(struct cfg_portone, breaker_min_calls), "calls", "20", 1, 1000,
     0, "Calls before the circuit breaker may open."},
    {"BOX_PORTONE_BREAKER_PERCENT", CFG_INT, offsetof(struct cfg_portone, breaker_percent), "%", "50", 1, 100, 0,
     "Share of failed calls that opens the circuit breaker."},
    {"BOX_PORTONE_BREAKER_OPEN_MS", CFG_INT, offsetof(struct cfg_portone, breaker_open_ms), "ms", "60000", 100, 3600000,
     0, "How long the circuit breaker stays open."},
    {"BOX_PORTONE_BREAKER_PROBES", CFG_INT, offsetof(struct cfg_portone, breaker_probes), "calls", "10", 1, 1000, 0,
     "Trial calls that must succeed before the circuit breaker closes."},
    {"BOX_PORTONE_BREAKER_SLOW_MS", CFG_INT, offsetof(struct cfg_portone, breaker_slow_ms), "ms", "8000", 0, 60000, 0,
     "A slower call counts as failed; 0 = speed does not count."},
};

static const struct cfg_key webhook_keys[] = {
    {"BOX_PORTONE_WEBHOOK_SECRET", CFG_STR, offsetof(struct cfg_portone, webhook_secret), "",
     SANDBOX_PORTONE_WEBHOOK_SECRET, 28, 1000, CFG_SECRET,
     "Secret of PortOne's webhooks, whsec_...; two separated by a comma while rotating."},
};

const struct cfg_section cfg_portone_section = {"PortOne", keys, ARRAY_COUNT(keys), &cfg_portone};
const struct cfg_section cfg_portone_webhook_section = {"PortOne's webhooks", webhook_keys, ARRAY_COUNT(webhook_keys),
                                                        &cfg_portone};

/* The one way to pay for tickets with play money would be to forget a setting. */
static bool sandboxed(void)
{
    return strcmp(cfg_portone.store_id, SANDBOX_PORTONE_STORE) == 0 ||
           strcmp(cfg_portone.channel_key, SANDBOX_PORTONE_CHANNEL) == 0;
}

bool portone_check_settings(const char **why_r)
{
    if (!provider_url_allowed("BOX_PORTONE_URL", cfg_portone.url, why_r)) {
        return false;
    }
    if (!cfg_process.sandbox && sandboxed()) {
        *why_r = "BOX_PORTONE_STORE and BOX_PORTONE_CHANNEL must not be the sandbox's while BOX_SANDBOX is not 1";
        return false;
    }
    return true;
}

bool portone_check_webhook_settings(const char **why_r)
{
    struct arena *arena = arena_new(64 << 10);
    bool valid = webhook_secrets_valid(arena, cfg_portone.webhook_secret);
    arena_free(&arena);
    if (!valid) {
        *why_r =
            "BOX_PORTONE_WEBHOOK_SECRET must be whsec_ and base64 of 16 bytes or more; several separated by commas";
    }
    return valid;
}
