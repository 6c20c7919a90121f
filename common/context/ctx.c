#include "common/context/ctx.h"

#include "common/base/cfg.h"

void ctx_end(struct ctx *ctx)
{
    arena_reset(ctx->arena);
    ctx->details = NULL;
    ctx->retry_after_s = 0;
    ctx->limit = (struct ctx_limit){0};
    ctx->admin_id = NULL;
    ctx->log.count = 0;
}

void ctx_begin(struct ctx *ctx, const char *traceparent, const char *trace_id)
{
    ctx_end(ctx);
    cfg_refresh();
    trace_start(&ctx->trace, traceparent, trace_id);
    log_field(&ctx->log, "trace_id", ctx->trace.id);
}

static bool has_all_details(const struct ctx *ctx)
{
    size_t count = 0;
    for (const struct ctx_detail *detail = ctx->details; detail; detail = detail->next) {
        count++;
    }
    return count >= CTX_DETAILS_MAX;
}

static void add_detail(struct ctx *ctx, const char *field, const char *fmt, va_list args)
{
    if (has_all_details(ctx)) {
        return;
    }
    struct ctx_detail *detail = ARENA_NEW(ctx->arena, struct ctx_detail);
    *detail = (struct ctx_detail){
        .next = ctx->details, .field = arena_strdup(ctx->arena, field), .reason = arena_vprintf(ctx->arena, fmt, args)};
    ctx->details = detail;
}

void ctx_detail(struct ctx *ctx, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_detail(ctx, field, fmt, args);
    va_end(args);
}

const struct err *ctx_invalid(struct ctx *ctx, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_detail(ctx, field, fmt, args);
    va_end(args);
    return &err_invalid_request;
}
