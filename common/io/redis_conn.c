#include "common/io/redis_conn.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"

#define BACKOFF_CAP_MS 1000 /* a request that finds the server away shall not fail for longer than it is away */
#define DEFAULT_PORT 6379
#define READ_SIZE (16u << 10) /* bytes: what one TLS record may hold */

struct cfg_redis cfg_redis;
static const struct cfg_key cfg_redis_keys[] = {
    {"BOX_REDIS_URL", CFG_STR, offsetof(struct cfg_redis, url), "", NULL, 0, 0, CFG_REQUIRED,
     "Redis: unix:///path/redis.sock, redis://host:port, or rediss://host:port with TLS, each with /number of the "
     "database"},
    {"BOX_REDIS_USER", CFG_STR, offsetof(struct cfg_redis, user), "", NULL, 0, 200, 0,
     "whose password it is; none: Redis' default user's"},
    {"BOX_REDIS_PASSWORD", CFG_STR, offsetof(struct cfg_redis, password), "", NULL, 16, 1000, CFG_SECRET | CFG_OPTIONAL,
     "shown to Redis; none: Redis asks for none"},
    {"BOX_REDIS_CA", CFG_STR, offsetof(struct cfg_redis, ca), "", NULL, 0, 0, 0,
     "PEM of the authority that has signed Redis' certificate; none: the system's authorities"},
    {"BOX_REDIS_TIMEOUT_MS", CFG_INT, offsetof(struct cfg_redis, timeout_ms), "ms", "500", 10, 60000, 0,
     "longest wait for a connection, and for the answer to a command"},
};
const struct cfg_section cfg_redis_section = {"Redis", cfg_redis_keys, ARRAY_COUNT(cfg_redis_keys), &cfg_redis};

void redis_disconnect(struct redis *redis)
{
    if (redis->conn != NULL) {
        redisFree(redis->conn);
    }
    crypto_tls_free(&redis->tls);
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

/* What a URL names. */
struct address {
    bool tls;
    const char *path; /* of a Unix socket; NULL: host and port */
    const char *host;
    int port;
    int database;
};

/* False when `url`, which is taken apart, has another form. A user or password would be shown with it. */
static bool read_url(char *url, struct address *address_r)
{
    static const struct {
        const char *scheme;
        bool tls, path;
    } schemes[] = {{"unix://", false, true}, {"redis://", false, false}, {"rediss://", true, false}};
    *address_r = (struct address){.port = DEFAULT_PORT, .database = cut_database(url)};
    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i].scheme);
        if (strncmp(url, schemes[i].scheme, len) != 0 || (!schemes[i].path && strchr(url, '@') != NULL)) {
            continue;
        }
        char *rest = url + len, *colon = schemes[i].path ? NULL : strrchr(rest, ':');
        if (colon != NULL) {
            *colon = '\0';
            address_r->port = (int)strtol(colon + 1, NULL, 10);
        }
        address_r->tls = schemes[i].tls;
        address_r->path = schemes[i].path ? rest : NULL;
        address_r->host = rest;
        return true;
    }
    return false;
}

/* ---- what goes over it ---- */

/* hiredis of this system knows no TLS: it still makes the commands and reads the answers. */
static int fail(struct redis *redis, const char *why)
{
    redis->conn->err = REDIS_ERR_IO;
    snprintf(redis->conn->errstr, sizeof redis->conn->errstr, "%s", why);
    return REDIS_ERR;
}

int redis_write(struct redis *redis, int *done_r)
{
    if (redis->tls == NULL) {
        return redisBufferWrite(redis->conn, done_r);
    }
    bool sent = crypto_tls_write(redis->tls, redis->conn->obuf, sdslen(redis->conn->obuf));
    sdsclear(redis->conn->obuf); /* when it failed too: nobody knows how much has gone */
    *done_r = 1;
    return sent ? REDIS_OK : fail(redis, "TLS connection lost");
}

static int read_more(struct redis *redis)
{
    char bytes[READ_SIZE];
    if (redis->tls == NULL) {
        return redisBufferRead(redis->conn);
    }
    size_t len = crypto_tls_read(redis->tls, bytes, sizeof bytes);
    return len > 0 ? redisReaderFeed(redis->conn->reader, bytes, len) : fail(redis, "TLS connection lost");
}

int redis_read(struct redis *redis, redisReply **reply_r)
{
    *reply_r = NULL;
    int status;
    do {
        status = redisGetReplyFromReader(redis->conn, (void **)reply_r);
    } while (status == REDIS_OK && *reply_r == NULL && (status = read_more(redis)) == REDIS_OK);
    return status;
}

/* One command before all others, answered with a status. Of another answer only the first word is told (WRONGPASS,
 * NOAUTH): the rest may quote the command. */
static bool say(struct redis *redis, int count, const char **words)
{
    redisReply *reply = NULL;
    int done = 0;
    bool answered = redisAppendCommandArgv(redis->conn, count, words, NULL) == REDIS_OK;
    while (answered && !done) {
        answered = redis_write(redis, &done) == REDIS_OK;
    }
    answered = answered && redis_read(redis, &reply) == REDIS_OK;
    bool well = answered && reply->type == REDIS_REPLY_STATUS;
    if (answered && reply->type == REDIS_REPLY_ERROR) {
        reply->str[strcspn(reply->str, " ")] = '\0';
        fail(redis, reply->str);
    }
    freeReplyObject(reply);
    return well;
}

/* ---- opening ---- */

static bool authenticate(struct redis *redis)
{
    const char *words[] = {"AUTH", cfg_redis.user != NULL ? cfg_redis.user : "default", cfg_redis.password};
    return cfg_redis.password == NULL || say(redis, ARRAY_COUNT(words), words);
}

static bool select_database(struct redis *redis, int database)
{
    char number[DECIMAL_SIZE];
    decimal_write(number, database);
    const char *words[] = {"SELECT", number};
    return say(redis, ARRAY_COUNT(words), words);
}

static bool shake_hands(struct redis *redis, const struct address *address)
{
    const char *why = "";
    if (!address->tls) {
        return true;
    }
    redis->tls = crypto_tls_connect(redis->conn->fd, address->host, cfg_redis.ca, &why);
    return redis->tls != NULL || fail(redis, why) == REDIS_OK;
}

/* The only way to a connection: redisReconnect() of this hiredis would forget the command time-out. */
static bool redis_open(struct ctx *ctx)
{
    struct redis *redis = ctx->redis;
    struct timeval timeout = {.tv_sec = redis->timeout_ms / 1000, .tv_usec = redis->timeout_ms % 1000 * 1000};
    struct address address;
    if (!read_url(arena_strdup(ctx->arena, redis->url), &address)) {
        log_error(&ctx->log, "BOX_REDIS_URL is not of the form unix:///path, redis://host:port or rediss://host:port");
        return false;
    }
    redisContext *conn = redis->conn = address.path != NULL
                                           ? redisConnectUnixWithTimeout(address.path, timeout)
                                           : redisConnectWithTimeout(address.host, address.port, timeout);
    if (conn == NULL) {
        log_panic("out of memory");
    }
    bool ok = conn->err == 0 && redisSetTimeout(conn, timeout) == REDIS_OK &&
              (conn->connection_type != REDIS_CONN_TCP || redisEnableKeepAlive(conn) == REDIS_OK) &&
              shake_hands(redis, &address) && authenticate(redis) && select_database(redis, address.database);
    if (!ok) {
        log_warn(&ctx->log, "cannot connect to redis: '%s'", conn->errstr);
        redis_disconnect(redis);
    }
    return ok;
}

static const struct err *connect_now(struct ctx *ctx)
{
    struct redis *redis = ctx->redis;
    if (clock_monotonic() < redis->retry_at) {
        return &err_unavailable;
    }
    if (redis_open(ctx)) {
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
