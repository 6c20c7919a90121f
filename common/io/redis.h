/*
 * redis: Redis for one process: one connection, commands, pipelines and scripts. The only module that knows hiredis.
 *
 * Arguments are binary-safe and never part of a format. The connection is opened on first use with connect and command
 * time-outs and reopened after any failure (a time-out makes the old connection unusable). Failure to reach Redis is
 * &err_unavailable when nothing was sent, &err_uncertain when a command was sent and no answer came; an error answer is
 * &err_internal after one error line (message, never arguments).
 *
 * Scripts are files src/<domain>/lua/<name>.lua embedded at build as `redis_script_<domain>_<name>`; they run by digest
 * and are loaded again on NOSCRIPT. All keys of a call share one hash tag. Time inside scripts is Redis TIME.
 */
#ifndef COMMON_REDIS_H
#define COMMON_REDIS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/array.h"
#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

struct cfg_redis {
    const char *url; /* BOX_REDIS_URL: unix:///path/redis.sock, redis://host:port or rediss://host:port, optional /db */
    const char *user;     /* BOX_REDIS_USER: of the password; NULL: the default one */
    const char *password; /* BOX_REDIS_PASSWORD; NULL: none is asked for */
    const char *ca;       /* BOX_REDIS_CA: PEM, for rediss; NULL: the system's authorities */
    int64_t timeout_ms;   /* BOX_REDIS_TIMEOUT_MS: connect and command */
};
extern struct cfg_redis cfg_redis;
extern const struct cfg_section cfg_redis_section;

enum redis_type { REDIS_NIL, REDIS_INT, REDIS_STR, REDIS_LIST, REDIS_STATUS, REDIS_ERROR };

/* A reply, copied into the arena. */
struct redis_value {
    enum redis_type type;
    int64_t integer;
    const char *str; /* NUL-terminated; REDIS_STR, REDIS_STATUS, REDIS_ERROR */
    size_t len;
    const struct redis_value *items; /* REDIS_LIST */
    size_t count;
};

/* Of an answer in a pipeline what redis_run() would have said: NULL, or for REDIS_ERROR an error, after one line. */
BO_MUSTCHECK const struct err *redis_answer_error(struct ctx *ctx, const struct redis_value *value);

/* One command. value_r may be NULL. */
BO_MUSTCHECK const struct err *redis_run(struct ctx *ctx, const struct redis_value **value_r, const char *const *args,
                                         size_t count);
/* REDIS_RUN(ctx, &value, "GET", key) */
#define REDIS_RUN(ctx, value_r, ...) \
    redis_run((ctx), (value_r), (const char *const[]){__VA_ARGS__}, ARRAY_COUNT(((const char *const[]){__VA_ARGS__})))

struct redis_script {
    const char *name; /* "queue_enter" */
    const char *source;
    const char *sha1; /* hex digest of source */
};

/* One script call: a pipeline of one, so it must be safe to repeat in the same sense. */
BO_MUSTCHECK const struct err *redis_eval(struct ctx *ctx, const struct redis_script *script,
                                          const struct redis_value **value_r, const char *const *keys, size_t key_count,
                                          const char *const *args, size_t arg_count);

/* A pipeline: several commands and scripts, one round trip. Values come back in order; an error answer of one command
 * is a REDIS_ERROR value, not a failure of the pipeline. But when the server says "not now" to any of them (loading,
 * out of memory, read-only), all of it is &err_unavailable, though others may have run: every command must be safe to
 * repeat. Scripts are loaded first when this connection has not yet; a NOSCRIPT inside, after a SCRIPT FLUSH, reloads
 * and repeats the whole pipeline, a few times at most. */
struct redis_pipe;
struct redis_pipe *redis_pipe_new(struct ctx *ctx); /* in the arena */
void redis_pipe_add(struct redis_pipe *pipe, const char *const *args, size_t count);
void redis_pipe_eval(struct redis_pipe *pipe, const struct redis_script *script, const char *const *keys,
                     size_t key_count, const char *const *args, size_t arg_count);
/* The same two with arguments of any bytes: begin, then exactly `arg_count` times redis_pipe_arg(); a command's name is
 * its first argument. Another number, or none, makes redis_pipe_run() return &err_internal after one error line:
 * nothing is sent then and the connection stays. So does a pipeline above 32 MiB. */
void redis_pipe_begin(struct redis_pipe *pipe, size_t arg_count);
void redis_pipe_eval_begin(struct redis_pipe *pipe, const struct redis_script *script, const char *const *keys,
                           size_t key_count, size_t arg_count);
void redis_pipe_arg(struct redis_pipe *pipe, const void *bytes, size_t len);
void redis_pipe_arg_int(struct redis_pipe *pipe, int64_t number);
BO_MUSTCHECK const struct err *redis_pipe_run(struct redis_pipe *pipe, const struct redis_value **values_r);
/* Up to REDIS_PIPES_MAX pipelines of units that share a connection, in one exchange: each comes out as if it had been
 * run by itself, with an error of its own; when the connection is lost on the way, those that were answered before keep
 * their answers. */
#define REDIS_PIPES_MAX 64
void redis_pipes_run(struct redis_pipe *const *pipes, size_t count);
/* What became of a pipeline that was run; values as from redis_pipe_run(). */
BO_MUSTCHECK const struct err *redis_pipe_outcome(const struct redis_pipe *pipe, const struct redis_value **values_r);
#define REDIS_PIPE(pipe, ...) \
    redis_pipe_add((pipe), (const char *const[]){__VA_ARGS__}, ARRAY_COUNT(((const char *const[]){__VA_ARGS__})))

/* Element `index` of a list as integer (a numeric string counts) or text; 0 / NULL beyond the end or of another type.
 */
int64_t redis_int(const struct redis_value *list, size_t index);
const char *redis_str(const struct redis_value *list, size_t index);

struct redis *redis_new(void);               /* with cfg_redis; connects on first use */
struct redis *redis_new_at(const char *url); /* another server or database */
void redis_free(struct redis **redis);
/* Whether it answers and takes writes: one that is full, or has become another one's replica, answers reads only. */
BO_MUSTCHECK const struct err *redis_ping(struct ctx *ctx);

#endif
