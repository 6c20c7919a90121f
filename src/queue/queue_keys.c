#include "src/queue/queue_keys.h"

struct queue_keys queue_keys_of(struct arena *arena, const char *schedule_id)
{
    return (struct queue_keys){
        .state = arena_printf(arena, "queue:{%s}:state", schedule_id),
        .waiting = arena_printf(arena, "queue:{%s}:waiting", schedule_id),
        .active = arena_printf(arena, "queue:{%s}:active", schedule_id),
        .tokens = arena_printf(arena, "queue:{%s}:tokens", schedule_id),
    };
}

const char *queue_marker_key(struct arena *arena, const char *user_id)
{
    return arena_printf(arena, "queue:user:%s", user_id);
}
