/*
 * sandbox_webhook: sends a payment's webhook as PortOne does: signed, from a process of its own, retried.
 *
 * The sender is detached from the request: the caller answers at once. It gives up after the sixth attempt (waits of 0,
 * 1, 4, 16, 64, 256 units with jitter; the unit is cfg_sandbox.webhook_retry_ms) and ends with the program that
 * supervises the responder, so nothing outlives the stack.
 */
#ifndef SANDBOX_SANDBOX_WEBHOOK_H
#define SANDBOX_SANDBOX_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/context/ctx.h"
#include "src/sandbox/sandbox_payment.h"

struct sandbox_delivery {
    int64_t delay_ms;
    int64_t times; /* the same webhook so many times, one after the other */
    bool forge;    /* sign with a secret that nobody knows; one attempt each */
};

/* Sends payment->notice to every address of the payment. Failing to start a sender is logged, no more: PortOne's
 * customers do not learn of that either. */
void sandbox_webhook_send(struct ctx *ctx, const struct sandbox_payment *payment,
                          const struct sandbox_delivery *delivery);
/* One webhook now, unless the payment is silent or has nothing to say. */
void sandbox_webhook_announce(struct ctx *ctx, const struct sandbox_payment *payment);

#endif
