#include "src/boxctl/key_ring.h"

#include <stdlib.h>
#include <string.h>

#include "common/auth/token_ring.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/mac_ring.h"
#include "common/crypto/uuid.h"
#include "src/boxctl/file.h"
#include "src/boxctl/key_file.h"

#define KEY_SIZE 32
#define ID_MAX 255
#define DIGEST_SHOWN 4 /* bytes of a service key's digest */
#define SERVICE_PREFIX "service-"
#define ACCEPTED_FILE "service-keys"
#define VERIFY_FILE "jwt-verify-keys"
#define PUBLIC_FILE "jwt-public-keys"

const struct key_kind key_kinds[] = {
    {"jwt", "jwt-keys", KEY_TOKEN, 0, "tokens that it has signed may live"},
    {"pii", "pii-keys", KEY_SEAL, 60, "what was sealed at the last moment may not have been stored yet"},
    {"ticket", "ticket-key", KEY_MAC, INT64_MAX, "tickets that it has signed may not have been used"},
    {"queue", "queue-key", KEY_MAC, INT64_MAX, "performances made before may have sales to come"},
    {SERVICE_PREFIX "user", "service-key-user", KEY_SERVICE, 60, "programs may show it"},
    {SERVICE_PREFIX "event", "service-key-event", KEY_SERVICE, 60, "programs may show it"},
    {SERVICE_PREFIX "queue", "service-key-queue", KEY_SERVICE, 60, "programs may show it"},
    {SERVICE_PREFIX "reservation", "service-key-reservation", KEY_SERVICE, 60, "programs may show it"},
    {SERVICE_PREFIX "payment", "service-key-payment", KEY_SERVICE, 60, "programs may show it"},
};
const size_t key_kind_count = ARRAY_COUNT(key_kinds);

const struct key_kind *key_kind_find(const char *name)
{
    for (size_t i = 0; i < key_kind_count; i++) {
        if (strcmp(key_kinds[i].name, name) == 0) {
            return &key_kinds[i];
        }
    }
    return NULL;
}

/* ---- reading ---- */

static bool usable_service(const char *text, const char **why_r)
{
    while (text != NULL) {
        struct ring_entry entry;
        ring_next(&text, &entry);
        char id[UUID_SIZE] = "";
        if (entry.id_len == UUID_SIZE - 1) {
            memcpy(id, entry.id, entry.id_len);
        }
        if (entry.key != NULL || !uuid_valid(id)) {
            *why_r = "a service key is a UUID";
            return false;
        }
    }
    return true;
}

/* As the programs judge it. */
static bool usable(enum key_form form, const char *text, const char **why_r)
{
    struct token_ring tokens;
    struct crypto_keys seals;
    struct mac_ring macs;
    switch (form) {
    case KEY_TOKEN:
        if (!token_ring_parse(text, &tokens, why_r)) {
            return false;
        }
        token_ring_clear(&tokens);
        return true;
    case KEY_SEAL:
        return crypto_keys_parse(text, &seals, why_r);
    case KEY_MAC:
        return mac_ring_parse(text, &macs, why_r);
    case KEY_SERVICE:
        return usable_service(text, why_r);
    }
    return false;
}

static const char *describe(enum key_form form, const struct ring_entry *entry)
{
    static const char *const names[] = {
        [KEY_TOKEN] = "HS256", [KEY_SEAL] = "AES-256-GCM", [KEY_MAC] = "HMAC-SHA256", [KEY_SERVICE] = "UUID"};
    if (form != KEY_TOKEN) {
        return names[form];
    }
    if (strncmp(entry->key, "ES256:", strlen("ES256:")) == 0) {
        return "ES256";
    }
    return strncmp(entry->key, "ES256-public:", strlen("ES256-public:")) == 0 ? "ES256-public" : names[form];
}

static const char *name_of(struct arena *arena, enum key_form form, const struct ring_entry *entry)
{
    const char *id = arena_memdup(arena, entry->id, entry->id_len);
    if (form != KEY_SERVICE) {
        return id;
    }
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(id, strlen(id), digest);
    return crypto_hex(arena, digest, DIGEST_SHOWN);
}

/* Which is used now, and since when not the others: those behind it since its time, those before it not yet. */
static void judge(struct key_ring *ring)
{
    bool found = false;
    for (size_t i = 0; i < ring->count; i++) {
        struct key_entry *key = &ring->keys[i];
        bool last = i + 1 == ring->count;
        key->used = !found && (ring_due(key->from_s) || last);
        key->ended_s = found ? ring->keys[i - 1].from_s : INT64_MAX;
        found |= key->used;
    }
}

static bool split(struct arena *arena, const char *text, struct key_ring *ring, const char **why_r)
{
    while (text != NULL) {
        const char *start = text;
        struct ring_entry entry;
        ring_next(&text, &entry);
        if (ring->count == RING_MAX) {
            *why_r = "there are more than 8 keys";
            return false;
        }
        ring->keys[ring->count++] = (struct key_entry){
            .text = arena_memdup(arena, start, strcspn(start, ",")),
            .id = name_of(arena, ring->kind->form, &entry),
            .algorithm = describe(ring->kind->form, &entry),
            .from_s = entry.from_s,
        };
    }
    judge(ring);
    return true;
}

/* A secret that is no ring becomes one whose only key has the id 0. */
static const char *as_ring(struct arena *arena, enum key_form form, const char *text)
{
    struct mac_ring macs;
    const char *why;
    bool bare = form == KEY_MAC && mac_ring_parse(text, &macs, &why) && macs.count == 1 && macs.keys[0].id == 0 &&
                strcmp(macs.keys[0].secret, text) == 0;
    return bare ? arena_printf(arena, "0:%s", text) : text;
}

bool key_ring_read(struct arena *arena, const char *folder, const struct key_kind *kind, struct key_ring *ring_r,
                   const char **why_r)
{
    const char *text, *why;
    struct key_ring ring = {.kind = kind};
    if (!file_secret(arena, folder, kind->file, &text, why_r)) {
        return false;
    }
    if (text == NULL) {
        *why_r = arena_printf(arena, "there is no file '%s' in BOX_SECRETS_DIR", kind->file);
        return false;
    }
    const char *whole = as_ring(arena, kind->form, text);
    if (!usable(kind->form, text, &why) || !usable(kind->form, whole, &why) || !split(arena, whole, &ring, &why)) {
        *why_r = arena_printf(arena, "%s: %s", kind->file, why);
        return false;
    }
    *ring_r = ring;
    return true;
}

/* ---- changing ---- */

static int number_of(const char *id)
{
    return (int)strtol(id + strcspn(id, "0123456789"), NULL, 10);
}

/* One more than the largest number in the ring; a number that goes to 255 begins anew at the smallest that is free. */
static int next_number(const struct key_ring *ring)
{
    int next = 1;
    for (size_t i = 0; i < ring->count; i++) {
        int number = number_of(ring->keys[i].id);
        next = number >= next ? number + 1 : next;
    }
    bool taken = ring->kind->form != KEY_TOKEN && next > ID_MAX;
    for (int id = 1; taken; id++) {
        taken = false;
        for (size_t i = 0; i < ring->count; i++) {
            taken |= number_of(ring->keys[i].id) == id;
        }
        next = id;
    }
    return next;
}

static const char *random_hex(struct arena *arena)
{
    unsigned char bytes[KEY_SIZE];
    crypto_random(bytes, sizeof bytes);
    return crypto_hex(arena, bytes, sizeof bytes);
}

static const char *new_token_key(struct arena *arena, const char *algorithm)
{
    if (strcmp(algorithm, "HS256") == 0) {
        return random_hex(arena);
    }
    if (strcmp(algorithm, "ES256") != 0) {
        return NULL;
    }
    struct crypto_ec *key = crypto_ec_generate();
    const char *text = arena_printf(arena, "ES256:%s", crypto_ec_private_der(arena, key));
    crypto_ec_free(&key);
    return text;
}

static const char *algorithm_in_use(const struct key_ring *ring)
{
    size_t i = 0;
    while (i + 1 < ring->count && !ring->keys[i].used) {
        i++;
    }
    return ring->keys[i].algorithm;
}

/* The whole entry; NULL: there is no such algorithm. */
static const char *new_entry(struct arena *arena, const struct key_ring *ring, const char *algorithm, int64_t from_s)
{
    char uuid[UUID_SIZE];
    long long at = (long long)from_s;
    int number = next_number(ring);
    if (ring->kind->form == KEY_SERVICE) {
        return arena_printf(arena, "%s@%lld", uuid_v4(uuid), at);
    }
    if (ring->kind->form != KEY_TOKEN) {
        return arena_printf(arena, "%d@%lld:%s", number, at, random_hex(arena));
    }
    const char *key = new_token_key(arena, algorithm != NULL ? algorithm : algorithm_in_use(ring));
    return key != NULL ? arena_printf(arena, "k%d@%lld:%s", number, at, key) : NULL;
}

bool key_ring_add(struct arena *arena, struct key_ring *ring, const char *algorithm, int64_t from_s, const char **why_r)
{
    if (ring->count == RING_MAX) {
        *why_r = arena_printf(arena, "the ring has %d keys, more it cannot have: boxctl keys retire %s ID", RING_MAX,
                              ring->kind->name);
        return false;
    }
    const char *text =
        algorithm == NULL || ring->kind->form == KEY_TOKEN ? new_entry(arena, ring, algorithm, from_s) : NULL;
    if (text == NULL) {
        *why_r = "--algorithm is HS256 or ES256, and for jwt alone";
        return false;
    }
    struct key_ring added = {.kind = ring->kind};
    if (!split(arena, text, &added, why_r)) {
        return false;
    }
    memcpy(&added.keys[1], ring->keys, ring->count * sizeof ring->keys[0]);
    added.count = ring->count + 1;
    judge(&added);
    *ring = added;
    return true;
}

void key_ring_remove(struct key_ring *ring, size_t index)
{
    memmove(&ring->keys[index], &ring->keys[index + 1], (ring->count - index - 1) * sizeof ring->keys[0]);
    ring->count--;
    judge(ring);
}

/* ---- what follows from a ring ---- */

static const char *join(struct arena *arena, const char *text, const char *more)
{
    return *text == '\0' ? more : ARENA_JOIN(arena, text, ",", more);
}

static const char *ring_text(struct arena *arena, const struct key_ring *ring)
{
    const char *text = "";
    for (size_t i = 0; i < ring->count; i++) {
        text = join(arena, text, ring->keys[i].text);
    }
    return text;
}

/* The same key without what only who signs may know; a shared secret is one for all. */
static const char *public_entry(struct arena *arena, const struct key_entry *key)
{
    if (strcmp(key->algorithm, "ES256") != 0) {
        return key->text;
    }
    const char *mark = strstr(key->text, ":ES256:");
    struct crypto_ec *ec = crypto_ec_private(arena, mark + strlen(":ES256:"));
    const char *text = arena_printf(arena, "%.*s:ES256-public:%s", (int)(mark - key->text), key->text,
                                    crypto_ec_public_der(arena, ec));
    crypto_ec_free(&ec);
    return text;
}

static bool write_token_files(struct arena *arena, int folder, const struct key_ring *ring, const char **why_r)
{
    const char *verify = "", *public = "";
    for (size_t i = 0; i < ring->count; i++) {
        const char *entry = public_entry(arena, &ring->keys[i]);
        verify = join(arena, verify, entry);
        public = strcmp(ring->keys[i].algorithm, "HS256") != 0 ? join(arena, public, entry) : public;
    }
    return key_file_write(arena, folder, VERIFY_FILE, verify, why_r) &&
           key_file_write(arena, folder, PUBLIC_FILE, public, why_r);
}

static const char *accepted_of(struct arena *arena, const char *accepted, const struct key_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        const char *entry = arena_printf(arena, "%s:%.*s", ring->kind->name + strlen(SERVICE_PREFIX), UUID_SIZE - 1,
                                         ring->keys[i].text);
        accepted = join(arena, accepted, entry);
    }
    return accepted;
}

/* Of all callers: this one's as it is to be, the others' as they are. */
static bool write_accepted(struct arena *arena, const char *folder_path, int folder, const struct key_ring *changed,
                           const char **why_r)
{
    const char *accepted = "";
    for (size_t i = 0; i < key_kind_count; i++) {
        struct key_ring ring;
        if (key_kinds[i].form != KEY_SERVICE) {
            continue;
        }
        if (&key_kinds[i] == changed->kind) {
            ring = *changed;
        } else if (!key_ring_read(arena, folder_path, &key_kinds[i], &ring, why_r)) {
            return false;
        }
        accepted = accepted_of(arena, accepted, &ring);
    }
    return key_file_write(arena, folder, ACCEPTED_FILE, accepted, why_r);
}

static bool write_what_follows(struct arena *arena, const char *folder_path, int folder, const struct key_ring *ring,
                               const char **why_r)
{
    switch (ring->kind->form) {
    case KEY_TOKEN:
        return write_token_files(arena, folder, ring, why_r);
    case KEY_SERVICE:
        return write_accepted(arena, folder_path, folder, ring, why_r);
    case KEY_SEAL:
    case KEY_MAC:
        break;
    }
    return true;
}

bool key_ring_write(struct arena *arena, const char *folder_path, int folder, const struct key_ring *ring, bool adding,
                    const char **why_r)
{
    const char *text = ring_text(arena, ring);
    if (!usable(ring->kind->form, text, why_r)) {
        return false;
    }
    if (adding && !write_what_follows(arena, folder_path, folder, ring, why_r)) {
        return false;
    }
    return key_file_write(arena, folder, ring->kind->file, text, why_r) &&
           (adding || write_what_follows(arena, folder_path, folder, ring, why_r));
}
