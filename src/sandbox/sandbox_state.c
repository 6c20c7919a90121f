#include "src/sandbox/sandbox_state.h"

#include "common/io/redis.h"

extern const struct redis_script redis_script_sandbox_swap;

static const char *text_of(const struct redis_value *value)
{
    return value->type == REDIS_STR ? value->str : NULL;
}

const struct err *sandbox_load(struct ctx *ctx, const char *key, const char **text_r)
{
    const struct redis_value *value;
    const struct err *e = REDIS_RUN(ctx, &value, "GET", key);
    if (!e) {
        *text_r = text_of(value);
    }
    return e;
}

const struct err *sandbox_store(struct ctx *ctx, const char *key, const char *text, int ttl_s)
{
    if (ttl_s > 0) {
        return REDIS_RUN(ctx, NULL, "SET", key, text, "EX", arena_printf(ctx->arena, "%d", ttl_s));
    }
    return REDIS_RUN(ctx, NULL, "SET", key, text);
}

const struct err *sandbox_take(struct ctx *ctx, const char *key, const char **text_r)
{
    const struct redis_value *value;
    const struct err *e = REDIS_RUN(ctx, &value, "GETDEL", key);
    if (!e) {
        *text_r = text_of(value);
    }
    return e;
}

const struct err *sandbox_swap(struct ctx *ctx, const struct sandbox_swap *swap, bool *done_r)
{
    const char *const keys[] = {swap->key, swap->index};
    const char *const args[] = {swap->old == NULL ? "" : swap->old, swap->text, swap->member};
    const struct redis_value *value;
    const struct err *e = redis_eval(ctx, &redis_script_sandbox_swap, &value, keys, 2, args, 3);
    if (!e) {
        *done_r = value->integer == 1;
    }
    return e;
}

const struct err *sandbox_forget(struct ctx *ctx)
{
    return REDIS_RUN(ctx, NULL, "FLUSHDB");
}

const char *sandbox_write(struct ctx *ctx, const struct shape *shape, const void *value)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, SANDBOX_DOCUMENT_MAX);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, shape, value);
    if (buf.overflow) {
        log_panic("a sandbox document grew over %u bytes", SANDBOX_DOCUMENT_MAX);
    }
    return buf.data;
}
