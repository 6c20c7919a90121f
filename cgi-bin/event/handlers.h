/* handlers: what the event responder's routes run. */
#ifndef CGI_EVENT_HANDLERS_H
#define CGI_EVENT_HANDLERS_H

#include "common/serve/route.h"
#include "src/event/catalogue_cache.h"

/* Answers with what is kept in `place`, or with what `handler` replies (200, JSON), which is kept for all; with an ETag
 * that the client's If-None-Match is asked about. */
BO_MUSTCHECK const struct err *reply_kept(struct request *rq, struct reply *rp, const struct catalogue_place *place,
                                          request_handler *handler);

/* venues.c */
request_handler venues_list, venues_get, venues_create, halls_list, halls_create;

/* events.c */
request_handler events_list, events_get, events_create, events_publish;

/* seats.c */
request_handler seats_get;

/* internal.c */
request_handler internal_schedule, internal_seats, internal_seats_status;

#endif
