/* handlers: what the event responder's routes run. */
#ifndef CGI_EVENT_HANDLERS_H
#define CGI_EVENT_HANDLERS_H

#include "common/serve/route.h"

/* venues.c */
request_handler venues_list, venues_get, venues_create, halls_list, halls_create;

/* events.c */
request_handler events_list, events_get, events_create, events_publish;

/* changes.c */
request_handler venues_change, venues_delete, halls_change, halls_delete, events_change, events_delete, events_cancel,
    schedules_cancel, audit_get;

/* The thing as it is now, as administrators see it. */
const struct err *venues_reply(struct request *rq, struct reply *rp, int status, const char *id);
const struct err *halls_reply(struct request *rq, struct reply *rp, int status, const char *id);
const struct err *events_reply(struct request *rq, struct reply *rp, int status, const char *id);

/* seats.c */
request_handler seats_get;

/* posters.c */
request_handler posters_begin, posters_complete;

/* internal.c */
request_handler internal_schedule, internal_seats, internal_seats_status;

#endif
