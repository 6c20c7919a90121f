/*
 * key_ring: the key rings in the folder of secrets as boxctl keys sees and changes them: which there are, how a new key
 * is made, what one may know of a key, and what follows from a ring in other files.
 */
#ifndef BOXCTL_KEY_RING_H
#define BOXCTL_KEY_RING_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/crypto/ring.h"

enum key_form {
    KEY_TOKEN,   /* BOX_JWT_KEYS (token_ring.h) */
    KEY_SEAL,    /* BOX_PII_KEYS (crypto.h) */
    KEY_MAC,     /* BOX_TICKET_KEY, BOX_QUEUE_KEY (mac_ring.h) */
    KEY_SERVICE, /* BOX_SERVICE_KEY (service_key.h) */
};

struct key_kind {
    const char *name; /* "jwt" */
    const char *file; /* in the folder */
    enum key_form form;
    int64_t kept_s;   /* how long a key is needed once another is used; INT64_MAX: for as long as somebody says */
    const char *need; /* what it is needed for meanwhile: "tokens under it live" */
};

/* One key of a ring. */
struct key_entry {
    const char *text;      /* as it stands in the ring; "0:<text>" for a secret that was none */
    const char *id;        /* what it is called; of a service key a digest, as the key is all there is */
    const char *algorithm; /* "HS256" */
    int64_t from_s;
    int64_t ended_s; /* since when another is used in its place; 0: unknown; INT64_MAX: it is used, or will be */
    bool used;       /* signs, seals or is shown now */
};

struct key_ring {
    const struct key_kind *kind;
    struct key_entry keys[RING_MAX];
    size_t count;
};

extern const struct key_kind key_kinds[];
extern const size_t key_kind_count;

/* NULL: there is none of this name. */
const struct key_kind *key_kind_find(const char *name);
/* Reads the ring of `kind` from the folder. False with *why_r: the file is missing, or no program could use it. */
BO_MUSTCHECK bool key_ring_read(struct arena *arena, const char *folder, const struct key_kind *kind,
                                struct key_ring *ring_r, const char **why_r);
/* A new key before the others, used from `from_s` on. `algorithm` is of tokens; NULL: that of the key in use. False
 * with *why_r: the ring is full, or no such algorithm. */
BO_MUSTCHECK bool key_ring_add(struct arena *arena, struct key_ring *ring, const char *algorithm, int64_t from_s,
                               const char **why_r);
void key_ring_remove(struct key_ring *ring, size_t index);
/* Writes the ring and what follows from it. `adding`: what others check by comes first, otherwise last: at any moment
 * all know the keys that one of them uses. False with *why_r; then repeat it. */
BO_MUSTCHECK bool key_ring_write(struct arena *arena, const char *folder_path, int folder, const struct key_ring *ring,
                                 bool adding, const char **why_r);

#endif
