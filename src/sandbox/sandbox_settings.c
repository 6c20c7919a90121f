#include "src/sandbox/sandbox_settings.h"

#include "common/base/array.h"
#include "src/providers/sandbox_credentials.h"

struct cfg_sandbox cfg_sandbox;

static const struct cfg_key keys[] = {
    {"BOX_SANDBOX_REDIS_URL", CFG_STR, offsetof(struct cfg_sandbox, redis_url), "", "redis://127.0.0.1:6379/15", 8, 200,
     0, "Redis database of the stand-ins alone: DELETE /sandbox/state empties it."},
    {"BOX_SANDBOX_URL", CFG_STR, offsetof(struct cfg_sandbox, url), "", SANDBOX_ORIGIN, 8, 200, 0,
     "Origin of the stand-ins as clients see it."},
    {"BOX_SANDBOX_WEBHOOK_URL", CFG_STR, offsetof(struct cfg_sandbox, webhook_url), "",
     "http://127.0.0.1:8080/payments/webhook", 8, 200, 0, "Where the stand-in for PortOne sends webhooks."},
    {"BOX_SANDBOX_WEBHOOK_RETRY_MS", CFG_INT, offsetof(struct cfg_sandbox, webhook_retry_ms), "ms", "1000", 10, 60000,
     0, "Wait before a webhook's first retry; each later wait is four times the one before. PortOne's is 60000."},
    {"BOX_SANDBOX_HANG_MS", CFG_INT, offsetof(struct cfg_sandbox, hang_ms), "ms", "30000", 100, 40000, 0,
     "How long a call that hangs is held before its connection is dropped."},
};

const struct cfg_section cfg_sandbox_section = {"Stand-ins", keys, ARRAY_COUNT(keys), &cfg_sandbox};
