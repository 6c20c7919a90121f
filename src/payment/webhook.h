/*
 * webhook: PortOne tells that something happened (PAY-WEBHOOK). It is noted once and the payment becomes due at once;
 * payment-saga asks PortOne for the truth.
 *
 *   Two at once, repeated tomorrow: webhook-id is unique; a second one changes nothing.
 *   Killed here, answer lost, store gone: PortOne sends it again; and the payment is due at its own time anyway.
 */
#ifndef PAYMENT_WEBHOOK_H
#define PAYMENT_WEBHOOK_H

#include <stddef.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/providers/webhook_signature.h"

/* &err_webhook_signature, &err_invalid_request, &err_unavailable, &err_uncertain. */
BO_MUSTCHECK const struct err *webhook_receive(struct ctx *ctx, const struct webhook_headers *headers, const char *body,
                                               size_t len);

#endif
