/*
 * closing: what is done about every line once a second: slots that are no longer used are given back, and a line whose
 * sale is over, cancelled or gone comes to its end.
 *
 * First the line is closed: whoever asks is told that the sale has ended. After BOX_QUEUE_CLOSING_GRACE_S its people
 * and their one-queue markers are forgotten, some of them in each call; the state, with the draw that anybody may want
 * to verify, stays for BOX_QUEUE_KEPT_S. Until people are forgotten a sale that runs again takes the closing back.
 *
 * Killed anywhere, or twice at once: every step may be repeated.
 */
#ifndef QUEUE_CLOSING_H
#define QUEUE_CLOSING_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Does the next bit of work for every line there is. One that fails does not keep the others waiting (the first error
 * is returned at the end). *active_r: people with a token, in all lines whose sale runs. */
BO_MUSTCHECK const struct err *closing_run_all(struct ctx *ctx, int64_t *active_r);

#endif
