#include "src/queue/queue_keys.h"

#include <string.h>

#include "src/contract/queue_token.h"

struct queue_keys queue_keys_of(struct arena *arena, const char *schedule_id)
{
    static const char *const names[] = {"state",     "cells",  "gone",     "early", "joined", "called",
                                        "returning", "active", "finished", "audit", "people:"};
    enum { COUNT = sizeof names / sizeof names[0] };
    const char *keys[COUNT];
    for (int i = 0; i < COUNT; i++) {
        keys[i] = arena_printf(arena, "queue:{%s}:%s", schedule_id, names[i]);
    }
    return (struct queue_keys){
        .state = keys[0],
        .cells = keys[1],
        .gone = keys[2],
        .early = keys[3],
        .joined = keys[4],
        .called = keys[5],
        .returning = keys[6],
        .active = keys[7],
        .finished = keys[8],
        .audit = keys[9],
        .people = keys[10],
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
