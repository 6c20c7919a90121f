/*
 * user_reseal: personal data under a new key (AUTH-PII), while people use their accounts.
 *
 * What is sealed says under which key it is. Accounts are walked in the order of their ids, some in a transaction; one
 * that its owner changes meanwhile is left as it then is, for the next walk. So it may be ended at any moment, begun
 * again, and run twice at once: none of these does anything twice that matters, and what is done stays done.
 */
#ifndef USER_USER_RESEAL_H
#define USER_USER_RESEAL_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/crypto/uuid.h"

/* What one transaction did. */
struct user_reseal {
    char last[UUID_SIZE]; /* the walk goes on behind this account */
    int64_t seen;         /* accounts that were under another key; 0: the walk is over */
    int64_t done;
    int64_t changed; /* by their owners meanwhile */
    int64_t closed;  /* whose values no key of the ring opens (error lines) */
};

#define USER_RESEAL_START UUID_NIL /* where a walk begins */

/* Once: the ring of personal data's keys (crypto.h). False with *why_r when it is malformed. */
BO_MUSTCHECK bool user_reseal_init(const char *pii_keys, const char **why_r);
/* Seals at most `most` accounts behind `after` under the key that seals now, in one transaction. Safe to repeat. */
BO_MUSTCHECK const struct err *user_reseal_step(struct ctx *ctx, const char *after, int64_t most,
                                                struct user_reseal *step_r);
/* Accounts of which something is under another key than the one that seals now: reads all there are. */
BO_MUSTCHECK const struct err *user_reseal_left(struct ctx *ctx, int64_t *left_r);
/* Whether anything is sealed under the key with this id, also mail that waits, which is not sealed anew: it ends. */
BO_MUSTCHECK const struct err *user_reseal_uses(struct ctx *ctx, uint8_t id, bool *used_r);

#endif
