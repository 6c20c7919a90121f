/* event_sql: every SQL statement of the event domain. */
#ifndef EVENT_EVENT_SQL_H
#define EVENT_EVENT_SQL_H

#include "common/io/db.h"

enum event_stmt_id {
    EVENT_VENUE_INSERT,
    EVENT_VENUE_LIST,
    EVENT_VENUE_GET,
    EVENT_HALL_INSERT,
    EVENT_HALL_LIST,
    EVENT_HALL_GET,
    EVENT_HALL_FOR_EVENT,
    EVENT_INSERT,
    EVENT_PRICE_INSERT,
    EVENT_SCHEDULE_INSERT,
    EVENT_SEATS_GENERATE,
    EVENT_OPEN,
    EVENT_SCHEDULE_IDS,
    EVENT_LIST,
    EVENT_DETAIL,
    EVENT_DETAIL_SCHEDULES,
    EVENT_SCHEDULE_GET,
    EVENT_SEATS,
    EVENT_SEATS_SOLD,
    EVENT_SEATS_SELL,
    EVENT_SEATS_FREE,
    EVENT_STMT__MAX
};

extern const struct db_stmt event_stmt[EVENT_STMT__MAX];
/* event_statements is the outbox's (common/io/event.h). */
extern const struct db_table event_domain_statements;

#endif
