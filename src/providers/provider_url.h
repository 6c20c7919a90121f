/* provider_url: where providers are called outside the sandbox. */
#ifndef PROVIDERS_PROVIDER_URL_H
#define PROVIDERS_PROVIDER_URL_H

#include <stdbool.h>

/* May a provider be called there? With BOX_SANDBOX=1 anywhere; else only by TLS, which the sandbox does not speak under
 * whatever name it is reached: our secrets and people's data go there. On false *why_r names `setting`. */
bool provider_url_allowed(const char *setting, const char *url, const char **why_r);

#endif
