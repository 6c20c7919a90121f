#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "src/boxctl/file.h"
#include "src/boxctl/keys.h"
#include "src/boxctl/settings.h"
#include "src/user/user_reseal.h"

#define KEEPER "key_keeper"
#define PII_FILE "pii-keys"
#define ACCOUNTS_A_TIME 100 /* a transaction of some twenty milliseconds: its owners may wait for it */
#define TELL_US (2 * CLOCK_SECOND)

static bool open_keeper(struct boxctl *box, const char **why_r)
{
    const char *ring;
    if (!file_secret(box->ctx->arena, cfg_boxctl.secrets_dir, PII_FILE, &ring, why_r)) {
        return false;
    }
    if (ring == NULL) {
        *why_r = "there is no file '" PII_FILE "' in BOX_SECRETS_DIR";
        return false;
    }
    return user_reseal_init(ring, why_r) && boxctl_connect(box, KEEPER, why_r) == NULL;
}

bool keys_unsealed(struct boxctl *box, const char *id, const char **why_r)
{
    bool used;
    if (!open_keeper(box, why_r)) {
        return false;
    }
    const struct err *e = user_reseal_uses(box->ctx, (uint8_t)strtol(id, NULL, 10), &used);
    *why_r = e ? e->en : "something is sealed under it: boxctl keys reseal, and mail that waits has to go out";
    return !e && !used;
}

struct progress {
    int64_t total, done, changed, closed;
    int64_t started_us, told_us;
};

static void tell(struct progress *progress, int64_t now_us)
{
    int64_t took_us = now_us - progress->started_us;
    int64_t left = progress->total - progress->done;
    printf("%lld of %lld accounts sealed, %lld left, %lld a second\n", (long long)progress->done,
           (long long)progress->total, (long long)(left > 0 ? left : 0),
           (long long)(progress->done * CLOCK_SECOND / (took_us > 0 ? took_us : 1)));
    progress->told_us = now_us;
}

/* Once through all accounts. */
static const struct err *walk(struct ctx *ctx, struct progress *progress)
{
    struct user_reseal step = {.last = USER_RESEAL_START, .seen = 1};
    progress->changed = progress->closed = 0;
    while (step.seen > 0) {
        const struct user_reseal before = step;
        ctx_begin(ctx, NULL, NULL);
        const struct err *e = user_reseal_step(ctx, before.last, ACCOUNTS_A_TIME, &step);
        if (e) {
            return e;
        }
        progress->done += step.done;
        progress->changed += step.changed;
        progress->closed += step.closed;
        int64_t now_us = clock_monotonic();
        if (now_us - progress->told_us >= TELL_US) {
            tell(progress, now_us);
        }
    }
    return NULL;
}

/* Walks until nobody's change came between: each such account has been sealed by its owner's change, or is sealed next.
 */
static const struct err *seal_all(struct ctx *ctx, struct progress *progress)
{
    const struct err *e = user_reseal_left(ctx, &progress->total);
    progress->started_us = progress->told_us = clock_monotonic();
    do {
        e = e ? e : walk(ctx, progress);
    } while (!e && progress->changed > 0);
    return e;
}

enum boxctl_status keys_reseal(struct boxctl *box, const struct keys_call *call)
{
    (void)call;
    const char *why;
    struct progress progress = {.total = 0};
    if (!open_keeper(box, &why)) {
        return boxctl_fail("%s", why);
    }
    const struct err *e = seal_all(box->ctx, &progress);
    if (e) {
        return boxctl_fail("stopped after %lld accounts, which are done; repeat it for the others: %s",
                           (long long)progress.done, e->en);
    }
    tell(&progress, clock_monotonic());
    if (progress.closed > 0) {
        return boxctl_fail("%lld accounts are under keys that the ring does not have: see the lines above",
                           (long long)progress.closed);
    }
    return BOXCTL_OK;
}
