#include "src/providers/webhook_signature.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "src/providers/provider_errors.h"

#define SECRET_PREFIX "whsec_"
#define SIGNATURE_PREFIX "v1,"
#define KEY_MIN 16
#define SIGNATURES_MAX 16 /* an honest sender has one per live secret */
#define ID_LENGTH_MAX 200

struct key {
    const unsigned char *bytes;
    size_t len;
};

/* All secrets or none: a bad one among good ones is a mistake of the operator. 0 when unusable. */
static size_t read_keys(struct arena *arena, const char *secrets, struct key keys_r[WEBHOOK_SECRETS_MAX])
{
    size_t count = 0;
    char *rest = arena_strdup(arena, secrets);
    for (char *secret = strsep(&rest, ","); secret != NULL; secret = strsep(&rest, ",")) {
        if (count == WEBHOOK_SECRETS_MAX || strncmp(secret, SECRET_PREFIX, strlen(SECRET_PREFIX)) != 0) {
            return 0;
        }
        struct key *key = &keys_r[count++];
        key->bytes = crypto_base64_decode(arena, secret + strlen(SECRET_PREFIX), &key->len);
        if (key->bytes == NULL || key->len < KEY_MIN) {
            return 0;
        }
    }
    return count;
}

bool webhook_secrets_valid(struct arena *arena, const char *secrets)
{
    struct key keys[WEBHOOK_SECRETS_MAX];
    return secrets != NULL && read_keys(arena, secrets, keys) > 0;
}

static void sign(struct arena *arena, const struct key *key, const char *prefix, const char *body, size_t len,
                 unsigned char mac_r[CRYPTO_SHA256_SIZE])
{
    size_t prefix_len = strlen(prefix);
    char *text = arena_alloc(arena, prefix_len + len + 1);
    memcpy(text, prefix, prefix_len);
    if (len > 0) {
        memcpy(text + prefix_len, body, len);
    }
    crypto_hmac_sha256(key->bytes, key->len, text, prefix_len + len, mac_r);
}

char *webhook_sign(struct arena *arena, const char *secrets, const char *id, int64_t timestamp_s, const char *body,
                   size_t len)
{
    struct key keys[WEBHOOK_SECRETS_MAX];
    if (read_keys(arena, secrets, keys) == 0) {
        return NULL;
    }
    unsigned char mac[CRYPTO_SHA256_SIZE];
    sign(arena, &keys[0], arena_printf(arena, "%s.%lld.", id, (long long)timestamp_s), body, len, mac);
    return arena_printf(arena, SIGNATURE_PREFIX "%s", crypto_base64(arena, mac, sizeof mac));
}

/* Digits only, so that "1e9", " 1" and "+1" never reach the comparison. */
static bool timestamp_fresh(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > 12 || strspn(text, "0123456789") != len) {
        return false;
    }
    int64_t distance = clock_now() / CLOCK_SECOND - strtoll(text, NULL, 10);
    return distance >= -WEBHOOK_TOLERANCE_S && distance <= WEBHOOK_TOLERANCE_S;
}

/* One token: a header that occurred twice arrives joined with a comma or a space. */
static bool id_valid(const char *id)
{
    size_t len = strlen(id);
    if (len == 0 || len > ID_LENGTH_MAX) {
        return false;
    }
    for (const char *c = id; *c != '\0'; c++) {
        if (*c <= ' ' || *c == ',' || (unsigned char)*c >= 0x7f) {
            return false;
        }
    }
    return true;
}

/* True when one of the header's signatures equals one of `macs`. Looks at all of them whatever it has found, so that
 * the time tells nothing. */
static bool signature_fits(struct arena *arena, const char *header, unsigned char (*macs)[CRYPTO_SHA256_SIZE],
                           size_t count)
{
    bool fits = false;
    int seen = 0;
    char *rest = arena_strdup(arena, header);
    for (char *token = strsep(&rest, " "); token != NULL && seen < SIGNATURES_MAX; token = strsep(&rest, " "), seen++) {
        if (strncmp(token, SIGNATURE_PREFIX, strlen(SIGNATURE_PREFIX)) != 0) {
            continue;
        }
        size_t len = 0;
        const unsigned char *mac = crypto_base64_decode(arena, token + strlen(SIGNATURE_PREFIX), &len);
        if (mac == NULL || len != CRYPTO_SHA256_SIZE) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            fits |= crypto_equal(mac, macs[i], CRYPTO_SHA256_SIZE);
        }
    }
    return fits;
}

const struct err *webhook_verify(struct arena *arena, const char *secrets, const struct webhook_headers *headers,
                                 const char *body, size_t len)
{
    if (headers->id == NULL || headers->timestamp == NULL || headers->signature == NULL) {
        return &err_webhook_signature;
    }
    if (!id_valid(headers->id) || !timestamp_fresh(headers->timestamp)) {
        return &err_webhook_signature;
    }
    struct key keys[WEBHOOK_SECRETS_MAX];
    unsigned char macs[WEBHOOK_SECRETS_MAX][CRYPTO_SHA256_SIZE];
    size_t count = read_keys(arena, secrets, keys);
    const char *prefix = arena_printf(arena, "%s.%s.", headers->id, headers->timestamp);
    for (size_t i = 0; i < count; i++) {
        sign(arena, &keys[i], prefix, body, len, macs[i]);
    }
    return signature_fits(arena, headers->signature, macs, count) ? NULL : &err_webhook_signature;
}
