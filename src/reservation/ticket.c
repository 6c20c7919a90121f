#include "src/reservation/ticket.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/mac_ring.h"
#include "src/reservation/reservation_settings.h"

#define RANDOM_CHARACTERS 7
#define NUMBER_MAX 40
#define QR_DATA_MAX 100

static const char alphabet[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/* Every character equally likely: bytes beyond the last whole multiple of the alphabet are thrown again. */
static char random_character(void)
{
    const unsigned size = sizeof alphabet - 1;
    unsigned char byte;
    do {
        crypto_random(&byte, 1);
    } while (byte >= 256 / size * size);
    return alphabet[byte % size];
}

char *ticket_number(struct arena *arena, int64_t at)
{
    char day[CLOCK_TEXT_SIZE]; /* "2026-06-01T..." */
    char random[RANDOM_CHARACTERS + 1] = "";
    clock_format(at, day);
    for (int i = 0; i < RANDOM_CHARACTERS; i++) {
        random[i] = random_character();
    }
    return arena_printf(arena, "T%.4s%.2s%.2s-%s", day, day + 5, day + 8, random);
}

/* ---- what the code says ---- */

static struct mac_ring ring;

bool ticket_init(const char **why_r)
{
    cfg_watch(&ticket_settings_section, ticket_init);
    return mac_ring_parse(reservation_settings.ticket_key, &ring, why_r);
}

static char *sign(struct arena *arena, const char *number, const struct mac_key *key)
{
    unsigned char mac[CRYPTO_SHA256_SIZE];
    const char *text = key->id > 0 ? arena_printf(arena, "%s.%d", number, key->id) : number;
    crypto_hmac_sha256(key->secret, strlen(key->secret), text, strlen(text), mac);
    return arena_printf(arena, "%s.%s", text, crypto_base64url(arena, mac, sizeof mac));
}

char *ticket_qr_data(struct arena *arena, const char *number)
{
    return sign(arena, number, mac_ring_at(&ring, clock_now() / CLOCK_SECOND));
}

const char *ticket_qr_number(struct arena *arena, const char *qr_data)
{
    size_t len = strcspn(qr_data, ".");
    if (len == 0 || len > NUMBER_MAX || strnlen(qr_data, QR_DATA_MAX + 1) > QR_DATA_MAX) {
        return NULL;
    }
    const char *number = arena_memdup(arena, qr_data, len);
    for (int i = 0; i < ring.count; i++) {
        const char *signed_data = sign(arena, number, &ring.keys[i]);
        size_t signed_len = strlen(signed_data);
        if (strlen(qr_data) == signed_len && crypto_equal(qr_data, signed_data, signed_len)) {
            return number;
        }
    }
    return NULL;
}
