#include "src/reservation/seat_keys.h"

struct seat_keys seat_keys_of(struct arena *arena, const char *schedule_id)
{
    return (struct seat_keys){
        arena_printf(arena, "rsv:{%s}:seats", schedule_id), arena_printf(arena, "rsv:{%s}:claims", schedule_id),
        arena_printf(arena, "rsv:{%s}:gone", schedule_id), arena_printf(arena, "rsv:{%s}:loading", schedule_id)};
}

const char *seat_tries_key(struct arena *arena, const char *schedule_id, const char *user_id)
{
    return arena_printf(arena, "rsv:{%s}:tries:%s", schedule_id, user_id);
}

const char *seat_passed_key(struct arena *arena, const char *schedule_id, const char *user_id)
{
    return arena_printf(arena, "rsv:{%s}:passed:%s", schedule_id, user_id);
}
