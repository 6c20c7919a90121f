#include "src/payment/buyer_limit.h"

#include "common/io/redis.h"

#define WINDOW_S 60

const struct err *buyer_limit(struct ctx *ctx, const char *user_id, const char *what, int64_t most)
{
    const char *key = ARENA_JOIN(ctx->arena, "pay:limit:", what, ":", user_id);
    const struct redis_value *answers;
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "INCR", key);
    REDIS_PIPE(pipe, "EXPIRE", key, arena_int(ctx->arena, WINDOW_S), "NX");
    REDIS_PIPE(pipe, "TTL", key);
    const struct err *e = redis_pipe_run(pipe, &answers);
    if (e) {
        log_warn(&ctx->log, "%ss are not counted: %s", what, e->code);
        return NULL;
    }
    int64_t count = answers[0].integer, reset_s = answers[2].integer;
    ctx->limit = (struct ctx_limit){what, most, WINDOW_S, count < most ? most - count : 0, reset_s};
    if (count <= most) {
        return NULL;
    }
    ctx->retry_after_s = reset_s > 0 ? (int)reset_s : 1;
    return &err_too_many_requests;
}
