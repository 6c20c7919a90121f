/* keys: what the verbs of boxctl keys share. */
#ifndef BOXCTL_KEYS_H
#define BOXCTL_KEYS_H

#include "src/boxctl/boxctl.h"
#include "src/boxctl/key_ring.h"

/* One call of a verb. */
struct keys_call {
    const struct key_kind *kind; /* NULL: all, or none is asked for */
    const char *id;
    const char *algorithm; /* NULL: as the key in use */
    int64_t after_s;
    bool force;
    int folder; /* BOX_SECRETS_DIR under its lock; -1: not asked for */
};

/* boxctl keys reseal. */
enum boxctl_status keys_reseal(struct boxctl *box, const struct keys_call *call);
/* Whether nothing is sealed under this key of personal data; else *why_r, in the arena. */
BO_MUSTCHECK bool keys_unsealed(struct boxctl *box, const char *id, const char **why_r);

#endif
