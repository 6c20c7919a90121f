/*
 * caller: asks a responder without a server, and knows what its handler saw.
 *
 * A test program has a route table of its own, with caller_handle() for handlers that shall only be reached.
 */
#ifndef TESTS_SUPPORT_CALLER_H
#define TESTS_SUPPORT_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/serve/responder.h"

#define CALLER_SERVICE_KEY "7b0f6c1e-3f0a-4a83-9e0d-5d2c7b1a9f10" /* of the service "queue" */
#define CALLER_NOW (INT64_C(1780308000) * CLOCK_SECOND)           /* 2026-06-01T19:00:00+09:00 */

#define CALLER_ENV_MAX 16
#define ENV(...) ((const char *const[CALLER_ENV_MAX]){__VA_ARGS__})

/* What the last caller_handle() saw; all zero when it was not called. Texts that were NULL are "(none)". */
struct caller_seen {
    int calls;
    int64_t amount; /* of the body */
    int64_t page;   /* of the query; -1: the route has none */
    char user[64], key[300], queue_token[64], raw[64], agent[500], language[8];
    size_t raw_len;
};

struct caller {
    struct ctx ctx;
    struct arena *kept; /* replies and tokens: outlives the request */
    struct buf reply;
    struct caller_seen seen;
};
extern struct caller caller;

/* What the body {"name", "amount": 1 to 9} and the query page=0 to 9 of a route to caller_handle() must be. */
extern const struct shape caller_order_shape, caller_paging_shape;
/* Notes what it saw and answers {"client": its address}. */
const struct err *caller_handle(struct request *rq, struct reply *rp);

/* Around each test: time stands at CALLER_NOW in Seoul, Redis is away. The requests go to `responder`. */
int caller_open(const struct responder *responder);
int caller_close(void **state);
void caller_turn_to(const struct responder *responder);

/* The variable that carries a new access token, to be kept as long as the caller. */
const char *caller_bearer(const char *user_id, const char *role);

/* `extra` are further variables "NAME=value", see ENV(). */
void caller_ask_with_body(const char *method, const char *path, const char *const extra[CALLER_ENV_MAX],
                          const char *body, size_t body_len);
void caller_ask(const char *method, const char *path, const char *const extra[CALLER_ENV_MAX]);
void caller_post(const char *path, const char *const extra[CALLER_ENV_MAX], const char *body);

/* Of the last reply. "(none)": it has no such header. */
const char *caller_header(const char *name);
const char *caller_body(void);
const struct json *caller_json(void);
/* The field that its first detail names. */
const char *caller_detail_field(void);
void caller_assert_status(int status);
/* A complete error body, and the handler was not called. */
void caller_assert_error(int status, const char *code);

#endif
