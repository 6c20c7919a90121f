#include "src/contract/internal_call.h"

#include <string.h>

#include "common/auth/service_key.h"

#define INTERNAL_CONNECT_MS 500
#define INTERNAL_TIMEOUT_MS 3000

const struct err *internal_call(struct ctx *ctx, const struct internal_call *call, struct http_answer *answer_r)
{
    const struct http_call http = {
        .method = call->method,
        .url = arena_printf(ctx->arena, "%s%s", cfg_service.internal_url, call->path),
        .headers = {{"X-Service-Api-Key", service_key_own(ctx->arena)},
                    {call->body != NULL ? "Content-Type" : NULL, "application/json"}},
        .body = call->body,
        .body_len = call->body != NULL ? strlen(call->body) : 0,
        .connect_ms = INTERNAL_CONNECT_MS,
        .timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : INTERNAL_TIMEOUT_MS,
        .answer_max = call->answer_max,
    };
    return http_perform(ctx, &http, answer_r);
}

const struct err *internal_read(struct ctx *ctx, const char *json, size_t len, const struct shape *shape, void **out_r)
{
    struct ctx_detail *details = ctx->details;
    const struct err *e = json_read(ctx, json, len, shape, out_r);
    ctx->details = details;
    if (!e) {
        return NULL;
    }
    log_error(&ctx->log, "another service's answer does not have the agreed shape");
    return &err_bad_gateway;
}

const char *internal_error_code(struct ctx *ctx, const struct http_answer *answer)
{
    const struct json *root;
    const char *why;
    if (json_parse(ctx->arena, answer->body, answer->len, &root, &why) != NULL) {
        return "";
    }
    const char *code = json_str(json_get(root, "code"));
    return code != NULL ? code : "";
}
