/* Whole requests: lines "NAME=value" to an empty line, then the body. Whatever comes, the reply is complete and no 5xx.
 */
#include <stdlib.h>
#include <string.h>

#include "common/auth/service_key.h"
#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/io/redis.h"
#include "common/serve/responder.h"

#define ARENA_MAX ((size_t)256 << 20)
#define ENV_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct order {
    const char *name;
    int64_t amount;
    struct json_list ids;
};
SHAPE(order_shape, struct order, {"name", FIELD_STR, offsetof(struct order, name), FIELD_REQUIRED, 1, 20, NULL, NULL},
      {"amount", FIELD_INT, offsetof(struct order, amount), 0, 1, 9, NULL, NULL},
      {"ids", FIELD_UUIDS, offsetof(struct order, ids), 0, 1, 4, NULL, NULL});

struct paging {
    int64_t page;
};
SHAPE(paging_shape, struct paging, {"page", FIELD_INT, offsetof(struct paging, page), 0, 0, 9, NULL, NULL});

static const struct err *handle(struct request *rq, struct reply *rp)
{
    const struct order *order = rq->body;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "agent", rq->user_agent);
    json_add_str(out, "key", rq->idempotency_key);
    json_add_str(out, "name", order ? order->name : NULL);
    json_close_object(out);
    reply_header(rp, "X-Agent", rq->user_agent);
    reply_etag(rp, request_header(rq, "If-None-Match"));
    return NULL;
}

static const struct route routes[] = {
    {"GET", "/open", handle, 0, NULL, &paging_shape, 0, NULL},
    {"POST", "/orders", handle, RT_IDEMPOTENT, &order_shape, NULL, 0, NULL},
    {"GET", "/mine/{id}", handle, RT_USER | RT_ADMITTED, NULL, NULL, 0, NULL},
    {"GET", "/internal/<thing>", handle, 0, NULL, NULL, 0, "queue|payment"},
    {"POST", "/raw", handle, RT_RAW, NULL, NULL, 0, NULL},
};
static const struct responder responder = {
    .name = "fuzz", .routes = routes, .route_count = ARRAY_COUNT(routes), .admission_error = &err_forbidden};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void start(struct ctx *ctx)
{
    const char *why;
    cfg_token = (struct cfg_token){.keys = "k1:0123456789abcdef0123456789abcdef",
                                   .issuer = "boxoffice",
                                   .audience = "boxoffice",
                                   .access_s = 3600,
                                   .refresh_s = 7200};
    cfg_service.accepted = "queue:7b0f6c1e-3f0a-4a83-9e0d-5d2c7b1a9f10";
    ctx->arena = arena_new(ARENA_MAX);
    ctx->redis = redis_new_at("unix:///nowhere/redis.sock");
    log_init("fuzz", LOG_LEVEL_ERROR);
    require(token_init(&why));
}

/* Splits the head into lines; what is left is the body. */
static char *split(char *text, const char *env[ENV_MAX + 1])
{
    for (size_t count = 0; count < ENV_MAX; count++) {
        char *newline = strchr(text, '\n');
        if (!newline || newline == text) {
            return newline ? text + 1 : text;
        }
        *newline = '\0';
        env[count] = text;
        text = newline + 1;
    }
    return text;
}

static void check(const struct buf *reply)
{
    require(!reply->overflow);
    require(strncmp(reply->data, "Status: ", 8) == 0);
    int status = atoi(reply->data + 8);
    require(status >= 200 && status < 500);
    const char *end = strstr(reply->data, "\r\n\r\n");
    require(end && strstr(reply->data, "\r\nX-Trace-Id: ") < end);
    for (const char *c = reply->data; c < end; c++) {
        require((unsigned char)*c >= 0x20 || *c == '\r' || *c == '\n');
    }
    const struct json *root;
    size_t len = strlen(end + 4);
    require(len == 0 || !json_parse(reply->arena, end + 4, len, &root, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ctx ctx;
    if (!ctx.arena) {
        start(&ctx);
    }
    struct arena *arena = arena_new(ARENA_MAX);
    const char *env[ENV_MAX + 1] = {NULL};
    char *text = arena_memdup(arena, data, size);
    const char *body = split(text, env);
    struct buf reply;
    buf_init(&reply, arena, REPLY_HEAD_MAX + REPLY_BODY_MAX);
    responder_serve(&responder, &ctx, env, body, size - (size_t)(body - text), &reply);
    check(&reply);
    arena_free(&arena);
    return 0;
}
