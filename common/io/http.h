/*
 * http: calls to other services and providers. With smtp the only module that knows libcurl.
 *
 * One handle per process, connections kept. Adds traceparent and X-Trace-Id. Redirects are not followed; only http and
 * https; TLS verified; answers over `answer_max` are refused. An error tells what is known: &err_unavailable nothing
 * was sent (connection refused, no address), &err_timeout or &err_uncertain the request may have been carried out,
 * &err_bad_gateway the answer was not HTTP or too large. Any HTTP status is a success of this layer.
 */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

#define HTTP_HEADERS_MAX 8

struct http_header {
    const char *name;
    const char *value;
};

struct http_call {
    const char *method;
    const char *url;
    struct http_header headers[HTTP_HEADERS_MAX]; /* ends at the first NULL name */
    const char *body;                             /* NULL: none */
    size_t body_len;
    int connect_ms;    /* 0 = 1000 */
    int timeout_ms;    /* whole call; 0 = 5000 */
    size_t answer_max; /* bytes; 0 = 1 MiB */
};

struct http_answer {
    int status;
    const char *body; /* NUL-terminated, in the arena */
    size_t len;
    const char *content_type; /* "" when there is none */
    int retry_after_s;        /* from the header; 0 when there is none */
    int max_age_s;            /* of Cache-Control, a day at most; 0 when there is none */
    const char *etag;         /* "" when there is none */
    int64_t whole_len;        /* of Content-Range: bytes of what the body is a part of; -1 when it does not say */
};

BO_MUSTCHECK const struct err *http_perform(struct ctx *ctx, const struct http_call *call,
                                            struct http_answer *answer_r);
/* Percent-encodes all but letters, digits and "-._~" (RFC 3986: unreserved); the result is in the arena. */
char *http_escape(struct arena *arena, const char *text);

struct http *http_new(void);
void http_free(struct http **http);

#endif
