#include "src/queue/receipt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/crypto/mac_ring.h"
#include "src/queue/draw.h"
#include "src/queue/queue_settings.h"

#define MAC_SIZE 16
#define DIGITS_MAX 8 /* of DRAW_COUNT_MAX */

/* The schedule's key prepared for signing; anew when the one before had another. */
static const struct crypto_hmac *signer(const char *schedule_id)
{
    static struct crypto_hmac *hmac;
    static char prepared[MAC_RING_SECRET_MAX + 1];
    const char *key = queue_key_of(schedule_id);
    if (!hmac || strcmp(prepared, key) != 0) {
        crypto_hmac_free(&hmac);
        hmac = crypto_hmac_new(key, strlen(key));
        snprintf(prepared, sizeof prepared, "%s", key);
    }
    return hmac;
}

const char *receipt_issue(struct arena *arena, const char *schedule_id, const char *user_id, int64_t number)
{
    unsigned char mac[CRYPTO_SHA256_SIZE];
    const char *text = arena_int(arena, number);
    const char *message = ARENA_JOIN(arena, "boxoffice receipt|", schedule_id, "|", user_id, "|", text);
    crypto_hmac_run(signer(schedule_id), message, strlen(message), mac);
    return ARENA_JOIN(arena, text, ".", crypto_base64url(arena, mac, MAC_SIZE));
}

int64_t receipt_read(struct arena *arena, const char *schedule_id, const char *user_id, const char *receipt)
{
    size_t digits = strspn(receipt, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX || receipt[digits] != '.') {
        return -1;
    }
    int64_t number = strtoll(receipt, NULL, 10);
    const char *expected = receipt_issue(arena, schedule_id, user_id, number);
    size_t len = strlen(expected);
    bool authentic = strlen(receipt) == len && crypto_equal(receipt, expected, len);
    return authentic && number < DRAW_COUNT_MAX ? number : -1;
}
