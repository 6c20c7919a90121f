/* sandbox_settings: settings of the development stand-ins. */
#ifndef SANDBOX_SANDBOX_SETTINGS_H
#define SANDBOX_SANDBOX_SETTINGS_H

#include "common/base/cfg.h"

struct cfg_sandbox {
    const char *redis_url;    /* BOX_SANDBOX_REDIS_URL: a database of its own */
    const char *url;          /* BOX_SANDBOX_URL: own origin as clients see it; issuer of id_tokens */
    const char *webhook_url;  /* BOX_SANDBOX_WEBHOOK_URL: where payments' webhooks go */
    int64_t webhook_retry_ms; /* BOX_SANDBOX_WEBHOOK_RETRY_MS: the first wait; PortOne's is a minute */
    int64_t hang_ms;          /* BOX_SANDBOX_HANG_MS: how long a hanging call is held */
};
extern struct cfg_sandbox cfg_sandbox;
extern const struct cfg_section cfg_sandbox_section;

#endif
