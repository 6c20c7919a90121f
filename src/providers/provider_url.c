#include "src/providers/provider_url.h"

#include <stdio.h>
#include <strings.h>

#include "common/base/cfg.h"

#define TLS "https://"

bool provider_url_allowed(const char *setting, const char *url, const char **why_r)
{
    static char why[160];
    if (cfg_process.sandbox || strncasecmp(url, TLS, sizeof TLS - 1) == 0) {
        return true;
    }
    snprintf(why, sizeof why, "%s must begin with " TLS " while BOX_SANDBOX is not 1", setting);
    *why_r = why;
    return false;
}
