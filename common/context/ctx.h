/*
 * ctx: what one unit of work (a request, a message, a tick, a command) may use.
 *
 * Made by the skeletons (responder, daemon) and by tests/support; handed to every domain function as its first
 * argument. Domain code has no globals and opens no connections.
 */
#ifndef COMMON_CTX_H
#define COMMON_CTX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/context/trace.h"

struct db;
struct redis;
struct http;

#define CTX_DETAILS_MAX 20 /* of one error, as the contract says; what comes after them is not told */

/* One entry of the error body's `details`. */
struct ctx_detail {
    struct ctx_detail *next;
    const char *field;
    const char *reason;
};

/* A limit that the request has met or come near to, told in RateLimit headers. */
struct ctx_limit {
    const char *policy; /* its name; NULL: none */
    int64_t quota;      /* requests in a window */
    int64_t window_s;
    int64_t left;    /* requests still free */
    int64_t reset_s; /* until more of them are */
};

struct ctx {
    struct arena *arena; /* reset at the end of the unit */
    struct db *db;       /* NULL unless the program needs it */
    struct redis *redis; /* NULL unless the program needs it */
    struct http *http;   /* NULL unless the program needs it */
    struct trace trace;
    struct log_ctx log;
    struct ctx_detail *details; /* why a request was refused, newest first */
    int retry_after_s;          /* > 0: Retry-After of a 409, 423, 429 or 503 */
    struct ctx_limit limit;
    const char *admin_id; /* the administrator for whom the unit works; NULL: none */
};

/* What a program needs; the skeleton opens and keeps it. */
enum ctx_need { NEED_DB = 1u, NEED_REDIS = 2u, NEED_HTTP = 4u };

/* Starts a new unit: resets the arena, details, log fields, retry_after_s and limit, starts a trace, and lets settings
 * follow their files (cfg_refresh). */
void ctx_begin(struct ctx *ctx, const char *traceparent, const char *trace_id);
/* Ends the unit: gives its memory back while the process waits for the next one. */
void ctx_end(struct ctx *ctx);
/* Adds to what the error body's `details` say; both are copied. */
void ctx_detail(struct ctx *ctx, const char *field, const char *fmt, ...) BO_PRINTF(3, 4);
/* Records why `field` was refused (both are copied) and returns &err_invalid_request. */
const struct err *ctx_invalid(struct ctx *ctx, const char *field, const char *fmt, ...) BO_PRINTF(3, 4);

#endif
