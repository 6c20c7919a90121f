/*
 * mac_ring: keys of signatures that we alone check, and that outlive a key: "2@time:secret,1:secret" (ring.h).
 *
 * Ids are numbers from 1 to 255. A text that does not begin with a number and a colon is one secret as a whole, with
 * the id 0; within a ring "0:secret" is that same key. Secrets have 32 to 200 characters.
 */
#ifndef COMMON_MAC_RING_H
#define COMMON_MAC_RING_H

#include "common/crypto/ring.h"

#define MAC_RING_SECRET_MAX 200
#define MAC_RING_MIN 32                                           /* characters of a ring */
#define MAC_RING_MAX ((MAC_RING_SECRET_MAX + 20) * (int)RING_MAX) /* the same */

struct mac_key {
    int id;
    int64_t from_s; /* Unix seconds; 0: from the beginning */
    char secret[MAC_RING_SECRET_MAX + 1];
};

struct mac_ring {
    struct mac_key keys[RING_MAX];
    int count;
};

/* False with *why_r (static storage), *ring_r untouched. */
BO_MUSTCHECK bool mac_ring_parse(const char *text, struct mac_ring *ring_r, const char **why_r);
/* The key that signs at `time_s`: the first whose time has come by then, else the last. */
const struct mac_key *mac_ring_at(const struct mac_ring *ring, int64_t time_s);
/* NULL: there is none of this id. */
const struct mac_key *mac_ring_find(const struct mac_ring *ring, int id);

#endif
