#include "common/context/retry.h"

#include "common/crypto/crypto.h"

struct retry retry_reconnect(void)
{
    return (struct retry){.policy = {.base_ms = 50, .cap_ms = 2000, .max_tries = 0, .jitter = true}};
}

struct retry retry_message(void)
{
    return (struct retry){.policy = {.base_ms = 1000, .cap_ms = 4000, .max_tries = 3, .jitter = false}};
}

struct retry retry_transaction(void)
{
    return (struct retry){.policy = {.base_ms = 5, .cap_ms = 100, .max_tries = 5, .jitter = true}};
}

static int64_t random_between(int64_t low, int64_t high)
{
    uint64_t random;
    crypto_random(&random, sizeof random);
    return low + (int64_t)(random % (uint64_t)(high - low + 1));
}

int64_t retry_next(struct retry *retry)
{
    const struct retry_policy *policy = &retry->policy;
    if (policy->max_tries > 0 && retry->tries >= policy->max_tries) {
        return -1;
    }
    int64_t last_ms = retry->last_ms > 0 ? retry->last_ms : policy->base_ms;
    int64_t wait_ms = retry->last_ms > 0 ? last_ms * 2 : policy->base_ms;
    if (policy->jitter) {
        wait_ms = random_between(policy->base_ms, last_ms * 3);
    }
    retry->last_ms = wait_ms < policy->cap_ms ? wait_ms : policy->cap_ms;
    retry->tries += retry->tries < INT32_MAX;
    return retry->last_ms;
}

void retry_reset(struct retry *retry)
{
    retry->tries = 0;
    retry->last_ms = 0;
}
