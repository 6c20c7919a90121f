/*
 * Webhooks: hostile headers and bodies. Input: id, timestamp and signature, each ended by a line feed, then the body.
 *
 * Nothing hostile may pass the signature check, and a body that we sign ourselves must be read or refused cleanly.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cfg.h"
#include "common/base/clock.h"
#include "src/providers/portone.h"
#include "src/providers/sandbox_credentials.h"

#define NOW_S INT64_C(1714039200)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *next_line(struct arena *arena, const char **at, const char *end)
{
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    if (stop == NULL) {
        stop = end;
    }
    const char *line = arena_memdup(arena, *at, (size_t)(stop - *at));
    *at = stop == end ? end : stop + 1;
    return line;
}

/* What passes must not pass with one more byte. */
static void check_hostile(struct ctx *ctx, const struct webhook_headers *headers, const char *body, size_t len)
{
    struct portone_webhook webhook;
    if (portone_webhook_read(ctx, headers, body, len, &webhook) == &err_webhook_signature) {
        return;
    }
    const char *longer = arena_printf(ctx->arena, "%.*s ", (int)len, body);
    if (webhook_verify(ctx->arena, cfg_portone.webhook_secret, headers, longer, strlen(longer)) == NULL) {
        abort();
    }
}

static void check_signed(struct ctx *ctx, const char *body, size_t len)
{
    struct portone_webhook webhook;
    const struct webhook_headers headers = {
        .id = "id",
        .timestamp = "1714039200",
        .signature = webhook_sign(ctx->arena, cfg_portone.webhook_secret, "id", NOW_S, body, len),
    };
    const struct err *e = portone_webhook_read(ctx, &headers, body, len, &webhook);
    if (e != NULL && e != &err_invalid_request) {
        abort();
    }
    if (e == NULL && webhook.type == NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ctx ctx = {.arena = arena_new(16u << 20)};
    const char *at = (const char *)data, *end = at + size;
    struct webhook_headers headers;
    clock_freeze(NOW_S * CLOCK_SECOND);
    cfg_portone.webhook_secret = SANDBOX_PORTONE_WEBHOOK_SECRET;
    headers.id = next_line(ctx.arena, &at, end);
    headers.timestamp = next_line(ctx.arena, &at, end);
    headers.signature = next_line(ctx.arena, &at, end);
    check_hostile(&ctx, &headers, at, (size_t)(end - at));
    check_signed(&ctx, at, (size_t)(end - at));
    arena_free(&ctx.arena);
    return 0;
}
