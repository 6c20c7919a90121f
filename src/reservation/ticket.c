#include "src/reservation/ticket.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "src/reservation/reservation_settings.h"

#define RANDOM_CHARACTERS 7

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

char *ticket_qr_data(struct arena *arena, const char *number)
{
    unsigned char mac[CRYPTO_SHA256_SIZE];
    const char *key = reservation_settings.ticket_key;
    crypto_hmac_sha256(key, strlen(key), number, strlen(number), mac);
    return arena_printf(arena, "%s.%s", number, crypto_base64url(arena, mac, sizeof mac));
}
