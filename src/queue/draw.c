#include "src/queue/draw.h"

#include <string.h>

#include "common/base/log.h"
#include "common/crypto/uuid.h"

#define SEED_LABEL "boxoffice draw seed"
#define KEY_LABEL "boxoffice draw v1"

static void put_be(unsigned char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
    }
}

void draw_seed(const char *secret, const char *schedule_id, unsigned char seed_r[DRAW_SEED_SIZE])
{
    unsigned char message[sizeof SEED_LABEL + UUID_BYTES] = SEED_LABEL; /* with its NUL */
    uuid_bytes(schedule_id, message + sizeof SEED_LABEL);
    crypto_hmac_sha256(secret, strlen(secret), message, sizeof message, seed_r);
}

static uint16_t round_value(const unsigned char key[CRYPTO_SHA256_SIZE], unsigned round, uint32_t half, unsigned mask)
{
    unsigned char message[5] = {(unsigned char)round}, mac[CRYPTO_SHA256_SIZE];
    put_be(message + 1, half, 4);
    crypto_hmac_sha256(key, CRYPTO_SHA256_SIZE, message, sizeof message, mac);
    return (uint16_t)(((unsigned)mac[6] << 8 | mac[7]) & mask); /* the low bits of the first eight bytes */
}

void draw_make(struct draw *draw, const unsigned char seed[DRAW_SEED_SIZE], const char *schedule_id, int64_t count)
{
    if (count < 0 || count > DRAW_COUNT_MAX) {
        log_panic("a draw of %lld people", (long long)count);
    }
    unsigned char message[sizeof KEY_LABEL + UUID_BYTES + 8] = KEY_LABEL, key[CRYPTO_SHA256_SIZE];
    uuid_bytes(schedule_id, message + sizeof KEY_LABEL);
    put_be(message + sizeof KEY_LABEL + UUID_BYTES, (uint64_t)count, 8);
    crypto_hmac_sha256(seed, DRAW_SEED_SIZE, message, sizeof message, key);

    draw->count = count;
    draw->half_bits = 1;
    while (INT64_C(1) << (2 * draw->half_bits) < count) {
        draw->half_bits++;
    }
    uint32_t halves = UINT32_C(1) << draw->half_bits;
    for (unsigned round = 0; round < DRAW_ROUNDS; round++) {
        for (uint32_t half = 0; half < halves; half++) {
            draw->rounds[round][half] = round_value(key, round, half, halves - 1);
        }
    }
}

int64_t draw_place(const struct draw *draw, int64_t number)
{
    uint32_t mask = (UINT32_C(1) << draw->half_bits) - 1, value = (uint32_t)number;
    if (number >= draw->count) {
        return number;
    }
    do {
        uint32_t left = value >> draw->half_bits, right = value & mask;
        for (int round = 0; round < DRAW_ROUNDS; round++) {
            uint32_t mixed = left ^ draw->rounds[round][right];
            left = right;
            right = mixed;
        }
        value = left << draw->half_bits | right;
    } while (value >= draw->count);
    return value;
}

int64_t draw_number(const struct draw *draw, int64_t place)
{
    uint32_t mask = (UINT32_C(1) << draw->half_bits) - 1, value = (uint32_t)place;
    if (place >= draw->count) {
        return place;
    }
    do {
        uint32_t left = value >> draw->half_bits, right = value & mask;
        for (int round = DRAW_ROUNDS - 1; round >= 0; round--) {
            uint32_t mixed = right ^ draw->rounds[round][left];
            right = left;
            left = mixed;
        }
        value = left << draw->half_bits | right;
    } while (value >= draw->count);
    return value;
}
