/* handlers: what the event responder's routes run. */
#ifndef CGI_EVENT_HANDLERS_H
#define CGI_EVENT_HANDLERS_H

#include "common/serve/route.h"
#include "src/event/catalogue_cache.h"

/* Replies with 200 and JSON, made from the store. *etag_r, NULL before: the ETag where it is not that of the bytes. */
typedef const struct err *kept_handler(struct request *rq, struct reply *rp, const char **etag_r);

/* Says that all may be given this answer. `kept`: the gateway may give it for CATALOGUE_PASSING_MS; `lasting`: clients
 * may keep it for ever, else they must ask about it. */
void reply_shared(struct reply *rp, bool kept, bool lasting);
/* Answers with what is kept in `place`, or with what `handler` replies, which is kept for all; the client's
 * If-None-Match is asked about its ETag. A large answer is compressed, for all. `version`: the client asks for this one
 * and may keep it for ever, if it is; NULL: for any. */
BO_MUSTCHECK const struct err *reply_kept(struct request *rq, struct reply *rp, const struct catalogue_place *place,
                                          kept_handler *handler, const char *version);

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
extern const struct shape layout_asked_shape;
request_handler seats_get, seats_layout, seats_live;

/* posters.c */
request_handler posters_begin, posters_complete;

/* internal.c */
request_handler internal_schedule, internal_seats, internal_seats_status;

#endif
