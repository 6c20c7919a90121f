#include "src/queue/queue_keys.h"

#include "src/contract/queue_token.h"

static const char *key_of(struct arena *arena, const char *schedule_id, const char *name)
{
    return ARENA_JOIN(arena, "queue:{", schedule_id, "}:", name);
}

/* Two hexadecimal digits. */
static const char *shard_text(unsigned shard, char text[3])
{
    static const char digits[] = "0123456789abcdef";
    text[0] = digits[shard >> 4 & 15];
    text[1] = digits[shard & 15];
    text[2] = '\0';
    return text;
}

struct queue_keys queue_keys_of(struct arena *arena, const char *schedule_id)
{
    return (struct queue_keys){
        .state = key_of(arena, schedule_id, "state"),
        .view = key_of(arena, schedule_id, "view"),
        .seen = key_of(arena, schedule_id, "seen"),
        .used = key_of(arena, schedule_id, "used"),
        .gone = key_of(arena, schedule_id, "gone"),
        .early = key_of(arena, schedule_id, "early"),
        .joined = key_of(arena, schedule_id, "joined"),
        .called = key_of(arena, schedule_id, "called"),
        .returning = key_of(arena, schedule_id, "returning"),
        .active = key_of(arena, schedule_id, "active"),
        .finished = key_of(arena, schedule_id, "finished"),
        .audit = key_of(arena, schedule_id, "audit"),
        .people = key_of(arena, schedule_id, "people:"),
        .tokens = queue_token_key(arena, schedule_id, ""),
    };
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
