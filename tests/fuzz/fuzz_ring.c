/* Key rings of every kind: no text is read beyond its end, and what is taken has keys that can be used. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/token_ring.h"
#include "common/base/arena.h"
#include "common/crypto/crypto.h"
#include "common/crypto/mac_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void read_tokens(const char *text)
{
    const char *why = NULL;
    struct token_ring ring = {.count = -1};
    if (!token_ring_parse(text, &ring, &why)) {
        need(why != NULL && ring.count == -1);
        return;
    }
    need(ring.count >= 1 && ring.count <= RING_MAX);
    for (int i = 0; i < ring.count; i++) {
        need(ring.keys[i].kid[0] != '\0' && (ring.keys[i].ec != NULL || ring.keys[i].secret_len >= 32));
        need(ring.keys[i].signs == (ring.keys[i].secret_len > 0));
    }
    token_ring_clear(&ring);
}

static void read_macs(const char *text)
{
    const char *why = NULL;
    struct mac_ring ring = {.count = -1};
    if (!mac_ring_parse(text, &ring, &why)) {
        need(why != NULL && ring.count == -1);
        return;
    }
    need(ring.count >= 1 && ring.count <= RING_MAX);
    need(strlen(mac_ring_at(&ring, 0)->secret) >= MAC_RING_MIN);
}

static void read_seals(struct arena *arena, const char *text)
{
    const char *why = NULL;
    struct crypto_keys keys = {.count = -1};
    size_t len, plain_len;
    if (!crypto_keys_parse(text, &keys, &why)) {
        need(why != NULL && keys.count == -1);
        return;
    }
    const unsigned char *sealed = crypto_seal(arena, &keys, "place", "plain", 5, &len);
    need(sealed[0] == crypto_keys_sealing(&keys) &&
         crypto_open(arena, &keys, "place", sealed, len, &plain_len) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((1u << 20) + 2 * size);
    const char *text = arena_memdup(arena, data, size);
    read_tokens(text);
    read_macs(text);
    read_seals(arena, text);
    arena_free(&arena);
    return 0;
}
