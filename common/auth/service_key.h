/*
 * service_key: who may call /internal (INT-001, INT-009).
 *
 * Every calling service has a UUID v4 as its key. BOX_SERVICE_KEYS lists what is accepted, "payment:uuid,queue:uuid";
 * a name may stand twice, so that a key can be rotated without a gap. What a program shows itself may be two keys as
 * well, "new@time,old" (ring.h): the new one from its time on, when all who are called know it.
 */
#ifndef COMMON_SERVICE_KEY_H
#define COMMON_SERVICE_KEY_H

#include "common/base/arena.h"
#include "common/base/cfg.h"
#include "common/base/err.h"

struct cfg_service {
    const char *internal_url; /* BOX_INTERNAL_URL: http://127.0.0.1:8081, where /internal is served */
    const char *key;          /* BOX_SERVICE_KEY: what this program sends is one of it (service_key_own) */
    const char *accepted;     /* BOX_SERVICE_KEYS */
};
extern struct cfg_service cfg_service;
/* One each for what a program does: it looks for the others; it calls them; it is called. */
extern const struct cfg_section cfg_internal_section, cfg_caller_section, cfg_accepted_section;

/* The caller's name (static storage), or NULL when `key` is none of the accepted ones. Constant time per key. */
const char *service_key_caller(const char *key);
/* The key that this program shows now, in the arena; NULL when it has none. */
const char *service_key_own(struct arena *arena);

#endif
