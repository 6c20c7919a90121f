#include "common/io/limit.h"

#include "common/io/redis.h"

const struct err *limit_take(struct ctx *ctx, const struct limit *limit, const char *who)
{
    const char *key = ARENA_JOIN(ctx->arena, "limit:", limit->name, ":", who);
    const struct redis_value *answers;
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "INCR", key);
    REDIS_PIPE(pipe, "EXPIRE", key, arena_int(ctx->arena, limit->window_s), "NX");
    REDIS_PIPE(pipe, "TTL", key);
    const struct err *e = redis_pipe_run(pipe, &answers);
    if (e) {
        log_warn(&ctx->log, "the limit of '%s' is not counted: %s", limit->name, e->code);
        return NULL;
    }
    int64_t count = answers[0].integer, reset_s = answers[2].integer, most = limit->most;
    ctx->limit = (struct ctx_limit){limit->name, most, limit->window_s, count < most ? most - count : 0, reset_s};
    if (count <= most) {
        return NULL;
    }
    ctx->retry_after_s = reset_s > 0 ? (int)reset_s : 1;
    return &err_too_many_requests;
}
