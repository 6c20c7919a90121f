#include "src/reservation/seat_keys.h"

struct seat_keys seat_keys_of(struct arena *arena, const char *schedule_id)
{
    return (struct seat_keys){arena_printf(arena, "rsv:{%s}:seats", schedule_id),
                              arena_printf(arena, "rsv:{%s}:claims", schedule_id),
                              arena_printf(arena, "rsv:{%s}:loading", schedule_id)};
}
