/* request: one HTTP request as a handler sees it. Everything is borrowed from the request's arena. */
#ifndef COMMON_REQUEST_H
#define COMMON_REQUEST_H

#include <stddef.h>

#include "common/context/ctx.h"
#include "common/io/idempotency.h"
#include "common/io/redis.h"
#include "common/json/json.h"

#define REQUEST_PARAMS_MAX 4

/* Who asks: from a verified access token (RT_USER, RT_ADMIN); otherwise all NULL. */
struct identity {
    const char *user_id;
    const char *role; /* "USER" or "ADMIN" */
    const char *jti;
    long long expires_at; /* Unix seconds */
};

struct request;
struct reply;
/* Answers a request: fills the reply and returns NULL, or returns an error. Or, for what is asked by a crowd, it is the
 * first of several halves: it checks, says by request_ask() what it asks of Redis, and returns NULL without a reply. */
typedef const struct err *request_handler(struct request *rq, struct reply *rp);
/* What it means that the exchange failed with `e`; NULL: no more than that there are no answers. */
typedef const struct err *request_lost(struct request *rq, const struct err *e);

struct request {
    struct ctx *ctx;
    request_handler *next;             /* the half that follows; NULL: the handler has answered */
    struct redis_pipe *ask;            /* what it asks of Redis; NULL: nothing */
    request_lost *lost;                /* NULL: nothing is to be done */
    const struct redis_value *answers; /* what came back, as from redis_pipe_run(); NULL: nothing */
    void *state;                       /* from one half to the next */
    const char *method;
    const char *path;  /* without the query string */
    const char *query; /* raw; "" when there is none */
    const char *client_ip;
    const char *user_agent; /* "" when there is none; at most 400 printable ASCII characters */
    const char *language;   /* "ko" or "en" */
    const char *const *env; /* "NAME=value" as FastCGI gives them, NULL-terminated; read by request_header() */
    struct identity identity;
    const char *queue_token;     /* RT_ADMITTED, RT_TOKEN (may be NULL): "qr_<uuid>", form checked */
    const char *idempotency_key; /* RT_IDEMPOTENT: unquoted, 16-256 characters, or NULL when not sent */
    const char *raw;             /* the body's bytes, NUL-terminated; "" when there is none */
    size_t raw_len;
    const void *body; /* struct described by the route's body shape */
    const void *args; /* struct described by the route's query shape */
    struct {
        const char *name;
        const char *value;
    } params[REQUEST_PARAMS_MAX];
    int param_count;
};

/* What all requests that are ready in this process at the same time ask of Redis goes there in one exchange; then
 * `next` is called with rq->answers (and may ask again), unless the exchange failed: that error is the answer then, or
 * what request_on_lost() makes of it (of nothing: `next` is called without answers). `state` is kept in rq->state. */
void request_ask(struct request *rq, struct redis_pipe *pipe, request_handler *next, void *state);
void request_on_lost(struct request *rq, request_lost *lost);
/* A statement is on its way (db_send()): the other requests have their turn, then `next` is called and receives it. */
void request_wait(struct request *rq, request_handler *next, void *state);
/* A path parameter named in the route ("/events/{id}"). Panics when the route has no such name. */
const char *request_param(const struct request *rq, const char *name);
/* Fills what `env` says by itself: method, path, query, client, language. The rest is left empty. */
void request_init(struct request *rq, struct ctx *ctx, const char *const *env);
/* A variable of `env` ("REQUEST_METHOD"), or NULL. Empty counts as absent. */
const char *request_env(const char *const *env, const char *name);
/* A request header by name ("webhook-id"), or NULL. Empty counts as absent. */
const char *request_header(const struct request *rq, const char *name);

/* Of the same words in two languages, those that the client prefers. */
const char *request_words(const struct request *rq, const char *ko, const char *en);

/* What makes this request safe to repeat: its key, and its body as the shape reads it, so that spacing and the order of
 * members do not make another request of it. `route` as "POST /payments". */
struct idempotency request_idempotency(const struct request *rq, const char *route, const struct shape *shape);

#endif
