/*
 * webhook_signature: Standard Webhooks 1.0.0, as PortOne signs its webhooks (PAY-WEBHOOK).
 *
 * The signed text is "<webhook-id>.<webhook-timestamp>.<raw body>", the key what follows "whsec_" in base64, the MAC
 * HMAC-SHA256. A delivery carries one or more signatures "v1,<base64>" separated by spaces; other versions are skipped.
 */
#ifndef PROVIDERS_WEBHOOK_SIGNATURE_H
#define PROVIDERS_WEBHOOK_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"

#define WEBHOOK_SECRETS_MAX 4
#define WEBHOOK_TOLERANCE_S 300

/* The three headers as they came; NULL when missing. */
struct webhook_headers {
    const char *id;        /* webhook-id: the same over all retries of one event, so the key against replay */
    const char *timestamp; /* webhook-timestamp: Unix seconds of this attempt */
    const char *signature; /* webhook-signature */
};

/* True when `secrets` ("whsec_a" or "whsec_a,whsec_b": the present one and one being rotated) can be used: 1 to
 * WEBHOOK_SECRETS_MAX secrets of 16 key bytes or more each. To be checked once at start. */
bool webhook_secrets_valid(struct arena *arena, const char *secrets);
/* NULL when one signature fits one of the secrets and the timestamp is within WEBHOOK_TOLERANCE_S of clock_now();
 * &err_webhook_signature otherwise. Compares in constant time. Reading the body comes after this, never before. */
BO_MUSTCHECK const struct err *webhook_verify(struct arena *arena, const char *secrets,
                                              const struct webhook_headers *headers, const char *body, size_t len);
/* The value of webhook-signature ("v1,...") under the first secret of `secrets`, in the arena; NULL when that secret
 * cannot be used. */
char *webhook_sign(struct arena *arena, const char *secrets, const char *id, int64_t timestamp_s, const char *body,
                   size_t len);

#endif
