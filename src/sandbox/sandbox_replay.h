/* sandbox_replay: PortOne's Idempotency-Key: the first answer to a key is kept for three hours and given again. */
#ifndef SANDBOX_SANDBOX_REPLAY_H
#define SANDBOX_SANDBOX_REPLAY_H

#include <stddef.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

struct sandbox_replay {
    const char *place;  /* where it is kept */
    const char *digest; /* of the request's body */
    int status;         /* of the first answer; 0: this request is the first, do the work */
    const char *body;
};

struct sandbox_keyed {
    const char *header; /* Idempotency-Key as sent: a quoted string of 16-256 characters */
    const char *method;
    const char *path;
    const char *body;
    size_t body_len;
};

/* Claims the key. &err_sandbox_request_running while the first request is at work, &err_invalid_request for a malformed
 * key and for a key that came with another body (PortOne forbids that without saying what it answers). */
BO_MUSTCHECK const struct err *sandbox_replay_claim(struct ctx *ctx, const struct sandbox_keyed *request,
                                                    struct sandbox_replay *replay_r);
/* Keeps the first answer. */
BO_MUSTCHECK const struct err *sandbox_replay_keep(struct ctx *ctx, const struct sandbox_replay *replay, int status,
                                                   const char *body);
/* Gives the claim up: the work was not done. */
void sandbox_replay_release(struct ctx *ctx, const struct sandbox_replay *replay);

#endif
