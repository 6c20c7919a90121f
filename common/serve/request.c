#include "common/serve/request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/arena.h"
#include "common/base/log.h"

#define USER_AGENT_MAX 400
#define HEADER_NAME_MAX 64

const char *request_env(const char *const *env, const char *name)
{
    for (; *env; env++) {
        const char *variable = *env, *wanted = name;
        while (*wanted && *variable == *wanted) {
            variable++;
            wanted++;
        }
        if (!*wanted && *variable == '=') {
            return variable[1] ? variable + 1 : NULL;
        }
    }
    return NULL;
}

const char *request_param(const struct request *rq, const char *name)
{
    for (int i = 0; i < rq->param_count; i++) {
        if (strcmp(rq->params[i].name, name) == 0) {
            return rq->params[i].value;
        }
    }
    log_panic("the route has no parameter '%s'", name);
}

const char *request_header(const struct request *rq, const char *name)
{
    char variable[HEADER_NAME_MAX] = "HTTP_";
    size_t len = strlen(variable);
    for (const char *c = name; *c; c++) {
        if (len + 1 == sizeof variable) {
            log_panic("header name '%s' is too long", name);
        }
        variable[len++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    }
    return request_env(rq->env, variable);
}

/* What may be stored and shown: whatever else a client sends becomes a question mark. */
static const char *printable(struct arena *arena, const char *text, size_t max)
{
    char *copy = arena_memdup(arena, text, strnlen(text, max));
    for (char *c = copy; *c; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            *c = '?';
        }
    }
    return copy;
}

/* The weight of one element of Accept-Language ("en-US;q=0.8"): its q, 1 when it has none. */
static double weight(const char *element, size_t len)
{
    const char *semicolon = memchr(element, ';', len);
    const char *q = semicolon ? semicolon + 1 + strspn(semicolon + 1, " \t") : NULL;
    return q && strncasecmp(q, "q=", 2) == 0 ? strtod(q + 2, NULL) : 1.0;
}

/* Of Korean and English the one with the greater weight; Korean unless English is really preferred. */
static const char *choose_language(const char *accepted)
{
    double korean = 0, english = 0;
    while (*accepted) {
        accepted += strspn(accepted, ", \t");
        size_t len = strcspn(accepted, ",");
        size_t tag_len = strcspn(accepted, "-;, \t");
        bool two = tag_len == 2;
        double *known = two && strncasecmp(accepted, "ko", 2) == 0   ? &korean
                        : two && strncasecmp(accepted, "en", 2) == 0 ? &english
                                                                     : NULL;
        if (known && weight(accepted, len) > *known) {
            *known = weight(accepted, len);
        }
        accepted += len;
    }
    return english > korean ? "en" : "ko";
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

void request_init(struct request *rq, struct ctx *ctx, const char *const *env)
{
    *rq = (struct request){.ctx = ctx, .env = env, .raw = ""};
    rq->method = text_or_empty(request_env(env, "REQUEST_METHOD"));
    rq->path = text_or_empty(request_env(env, "DOCUMENT_URI"));
    rq->query = text_or_empty(request_env(env, "QUERY_STRING"));
    rq->client_ip = printable(ctx->arena, text_or_empty(request_env(env, "REMOTE_ADDR")), 64);
    rq->user_agent = printable(ctx->arena, text_or_empty(request_header(rq, "User-Agent")), USER_AGENT_MAX);
    rq->language = choose_language(text_or_empty(request_header(rq, "Accept-Language")));
}

const char *request_words(const struct request *rq, const char *ko, const char *en)
{
    return strcmp(rq->language, "en") == 0 ? en : ko;
}

struct idempotency request_idempotency(const struct request *rq, const char *route, const struct shape *shape)
{
    struct idempotency idem = {.key = rq->idempotency_key, .user_id = rq->identity.user_id, .route = route};
    if (idem.key) {
        struct buf body;
        struct json_out out;
        buf_init(&body, rq->ctx->arena, 2 * rq->raw_len + 1024);
        json_out_init(&out, &body);
        json_add_shape(&out, NULL, shape, rq->body);
        idem.body = body.data;
        idem.body_len = body.len;
    }
    return idem;
}

void request_ask(struct request *rq, struct redis_pipe *pipe, request_handler *next, void *state)
{
    request_wait(rq, next, state);
    rq->ask = pipe;
}

void request_on_lost(struct request *rq, request_lost *lost)
{
    rq->lost = lost;
}

void request_wait(struct request *rq, request_handler *next, void *state)
{
    rq->next = next;
    rq->state = state;
    rq->lost = NULL;
}
