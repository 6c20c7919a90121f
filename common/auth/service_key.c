#include "common/auth/service_key.h"

#include <string.h>

#include "common/base/array.h"
#include "common/crypto/crypto.h"
#include "common/crypto/ring.h"
#include "common/crypto/uuid.h"

#define KEY_LEN ((size_t)UUID_SIZE - 1)
#define NAME_MAX_LEN 31
#define OWN_MAX 400

struct cfg_service cfg_service;

static const struct cfg_key internal_keys[] = {
    {"BOX_INTERNAL_URL", CFG_STR, offsetof(struct cfg_service, internal_url), "", "http://127.0.0.1:8081", 8, 200, 0,
     "where the other services serve /internal"},
};
static const struct cfg_key caller_keys[] = {
    {"BOX_SERVICE_KEY", CFG_STR, offsetof(struct cfg_service, key), "", NULL, KEY_LEN, OWN_MAX, CFG_SECRET | CFG_LIVE,
     "UUID v4 that this program shows when it calls /internal, or a new one with its time and the old: uuid@time,uuid"},
};
static const struct cfg_key accepted_keys[] = {
    {"BOX_SERVICE_KEYS", CFG_STR, offsetof(struct cfg_service, accepted), "", NULL, KEY_LEN + 2, 2000,
     CFG_SECRET | CFG_LIVE, "who may call /internal: name:uuid,name:uuid; a name may stand twice"},
};

const struct cfg_section cfg_internal_section = {"Calls between services", internal_keys, ARRAY_COUNT(internal_keys),
                                                 &cfg_service};
const struct cfg_section cfg_caller_section = {"Who calls", caller_keys, ARRAY_COUNT(caller_keys), &cfg_service};
const struct cfg_section cfg_accepted_section = {"Who may call", accepted_keys, ARRAY_COUNT(accepted_keys),
                                                 &cfg_service};

const char *service_key_caller(const char *key)
{
    static char caller[NAME_MAX_LEN + 1];
    if (!uuid_valid(key) || cfg_service.accepted == NULL) {
        return NULL;
    }
    bool found = false;
    const char *entry = cfg_service.accepted;
    while (*entry != '\0') {
        size_t len = strcspn(entry, ",");
        size_t name_len = strcspn(entry, ":,");
        bool well_formed = name_len > 0 && name_len <= NAME_MAX_LEN && len == name_len + 1 + KEY_LEN;
        /* No way out at the first match: the time must not tell which entry it was. */
        if (well_formed && crypto_equal(entry + name_len + 1, key, KEY_LEN)) {
            memcpy(caller, entry, name_len);
            caller[name_len] = '\0';
            found = true;
        }
        entry += len + (entry[len] == ',');
    }
    return found ? caller : NULL;
}

const char *service_key_own(struct arena *arena)
{
    struct ring_entry entry = {.id = NULL};
    bool due = false;
    for (const char *at = cfg_service.key; at != NULL && !due;) {
        ring_next(&at, &entry);
        due = ring_due(entry.from_s);
    }
    return entry.id != NULL ? arena_memdup(arena, entry.id, entry.id_len) : NULL;
}
