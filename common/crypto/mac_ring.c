#include "common/crypto/mac_ring.h"

#include <string.h>

#define ID_MAX 255
#define ID_DIGITS_MAX 3

/* -1: no number from 0 to 255. */
static int parse_id(const char *text, size_t len)
{
    int id = 0;
    if (len == 0 || len > ID_DIGITS_MAX) {
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        id = id * 10 + (text[i] - '0');
    }
    return id <= ID_MAX ? id : -1;
}

static bool set_secret(struct mac_key *key, const char *text, size_t len)
{
    if (len < MAC_RING_MIN || len > MAC_RING_SECRET_MAX) {
        return false;
    }
    memcpy(key->secret, text, len);
    key->secret[len] = '\0';
    return true;
}

static bool add_entry(struct mac_ring *ring, const struct ring_entry *entry, const char **why_r)
{
    int id = parse_id(entry->id, entry->id_len);
    if (ring->count == RING_MAX) {
        *why_r = "there are more than 8 keys";
        return false;
    }
    if (id < 0 || entry->key == NULL || mac_ring_find(ring, id) != NULL) {
        *why_r = "every key is a number of its own from 0 to 255, a colon and a secret";
        return false;
    }
    struct mac_key *key = &ring->keys[ring->count];
    *key = (struct mac_key){.id = id, .from_s = entry->from_s};
    if (!set_secret(key, entry->key, entry->key_len)) {
        *why_r = "a secret has 32 to 200 characters";
        return false;
    }
    ring->count++;
    return true;
}

static bool is_ring(const char *text)
{
    struct ring_entry first;
    ring_next(&text, &first);
    return first.key != NULL && parse_id(first.id, first.id_len) >= 0;
}

bool mac_ring_parse(const char *text, struct mac_ring *ring_r, const char **why_r)
{
    struct mac_ring ring = {.count = 0};
    if (!is_ring(text)) {
        if (!set_secret(&ring.keys[0], text, strlen(text))) {
            *why_r = "a secret has 32 to 200 characters";
            return false;
        }
        ring.count = 1;
        *ring_r = ring;
        return true;
    }
    while (text != NULL) {
        struct ring_entry entry;
        ring_next(&text, &entry);
        if (!add_entry(&ring, &entry, why_r)) {
            return false;
        }
    }
    *ring_r = ring;
    return true;
}

const struct mac_key *mac_ring_at(const struct mac_ring *ring, int64_t time_s)
{
    for (int i = 0; i < ring->count; i++) {
        if (ring->keys[i].from_s <= time_s) {
            return &ring->keys[i];
        }
    }
    return &ring->keys[ring->count - 1];
}

const struct mac_key *mac_ring_find(const struct mac_ring *ring, int id)
{
    for (int i = 0; i < ring->count; i++) {
        if (ring->keys[i].id == id) {
            return &ring->keys[i];
        }
    }
    return NULL;
}
