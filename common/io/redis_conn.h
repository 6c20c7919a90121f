/*
 * redis_conn: the connection to Redis, and its answers as values of ours. Private to redis.c, which alone knows what is
 * sent over it.
 */
#ifndef COMMON_REDIS_CONN_H
#define COMMON_REDIS_CONN_H

#include <hiredis/hiredis.h>

#include "common/context/retry.h"
#include "common/crypto/crypto_tls.h"
#include "common/io/redis.h"

#define SCRIPTS_MAX 64 /* scripts of one program */

struct redis {
    char *url;
    int64_t timeout_ms;
    redisContext *conn;                             /* NULL: not connected */
    struct crypto_tls *tls;                         /* over it; NULL: none */
    const struct redis_script *loaded[SCRIPTS_MAX]; /* by this connection */
    size_t loaded_count;
    struct retry backoff;
    int64_t retry_at; /* clock_monotonic() before which no connection is tried */
};

/* Opens it when there is none, or the one there is has ended while nobody used it. &err_unavailable. */
BO_MUSTCHECK const struct err *redis_ensure_connected(struct ctx *ctx);
void redis_disconnect(struct redis *redis);
/* As redisBufferWrite() and redisGetReply(), also over TLS. What has been appended is kept when surely nothing of it
 * has left. */
BO_MUSTCHECK int redis_write(struct redis *redis, int *done_r);
BO_MUSTCHECK int redis_read(struct redis *redis, redisReply **reply_r);
/* Copies it into the arena. */
void redis_copy_reply(struct arena *arena, const redisReply *reply, struct redis_value *out);

#endif
