#include "src/boxctl/seed_sql.h"

const struct db_stmt seed_stmt[SEED_STMT__MAX] = {
    [SEED_VENUE] = {"seed_venue", "SELECT id FROM event_service.venues WHERE name = $1 ORDER BY id LIMIT 1"},
    [SEED_HALL] = {"seed_hall", "SELECT id FROM event_service.halls WHERE venue_id = $1::uuid AND name = $2"},
    [SEED_EVENT] = {"seed_event", "SELECT id FROM event_service.events"
                                  " WHERE hall_id = $1::uuid AND title = $2 AND deleted_at IS NULL"
                                  " ORDER BY id LIMIT 1"},
    [SEED_SCHEDULE] = {"seed_schedule", "SELECT id FROM event_service.event_schedules"
                                        " WHERE event_id = $1::uuid ORDER BY play_sequence LIMIT 1"},
};

const struct db_table seed_statements = {"event_service", seed_stmt, SEED_STMT__MAX};
