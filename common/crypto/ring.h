/*
 * ring: the entries of a key ring, "id:key,id@time:key". What a key is, its owner says.
 *
 * An entry's head ends at its first colon; where that ends in '@' and digits, they are the Unix second from which the
 * key is used to sign or seal. Keys are made known to all who check before one uses them: the first of the ring whose
 * time has come is used, the others check. An entry without a colon is all head.
 */
#ifndef COMMON_CRYPTO_RING_H
#define COMMON_CRYPTO_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

#define RING_MAX 8 /* keys of any ring */

/* Points into the ring's text; nothing ends with a NUL. */
struct ring_entry {
    const char *id; /* what stands before the colon and the time */
    size_t id_len;
    int64_t from_s;  /* Unix seconds; 0: none stands there */
    const char *key; /* what stands behind the colon, up to the comma; NULL: there is no colon */
    size_t key_len;
};

/* The entry that begins at *at, which is moved to the next one; NULL there when this was the last. */
void ring_next(const char **at, struct ring_entry *entry_r);
/* Whether the time of a key has come. */
bool ring_due(int64_t from_s);

#endif
