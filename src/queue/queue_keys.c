#include "src/queue/queue_keys.h"

#include <string.h>

#include "src/contract/queue_token.h"

/* "queue:{<schedule>}:<name>", without printf: every request makes a dozen of these. */
static const char *key_of(struct arena *arena, const char *schedule_id, const char *name)
{
    static const char head[] = "queue:{", middle[] = "}:";
    size_t id_len = strlen(schedule_id), name_len = strlen(name);
    char *key = arena_alloc(arena, sizeof head + id_len + sizeof middle + name_len);
    char *to = key;
    memcpy(to, head, sizeof head - 1);
    to += sizeof head - 1;
    memcpy(to, schedule_id, id_len);
    to += id_len;
    memcpy(to, middle, sizeof middle - 1);
    to += sizeof middle - 1;
    memcpy(to, name, name_len + 1);
    return key;
}

struct queue_keys queue_keys_of(struct arena *arena, const char *schedule_id)
{
    return (struct queue_keys){
        .state = key_of(arena, schedule_id, "state"),
        .view = key_of(arena, schedule_id, "view"),
        .cells = key_of(arena, schedule_id, "cells"),
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
    return arena_printf(arena, "%s%02x", keys->people, shard);
}

const char *queue_tries_key(struct arena *arena, const char *schedule_id, const char *user_id)
{
    return arena_printf(arena, "queue:{%s}:tries:%s", schedule_id, user_id);
}

const char *queue_marker_key(struct arena *arena, unsigned shard)
{
    return arena_printf(arena, "queue:users:%02x", shard);
}

unsigned queue_shard_of(const struct queue_user *user)
{
    return user->ref[UUID_BYTES - 1];
}
