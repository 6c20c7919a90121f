/* access: who may pass a route, from the request's headers. Private to dispatch.c. */
#ifndef COMMON_ACCESS_H
#define COMMON_ACCESS_H

#include "common/serve/responder.h"

/* Checks the route's flags in the order of route.h, but for the blacklist of who is no administrator, and fills
 * rq->identity, queue_token and idempotency_key. */
BO_MUSTCHECK const struct err *access_check(const struct responder *responder, const struct route *route,
                                            struct request *rq);

/* After it, whatever it has said: there is a token of which nobody has asked yet whether it was revoked. */
bool access_looks_later(const struct route *route, const struct request *rq);

#endif
