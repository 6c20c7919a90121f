#include "common/io/redis_conn.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "common/base/array.h"
#include "common/base/clock.h"

#define BACKOFF_CAP_MS 1000 /* a request that finds the server away shall not fail for longer than it is away */
#define DEFAULT_PORT 6379

struct cfg_redis cfg_redis;
static const struct cfg_key cfg_redis_keys[] = {
    {"BOX_REDIS_URL", CFG_STR, offsetof(struct cfg_redis, url), "", NULL, 0, 0, CFG_REQUIRED,
     "Redis: unix:///path/redis.sock or redis://host:port, either with /number of the database"},
    {"BOX_REDIS_TIMEOUT_MS", CFG_INT, offsetof(struct cfg_redis, timeout_ms), "ms", "500", 10, 60000, 0,
     "longest wait for a connection, and for the answer to a command"},
};
const struct cfg_section cfg_redis_section = {"Redis", cfg_redis_keys, ARRAY_COUNT(cfg_redis_keys), &cfg_redis};

void redis_disconnect(struct redis *redis)
{
    if (redis->conn != NULL) {
        redisFree(redis->conn);
    }
    redis->conn = NULL;
    redis->loaded_count = 0;
}

/* Cuts a trailing "/<number>" off `address` and returns the number; 0 when there is none. */
static int cut_database(char *address)
{
    char *slash = strrchr(address, '/');
    if (slash == NULL || slash[1] == '\0' || slash[1 + strspn(slash + 1, "0123456789")] != '\0') {
        return 0;
    }
    *slash = '\0';
    return (int)strtol(slash + 1, NULL, 10);
}

/* Opens what `url` names, without SELECT; NULL when the URL has another form. */
static redisContext *dial(char *url, struct timeval timeout)
{
    if (strncmp(url, "unix://", 7) == 0) {
        return redisConnectUnixWithTimeout(url + 7, timeout);
    }
    if (strncmp(url, "redis://", 8) != 0) {
        return NULL;
    }
    char *host = url + 8;
    char *colon = strrchr(host, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
    return redisConnectWithTimeout(host, colon != NULL ? (int)strtol(colon + 1, NULL, 10) : DEFAULT_PORT, timeout);
}

static bool select_database(redisContext *conn, int database)
{
    redisReply *reply = redisCommand(conn, "SELECT %d", database);
    bool ok = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return ok;
}

/* The only way to a connection: redisReconnect() of this hiredis would forget the command time-out. */
static redisContext *redis_open(struct ctx *ctx)
{
    const struct redis *redis = ctx->redis;
    struct timeval timeout = {.tv_sec = redis->timeout_ms / 1000, .tv_usec = redis->timeout_ms % 1000 * 1000};
    char *url = arena_strdup(ctx->arena, redis->url);
    int database = cut_database(url);
    redisContext *conn = dial(url, timeout);
    if (conn == NULL) {
        log_error(&ctx->log, "BOX_REDIS_URL is not of the form unix:///path or redis://host:port");
        return NULL;
    }
    bool ok = conn->err == 0 && redisSetTimeout(conn, timeout) == REDIS_OK &&
              (conn->connection_type != REDIS_CONN_TCP || redisEnableKeepAlive(conn) == REDIS_OK) &&
              select_database(conn, database);
    if (ok) {
        return conn;
    }
    log_warn(&ctx->log, "cannot connect to redis: '%s'", conn->errstr);
    redisFree(conn);
    return NULL;
}

static const struct err *connect_now(struct ctx *ctx)
{
    struct redis *redis = ctx->redis;
    if (clock_monotonic() < redis->retry_at) {
        return &err_unavailable;
    }
    redis->conn = redis_open(ctx);
    if (redis->conn != NULL) {
        retry_reset(&redis->backoff);
        return NULL;
    }
    int64_t wait_ms = retry_next(&redis->backoff);
    redis->retry_at = clock_monotonic() + (wait_ms < BACKOFF_CAP_MS ? wait_ms : BACKOFF_CAP_MS) * 1000;
    return &err_unavailable;
}

/* An idle connection has nothing to say: what can be read is the end of it, or an answer nobody waits for. Found
 * before sending, so that the fate of the next command is never in doubt. */
static bool idle_alive(const struct redis *redis)
{
    struct pollfd one = {.fd = redis->conn->fd, .events = POLLIN};
    return redis->conn->err == 0 && poll(&one, 1, 0) == 0;
}

const struct err *redis_ensure_connected(struct ctx *ctx)
{
    struct redis *redis = ctx->redis;
    if (redis->conn != NULL && idle_alive(redis)) {
        return NULL;
    }
    redis_disconnect(redis);
    return connect_now(ctx);
}

/* ---- answers ---- */

static void copy_list(struct arena *arena, const redisReply *reply, struct redis_value *out)
{
    struct redis_value *items = arena_calloc(arena, reply->elements + 1, sizeof *items);
    for (size_t i = 0; i < reply->elements; i++) {
        redis_copy_reply(arena, reply->element[i], &items[i]);
    }
    out->type = REDIS_LIST;
    out->items = items;
    out->count = reply->elements;
}

static void copy_text(struct arena *arena, const redisReply *reply, enum redis_type type, struct redis_value *out)
{
    out->type = type;
    out->str = arena_memdup(arena, reply->str, reply->len);
    out->len = reply->len;
}

void redis_copy_reply(struct arena *arena, const redisReply *reply, struct redis_value *out)
{
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        out->type = REDIS_INT;
        out->integer = reply->integer;
        break;
    case REDIS_REPLY_ARRAY:
        copy_list(arena, reply, out);
        break;
    case REDIS_REPLY_STRING:
        copy_text(arena, reply, REDIS_STR, out);
        break;
    case REDIS_REPLY_STATUS:
        copy_text(arena, reply, REDIS_STATUS, out);
        break;
    case REDIS_REPLY_ERROR:
        copy_text(arena, reply, REDIS_ERROR, out);
        break;
    default:
        out->type = REDIS_NIL;
    }
}

/* ---- life ---- */

struct redis *redis_new_at(const char *url)
{
    struct redis *redis = calloc(1, sizeof *redis);
    if (redis == NULL || (redis->url = strdup(url)) == NULL) {
        log_panic("out of memory");
    }
    redis->timeout_ms = cfg_redis.timeout_ms;
    redis->backoff = retry_reconnect();
    return redis;
}

struct redis *redis_new(void)
{
    return redis_new_at(cfg_redis.url);
}

void redis_free(struct redis **redis)
{
    if (*redis == NULL) {
        return;
    }
    redis_disconnect(*redis);
    free((*redis)->url);
    free(*redis);
    *redis = NULL;
}
