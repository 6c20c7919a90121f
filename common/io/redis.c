#include "common/io/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/io/redis_conn.h"

#define WIRE_MAX (32u << 20) /* bytes of one pipeline */
#define RELOADS_MAX 5        /* somebody may flush the scripts again between loading and running them */
#define ERROR_LOG_MAX 200    /* characters of an error answer */

/* The commands are kept as they are sent, so a pipeline can be repeated and borrows nothing. */
struct redis_pipe {
    struct ctx *ctx;
    struct buf wire;
    size_t count;    /* commands */
    size_t missing;  /* arguments that the last command lacks */
    bool miscounted; /* a command without any argument, or begun while the one before lacked some, or had too many */
    const struct redis_script *scripts[SCRIPTS_MAX];
    size_t script_count;
    struct redis_value *values; /* the outcome: of each command */
    const struct err *error;
};

/* ---- answers ---- */

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
const struct err *redis_answer_error(struct ctx *ctx, const struct redis_value *value)
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

/* &err_unavailable when not one byte left, else &err_uncertain. A write that fails leaves the buffer as it was. */
static const struct err *send_all(struct redis *redis, struct redis_pipe *const *pipes, size_t count)
{
    redisContext *conn = redis->conn;
    for (size_t i = 0; i < count; i++) {
        if (redisAppendFormattedCommand(conn, pipes[i]->wire.data, pipes[i]->wire.len) != REDIS_OK) {
            return &err_unavailable;
        }
    }
    size_t whole = sdslen(conn->obuf);
    for (int done = 0; !done;) {
        if (redis_write(redis, &done) != REDIS_OK) {
            return sdslen(conn->obuf) == whole ? &err_unavailable : &err_uncertain;
        }
    }
    return NULL;
}

static const struct err *receive_all(struct ctx *ctx, size_t count, struct redis_value *values)
{
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = NULL;
        if (redis_read(ctx->redis, &reply) != REDIS_OK) {
            return &err_uncertain;
        }
        redis_copy_reply(ctx->arena, reply, &values[i]);
        freeReplyObject(reply);
    }
    return NULL;
}

/* Sends the commands of all and reads their answers. After any failure the connection is gone: a late answer would be
 * taken for the next command's. Who had been answered before it has the answers. */
static void exchange(struct redis *redis, struct redis_pipe *const *pipes, size_t count)
{
    const struct err *e = send_all(redis, pipes, count);
    for (size_t i = 0; i < count; i++) {
        e = e ? e : receive_all(pipes[i]->ctx, pipes[i]->count, pipes[i]->values);
        pipes[i]->error = e;
    }
    if (e) {
        log_warn(&pipes[count - 1]->ctx->log, "lost redis: '%s'", redis->conn->errstr);
        redis_disconnect(redis);
    }
}

/* ---- pipelines ---- */

struct redis_pipe *redis_pipe_new(struct ctx *ctx)
{
    struct redis_pipe *pipe = ARENA_NEW(ctx->arena, struct redis_pipe);
    pipe->ctx = ctx;
    buf_init(&pipe->wire, ctx->arena, WIRE_MAX);
    return pipe;
}

/* "*2\r\n", "$3\r\n". To let hiredis write them would cost a responder a sixth of all its instructions. */
static void add_count(struct buf *wire, char kind, size_t count)
{
    char line[1 + DECIMAL_SIZE + 2] = {kind};
    size_t len = 1 + decimal_write(line + 1, (int64_t)count);
    line[len++] = '\r';
    line[len++] = '\n';
    buf_add(wire, line, len);
}

void redis_pipe_begin(struct redis_pipe *pipe, size_t arg_count)
{
    pipe->miscounted = pipe->miscounted || pipe->missing > 0 || arg_count == 0;
    pipe->count++;
    pipe->missing = arg_count;
    add_count(&pipe->wire, '*', arg_count);
}

void redis_pipe_arg(struct redis_pipe *pipe, const void *bytes, size_t len)
{
    pipe->miscounted = pipe->miscounted || pipe->missing == 0;
    pipe->missing -= pipe->missing > 0;
    add_count(&pipe->wire, '$', len);
    buf_add(&pipe->wire, bytes, len);
    buf_add(&pipe->wire, "\r\n", 2);
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

/* Before anything is sent: a command of another length would shift the answers of all after it. */
static const struct err *check(const struct redis_pipe *pipe)
{
    if (pipe->wire.overflow) {
        log_error(&pipe->ctx->log, "a pipeline exceeds %u bytes", WIRE_MAX);
        return &err_internal;
    }
    if (pipe->miscounted || pipe->missing > 0) {
        log_error(&pipe->ctx->log, "a redis command has another number of arguments than announced");
        return &err_internal;
    }
    return NULL;
}

/* One exchange for all whose scripts are there. */
static void run_once(struct redis *redis, struct redis_pipe *const *pipes, size_t count)
{
    struct redis_pipe *ready[REDIS_PIPES_MAX];
    size_t readies = 0;
    const struct err *e = redis_ensure_connected(pipes[0]->ctx); /* a new connection has loaded no script */
    for (size_t i = 0; i < count; i++) {
        struct redis_pipe *pipe = pipes[i];
        memset(pipe->values, 0, pipe->count * sizeof *pipe->values);
        pipe->error = e ? e : load_scripts(pipe);
        if (!pipe->error) {
            ready[readies++] = pipe;
        }
    }
    if (redis->conn == NULL) { /* lost while a script was loaded: nothing of the others was sent */
        for (size_t i = 0; i < readies; i++) {
            ready[i]->error = &err_unavailable;
        }
    } else if (readies > 0) {
        exchange(redis, ready, readies);
    }
}

/* Moves those whose scripts Redis did not know to the front; how many they are. */
static size_t keep_those_without_scripts(struct redis_pipe **pipes, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!pipes[i]->error && any_value(pipes[i]->values, pipes[i]->count, script_missing)) {
            pipes[kept++] = pipes[i];
        }
    }
    return kept;
}

/* Those that can be sent, in `sound`; how many they are. */
static size_t prepare(struct redis_pipe *const *pipes, size_t count, struct redis_pipe **sound)
{
    size_t sounds = 0;
    for (size_t i = 0; i < count; i++) {
        struct redis_pipe *pipe = pipes[i];
        pipe->error = check(pipe);
        pipe->values = arena_calloc(pipe->ctx->arena, pipe->count + 1, sizeof *pipe->values);
        if (!pipe->error) {
            sound[sounds++] = pipe;
        }
    }
    return sounds;
}

void redis_pipes_run(struct redis_pipe *const *pipes, size_t count)
{
    struct redis_pipe *left[REDIS_PIPES_MAX];
    if (count > REDIS_PIPES_MAX) {
        log_panic("more than %d pipelines in one exchange", REDIS_PIPES_MAX);
    }
    size_t lefts = prepare(pipes, count, left);
    for (int i = 0; lefts > 0 && i <= RELOADS_MAX; i++) {
        struct redis *redis = left[0]->ctx->redis;
        run_once(redis, left, lefts);
        lefts = keep_those_without_scripts(left, lefts);
        if (lefts > 0) {
            redis->loaded_count = 0; /* SCRIPT FLUSH, or a restart behind the same socket */
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!pipes[i]->error && any_value(pipes[i]->values, pipes[i]->count, server_away)) {
            pipes[i]->error = &err_unavailable;
        }
    }
}

const struct err *redis_pipe_outcome(const struct redis_pipe *pipe, const struct redis_value **values_r)
{
    if (!pipe->error && values_r != NULL) {
        *values_r = pipe->values;
    }
    return pipe->error;
}

const struct err *redis_pipe_run(struct redis_pipe *pipe, const struct redis_value **values_r)
{
    redis_pipes_run(&pipe, 1);
    return redis_pipe_outcome(pipe, values_r);
}

/* ---- single calls ---- */

const struct err *redis_run(struct ctx *ctx, const struct redis_value **value_r, const char *const *args, size_t count)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    const struct redis_value *value;
    redis_pipe_add(pipe, args, count);
    const struct err *e = redis_pipe_run(pipe, &value);
    e = e ? e : redis_answer_error(ctx, value);
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
    e = e ? e : redis_answer_error(ctx, value);
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

const struct err *redis_ping(struct ctx *ctx)
{
    const struct err *e = REDIS_RUN(ctx, NULL, "SET", "redis:ping", "", "EX", "60");
    return err_of_read(e);
}
