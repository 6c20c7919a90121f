#include "common/io/redis.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/context/retry.h"

#define WIRE_MAX (32u << 20) /* bytes of one pipeline */
#define FRAME_MAX 16u        /* bytes around an argument of up to WIRE_MAX bytes: "$33554432\r\n" and "\r\n" */
#define FIRST_ROOM 16        /* commands, and arguments, of a new pipeline */
#define SCRIPTS_MAX 64       /* scripts of one program */
#define BACKOFF_CAP_MS 1000  /* a request that finds the server away shall not fail for longer than it is away */
#define RELOADS_MAX 5        /* somebody may flush the scripts again between loading and running them */
#define DEFAULT_PORT 6379
#define ERROR_LOG_MAX 200 /* characters of an error answer */

struct cfg_redis cfg_redis;
static const struct cfg_key cfg_redis_keys[] = {
    {"BOX_REDIS_URL", CFG_STR, offsetof(struct cfg_redis, url), "", NULL, 0, 0, CFG_REQUIRED,
     "Redis: unix:///path/redis.sock or redis://host:port, either with /number of the database"},
    {"BOX_REDIS_TIMEOUT_MS", CFG_INT, offsetof(struct cfg_redis, timeout_ms), "ms", "500", 10, 60000, 0,
     "longest wait for a connection, and for the answer to a command"},
};
const struct cfg_section cfg_redis_section = {"Redis", cfg_redis_keys, ARRAY_COUNT(cfg_redis_keys), &cfg_redis};

struct redis {
    char *url;
    int64_t timeout_ms;
    redisContext *conn;                             /* NULL: not connected */
    const struct redis_script *loaded[SCRIPTS_MAX]; /* by this connection */
    size_t loaded_count;
    struct retry backoff;
    int64_t retry_at; /* clock_monotonic() before which no connection is tried */
};

/* Arguments are kept as copies, so a pipeline can be repeated and borrows nothing. */
struct redis_pipe {
    struct ctx *ctx;
    size_t *arg_counts; /* of each command, as announced */
    size_t count;       /* commands */
    size_t count_room;
    const char **args; /* of all commands, one after the other */
    size_t *arg_lens;
    size_t arg_count;
    size_t arg_room;
    size_t announced; /* arguments: the sum of arg_counts */
    size_t wire_len;  /* bytes to be sent, at most */
    bool too_long;    /* what came after is not kept */
    bool miscounted;  /* a command without any argument, or begun while the one before lacked some or had too many */
    const struct redis_script *scripts[SCRIPTS_MAX];
    size_t script_count;
};

/* ---- the connection ---- */

static void disconnect(struct redis *redis)
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

static const struct err *ensure_connected(struct ctx *ctx)
{
    struct redis *redis = ctx->redis;
    if (redis->conn != NULL && idle_alive(redis)) {
        return NULL;
    }
    disconnect(redis);
    return connect_now(ctx);
}

/* ---- answers ---- */

static void copy_reply(struct arena *arena, const redisReply *reply, struct redis_value *out);

static void copy_list(struct arena *arena, const redisReply *reply, struct redis_value *out)
{
    struct redis_value *items = arena_calloc(arena, reply->elements + 1, sizeof *items);
    for (size_t i = 0; i < reply->elements; i++) {
        copy_reply(arena, reply->element[i], &items[i]);
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

static void copy_reply(struct arena *arena, const redisReply *reply, struct redis_value *out)
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

static bool error_is(const struct redis_value *value, const char *prefix)
{
    return value->type == REDIS_ERROR && strncmp(value->str, prefix, strlen(prefix)) == 0;
}

/* Error answers that mean "not now": the command was not carried out and may be repeated. */
static bool server_away(const struct redis_value *value)
{
    static const char *const prefixes[] = {"LOADING ",    "BUSY ",       "MISCONF ",  "READONLY ",   "OOM ",
                                           "MASTERDOWN ", "NOREPLICAS ", "TRYAGAIN ", "CLUSTERDOWN "};
    for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++) {
        if (error_is(value, prefixes[i])) {
            return true;
        }
    }
    return false;
}

/* The answer to a single command. What follows "with args" would quote its arguments. */
static const struct err *error_of_reply(struct ctx *ctx, const struct redis_value *value)
{
    if (value->type != REDIS_ERROR) {
        return NULL;
    }
    if (server_away(value)) {
        return &err_unavailable;
    }
    const char *quoted = strstr(value->str, ", with args");
    size_t len = quoted != NULL ? (size_t)(quoted - value->str) : value->len;
    log_error(&ctx->log, "redis refused a command: '%.*s'", (int)(len < ERROR_LOG_MAX ? len : ERROR_LOG_MAX),
              value->str);
    return &err_internal;
}

/* ---- one round trip ---- */

/* Puts all commands into the connection's buffer. */
static bool append_all(redisContext *conn, const struct redis_pipe *pipe)
{
    size_t first = 0;
    for (size_t i = 0; i < pipe->count; first += pipe->arg_counts[i++]) {
        if (redisAppendCommandArgv(conn, (int)pipe->arg_counts[i], pipe->args + first, pipe->arg_lens + first) !=
            REDIS_OK) {
            return false;
        }
    }
    return true;
}

/* &err_unavailable when not one byte left, else &err_uncertain. A write that fails leaves the buffer as it was. */
static const struct err *send_all(redisContext *conn, const struct redis_pipe *pipe)
{
    if (!append_all(conn, pipe)) {
        return &err_unavailable;
    }
    size_t whole = sdslen(conn->obuf);
    for (int done = 0; !done;) {
        if (redisBufferWrite(conn, &done) != REDIS_OK) {
            return sdslen(conn->obuf) == whole ? &err_unavailable : &err_uncertain;
        }
    }
    return NULL;
}

static const struct err *receive_all(struct ctx *ctx, size_t count, struct redis_value *values)
{
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = NULL;
        if (redisGetReply(ctx->redis->conn, (void **)&reply) != REDIS_OK) {
            return &err_uncertain;
        }
        copy_reply(ctx->arena, reply, &values[i]);
        freeReplyObject(reply);
    }
    return NULL;
}

/* Sends the commands and reads their answers. After any failure the connection is gone: a late answer would be taken
 * for the next command's. */
static const struct err *exchange(const struct redis_pipe *pipe, struct redis_value *values)
{
    struct redis *redis = pipe->ctx->redis;
    const struct err *e = send_all(redis->conn, pipe);
    e = e ? e : receive_all(pipe->ctx, pipe->count, values);
    if (e) {
        log_warn(&pipe->ctx->log, "lost redis: '%s'", redis->conn->errstr);
        disconnect(redis);
    }
    return e;
}

/* ---- pipelines ---- */

struct redis_pipe *redis_pipe_new(struct ctx *ctx)
{
    struct redis_pipe *pipe = ARENA_NEW(ctx->arena, struct redis_pipe);
    pipe->ctx = ctx;
    return pipe;
}

/* A copy of the `used` elements of `old` with room for `room`. */
static void *larger(struct arena *arena, const void *old, size_t size, size_t used, size_t room)
{
    void *array = arena_calloc(arena, room, size);
    if (used > 0) {
        memcpy(array, old, used * size);
    }
    return array;
}

static size_t more_room(size_t room)
{
    return room > 0 ? room * 2 : FIRST_ROOM;
}

/* Takes the bytes of an argument into account; false when the pipeline is too long for it. */
static bool fits(struct redis_pipe *pipe, size_t len)
{
    if (len > WIRE_MAX || pipe->wire_len + FRAME_MAX + len > WIRE_MAX) {
        pipe->too_long = true;
    } else {
        pipe->wire_len += FRAME_MAX + len;
    }
    return !pipe->too_long;
}

static bool all_there(const struct redis_pipe *pipe)
{
    return pipe->arg_count == pipe->announced;
}

void redis_pipe_begin(struct redis_pipe *pipe, size_t arg_count)
{
    pipe->miscounted = pipe->miscounted || !all_there(pipe) || arg_count == 0;
    if (!fits(pipe, 0)) {
        return;
    }
    if (pipe->count == pipe->count_room) {
        pipe->count_room = more_room(pipe->count_room);
        pipe->arg_counts =
            larger(pipe->ctx->arena, pipe->arg_counts, sizeof *pipe->arg_counts, pipe->count, pipe->count_room);
    }
    pipe->arg_counts[pipe->count++] = arg_count;
    pipe->announced += arg_count;
}

void redis_pipe_arg(struct redis_pipe *pipe, const void *bytes, size_t len)
{
    struct arena *arena = pipe->ctx->arena;
    if (!fits(pipe, len)) {
        return;
    }
    if (pipe->arg_count == pipe->arg_room) {
        pipe->arg_room = more_room(pipe->arg_room);
        pipe->args = larger(arena, pipe->args, sizeof *pipe->args, pipe->arg_count, pipe->arg_room);
        pipe->arg_lens = larger(arena, pipe->arg_lens, sizeof *pipe->arg_lens, pipe->arg_count, pipe->arg_room);
    }
    pipe->args[pipe->arg_count] = arena_memdup(arena, bytes, len);
    pipe->arg_lens[pipe->arg_count++] = len;
}

static void add_texts(struct redis_pipe *pipe, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        redis_pipe_arg(pipe, texts[i], strlen(texts[i]));
    }
}

void redis_pipe_arg_int(struct redis_pipe *pipe, int64_t number)
{
    char text[DECIMAL_SIZE];
    redis_pipe_arg(pipe, text, decimal_write(text, number));
}

void redis_pipe_add(struct redis_pipe *pipe, const char *const *args, size_t count)
{
    redis_pipe_begin(pipe, count);
    add_texts(pipe, args, count);
}

static bool listed(const struct redis_script *const *list, size_t count, const struct redis_script *script)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == script) {
            return true;
        }
    }
    return false;
}

static void list_add(const struct redis_script **list, size_t *count, const struct redis_script *script)
{
    if (*count == SCRIPTS_MAX) {
        log_panic("more than %d scripts in one program", SCRIPTS_MAX);
    }
    list[(*count)++] = script;
}

void redis_pipe_eval_begin(struct redis_pipe *pipe, const struct redis_script *script, const char *const *keys,
                           size_t key_count, size_t arg_count)
{
    redis_pipe_begin(pipe, 3 + key_count + arg_count);
    add_texts(pipe, (const char *const[]){"EVALSHA", script->sha1}, 2);
    redis_pipe_arg_int(pipe, (int64_t)key_count);
    add_texts(pipe, keys, key_count);
    if (!listed(pipe->scripts, pipe->script_count, script)) {
        list_add(pipe->scripts, &pipe->script_count, script);
    }
}

void redis_pipe_eval(struct redis_pipe *pipe, const struct redis_script *script, const char *const *keys,
                     size_t key_count, const char *const *args, size_t arg_count)
{
    redis_pipe_eval_begin(pipe, script, keys, key_count, arg_count);
    add_texts(pipe, args, arg_count);
}

/* Loads the pipeline's scripts that this connection has not loaded yet. */
static const struct err *load_scripts(const struct redis_pipe *pipe)
{
    struct redis *redis = pipe->ctx->redis;
    const struct err *e = NULL;
    for (size_t i = 0; !e && i < pipe->script_count; i++) {
        const struct redis_script *script = pipe->scripts[i];
        if (listed(redis->loaded, redis->loaded_count, script)) {
            continue;
        }
        e = REDIS_RUN(pipe->ctx, NULL, "SCRIPT", "LOAD", script->source);
        if (!e) {
            list_add(redis->loaded, &redis->loaded_count, script);
        }
    }
    return err_of_read(e); /* loading has no effect of its own */
}

static bool any_value(const struct redis_value *values, size_t count, bool (*is)(const struct redis_value *value))
{
    for (size_t i = 0; i < count; i++) {
        if (is(&values[i])) {
            return true;
        }
    }
    return false;
}

static bool script_missing(const struct redis_value *value)
{
    return error_is(value, "NOSCRIPT ");
}

static const struct err *run_once(const struct redis_pipe *pipe, struct redis_value *values)
{
    const struct err *e = ensure_connected(pipe->ctx); /* a new connection has loaded no script */
    e = e ? e : load_scripts(pipe);
    return e ? e : exchange(pipe, values);
}

/* Before anything is sent: a command of another length would shift the answers of all after it. */
static const struct err *check(const struct redis_pipe *pipe)
{
    if (pipe->too_long) {
        log_error(&pipe->ctx->log, "a pipeline exceeds %u bytes", WIRE_MAX);
        return &err_internal;
    }
    if (pipe->miscounted || !all_there(pipe)) {
        log_error(&pipe->ctx->log, "a redis command has another number of arguments than announced");
        return &err_internal;
    }
    return NULL;
}

const struct err *redis_pipe_run(struct redis_pipe *pipe, const struct redis_value **values_r)
{
    const struct err *e = check(pipe);
    if (e) {
        return e;
    }
    struct redis_value *values = arena_calloc(pipe->ctx->arena, pipe->count + 1, sizeof *values);
    e = run_once(pipe, values);
    for (int i = 0; !e && i < RELOADS_MAX && any_value(values, pipe->count, script_missing); i++) {
        pipe->ctx->redis->loaded_count = 0; /* SCRIPT FLUSH, or a restart behind the same socket */
        memset(values, 0, pipe->count * sizeof *values);
        e = run_once(pipe, values);
    }
    if (!e && any_value(values, pipe->count, server_away)) {
        return &err_unavailable;
    }
    if (!e && values_r != NULL) {
        *values_r = values;
    }
    return e;
}

/* ---- single calls ---- */

const struct err *redis_run(struct ctx *ctx, const struct redis_value **value_r, const char *const *args, size_t count)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *value;
    redis_pipe_add(pipe, args, count);
    const struct err *e = redis_pipe_run(pipe, &value);
    e = e ? e : error_of_reply(ctx, value);
    if (!e && value_r != NULL) {
        *value_r = value;
    }
    return e;
}

const struct err *redis_eval(struct ctx *ctx, const struct redis_script *script, const struct redis_value **value_r,
                             const char *const *keys, size_t key_count, const char *const *args, size_t arg_count)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *value;
    redis_pipe_eval(pipe, script, keys, key_count, args, arg_count);
    const struct err *e = redis_pipe_run(pipe, &value);
    e = e ? e : error_of_reply(ctx, value);
    if (!e && value_r != NULL) {
        *value_r = value;
    }
    return e;
}

/* ---- values ---- */

static const struct redis_value *item(const struct redis_value *list, size_t index)
{
    return list != NULL && list->type == REDIS_LIST && index < list->count ? &list->items[index] : NULL;
}

int64_t redis_int(const struct redis_value *list, size_t index)
{
    const struct redis_value *value = item(list, index);
    if (value == NULL) {
        return 0;
    }
    return value->type == REDIS_STR ? strtoll(value->str, NULL, 10) : value->integer;
}

const char *redis_str(const struct redis_value *list, size_t index)
{
    const struct redis_value *value = item(list, index);
    return value == NULL ? NULL : value->str;
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
    disconnect(*redis);
    free((*redis)->url);
    free(*redis);
    *redis = NULL;
}

const struct err *redis_ping(struct ctx *ctx)
{
    const struct err *e = REDIS_RUN(ctx, NULL, "PING");
    return err_of_read(e);
}
