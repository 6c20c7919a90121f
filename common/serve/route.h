/*
 * route: the table that a responder is.
 *
 * The dispatcher enforces what a row says, in this order: path (404), method (405 with Allow), identity (401), role
 * (403), queue token form (401), idempotency key form (400), ids in the path (404), content type (415), body size
 * (413), body shape (400), query shape (400). A handler never checks these again. OPTIONS is answered from the table,
 * with the same Allow.
 */
#ifndef COMMON_ROUTE_H
#define COMMON_ROUTE_H

#include <stddef.h>

#include "common/base/err.h"
#include "common/json/json.h"
#include "common/serve/reply.h"
#include "common/serve/request.h"

enum route_flag {
    RT_USER = 1u,       /* a valid access token, not blacklisted */
    RT_ADMIN = 2u,      /* the same with role ADMIN, of a user who still has it */
    RT_ADMITTED = 4u,   /* X-Queue-Token present and well-formed; the domain checks owner and schedule */
    RT_IDEMPOTENT = 8u, /* Idempotency-Key is read and, when sent, checked for form */
    RT_RAW = 32u,       /* any content type; the handler reads rq->raw */
    RT_ANY_QUERY = 16u, /* any query string; the handler reads rq->query */
    RT_TOKEN = 128u,    /* X-Queue-Token, where sent, is well-formed; the domain checks whose it is */
    RT_ONCE = 256u,     /* a GET that uses something up: HEAD, which would throw the answer away, is none of it */
    RT_LATE = 64u,      /* with RT_USER: the handler asks for the blacklist itself, in its own round trip to Redis */
};

struct route {
    const char *method;
    const char *path; /* "/events/{id}": {name} must be a UUID (else 404), <name> is any one non-empty segment */
    request_handler *handler;
    unsigned flags;            /* enum route_flag */
    const struct shape *body;  /* NULL: a body is not read */
    const struct shape *query; /* NULL: it knows no parameter, and any is refused */
    size_t body_max;           /* bytes; 0 = 64 KiB */
    /* The services that may call it with their keys, "queue|reservation": X-Service-Api-Key of a known one (INT-001),
     * else 401; of another one 403. NULL: no service is asked for. */
    const char *callers;
};

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD, ROUTE_NO_ID };

/* Finds the row for method and path, the first that fits (of a path that is listed as it is, no row with parameters:
 * OpenAPI, Paths Object), and fills rq->params; UUIDs are lower-cased. A path with
 * control characters or malformed UTF-8 fits none. With ROUTE_NO_METHOD, `allow` (size bytes) is the Allow
 * header's value. With ROUTE_NO_ID, *route_r is a row that only fits but for what stands in the place of a UUID. HEAD
 * matches GET; the skeleton drops the body. */
enum route_match route_find(const struct route *routes, size_t count, const char *method, const char *path,
                            struct request *rq, const struct route **route_r, char *allow, size_t size);

#endif
