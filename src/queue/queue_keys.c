#include "src/queue/queue_keys.h"

#include <stddef.h>
#include <string.h>

#include "common/base/array.h"
#include "src/contract/queue_token.h"

#define NAME_SIZE 16
#define KEY(member, text)                         \
    {                                             \
        offsetof(struct queue_keys, member), text \
    }

static const struct {
    size_t offset;
    char name[NAME_SIZE];
} key_names[] = {
    KEY(state, "state"),         KEY(view, "view"),     KEY(seen, "seen"),         KEY(used, "used"),
    KEY(gone, "gone"),           KEY(early, "early"),   KEY(joined, "joined"),     KEY(called, "called"),
    KEY(returning, "returning"), KEY(active, "active"), KEY(finished, "finished"), KEY(audit, "audit"),
    KEY(people, "people:"),
};

/* Two hexadecimal digits. */
static const char *shard_text(unsigned shard, char text[3])
{
    static const char digits[] = "0123456789abcdef";
    text[0] = digits[shard >> 4 & 15];
    text[1] = digits[shard & 15];
    text[2] = '\0';
    return text;
}

/* Every request needs some of them: side by side they cost a tenth of one join each. */
struct queue_keys queue_keys_of(struct arena *arena, const char *schedule_id)
{
    struct queue_keys keys = {.tokens = queue_token_key(arena, schedule_id, "")};
    const char *start = ARENA_JOIN(arena, "queue:{", schedule_id, "}:");
    size_t len = strlen(start);
    char *key = arena_calloc(arena, ARRAY_COUNT(key_names), len + NAME_SIZE);
    for (size_t i = 0; i < ARRAY_COUNT(key_names); i++, key += len + NAME_SIZE) {
        memcpy(key, start, len);
        memcpy(key + len, key_names[i].name, NAME_SIZE);
        *(const char **)((char *)&keys + key_names[i].offset) = key;
    }
    return keys;
}

struct queue_user queue_user_of(const char *user_id)
{
    struct queue_user user = {.id = user_id};
    uuid_bytes(user_id, user.ref);
    return user;
}

const char *queue_people_key(struct arena *arena, const struct queue_keys *keys, unsigned shard)
{
    char text[3];
    return ARENA_JOIN(arena, keys->people, shard_text(shard, text));
}

const char *queue_tries_key(struct arena *arena, const char *user_id)
{
    return ARENA_JOIN(arena, "queue:tries:", user_id);
}

const char *queue_leaves_key(struct arena *arena, const char *schedule_id, const char *user_id)
{
    return ARENA_JOIN(arena, "queue:{", schedule_id, "}:leaves:", user_id);
}

const char *queue_marker_key(struct arena *arena, unsigned shard)
{
    char text[3];
    return ARENA_JOIN(arena, "queue:users:", shard_text(shard, text));
}

unsigned queue_shard_of(const struct queue_user *user)
{
    return user->ref[UUID_BYTES - 1];
}
