#include "src/contract/copy.h"

#include <string.h>

#include "common/base/array.h"
#include "common/io/redis.h"

#define AWAY "away" /* in the place of a maker's name */

extern const struct redis_script redis_script_contract_keep_copy;
extern const struct redis_script redis_script_contract_forget_copy;

/* `pipe` reads its bytes. */
static bool look(const struct copy *copy, struct redis_pipe *pipe, struct copy_found *found_r)
{
    const struct redis_value *values;
    *found_r = (struct copy_found){0};
    REDIS_PIPE(pipe, "PTTL", copy->key);
    if (redis_pipe_run(pipe, &values) != NULL) {
        return false;
    }
    if (values[0].type == REDIS_STR) {
        *found_r = (struct copy_found){values[0].str, values[0].len, copy->old_ms + 1 - values[1].integer};
    }
    return true;
}

bool copy_look(struct ctx *ctx, const struct copy *copy, struct copy_found *found_r)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "GET", copy->key);
    return look(copy, pipe, found_r);
}

bool copy_look_head(struct ctx *ctx, const struct copy *copy, size_t most, struct copy_found *found_r)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "GETRANGE", copy->key, "0", arena_int(ctx->arena, (int64_t)most - 1));
    if (!look(copy, pipe, found_r)) {
        return false;
    }
    if (found_r->len == 0) {
        *found_r = (struct copy_found){0};
    }
    return true;
}

enum copy_turn copy_begin(struct ctx *ctx, const struct copy *copy, const char *name)
{
    const struct redis_value *maker;
    const char *life_ms = arena_int(ctx->arena, COPY_MAKING_MS);
    if (REDIS_RUN(ctx, &maker, "SET", copy->maker, name, "NX", "GET", "PX", life_ms) != NULL) {
        return COPY_OTHERS;
    }
    if (maker->type == REDIS_NIL) {
        return COPY_OURS;
    }
    return maker->type == REDIS_STR && strcmp(maker->str, AWAY) == 0 ? COPY_AWAY : COPY_OTHERS;
}

void copy_keep(struct ctx *ctx, const struct copy *copy, const char *name, const void *bytes, size_t len,
               int64_t life_ms)
{
    const char *const keys[] = {copy->maker, copy->key};
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    redis_pipe_eval_begin(pipe, &redis_script_contract_keep_copy, keys, ARRAY_COUNT(keys), 5);
    redis_pipe_arg(pipe, name, strlen(name));
    redis_pipe_arg(pipe, bytes, len);
    redis_pipe_arg_int(pipe, life_ms);
    redis_pipe_arg_int(pipe, copy->old_ms);
    redis_pipe_arg_int(pipe, copy->spare ? COPY_SPARE_PERCENT : 0);
    if (redis_pipe_run(pipe, NULL) != NULL) {
        log_debug(&ctx->log, "a copy could not be kept");
    }
}

void copy_give_up(struct ctx *ctx, const struct copy *copy, const char *name, int64_t ms)
{
    const struct redis_value *maker;
    bool ours = REDIS_RUN(ctx, &maker, "GET", copy->maker) == NULL && maker->type == REDIS_STR &&
                strncmp(maker->str, name, strlen(name)) == 0;
    if (!ours) {
        return;
    }
    const struct err *e = ms > 0 ? REDIS_RUN(ctx, NULL, "SET", copy->maker, AWAY, "PX", arena_int(ctx->arena, ms))
                                 : REDIS_RUN(ctx, NULL, "DEL", copy->maker);
    if (e) {
        log_debug(&ctx->log, "who makes copies is not told that one was not made");
    }
}

bool copy_forget(struct ctx *ctx, const struct copy *copy)
{
    const char *const keys[] = {copy->maker, copy->key};
    const char *const args[] = {arena_int(ctx->arena, copy->old_ms)};
    if (redis_eval(ctx, &redis_script_contract_forget_copy, NULL, keys, ARRAY_COUNT(keys), args, ARRAY_COUNT(args)) !=
        NULL) {
        log_warn(&ctx->log, "what has changed stays cached for a while");
        return false;
    }
    return true;
}
