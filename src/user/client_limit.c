#include "src/user/client_limit.h"
#include "src/user/client.h"

enum { NETWORK_TIMES = 10 };

/* A unix socket or a shell is a client as well. */
static const char *address_of(struct ctx *ctx, const char *client_ip)
{
    const char *ip = client_address(ctx->arena, client_ip);
    return ip ? ip : "none";
}

const struct err *client_limit_take(struct ctx *ctx, const struct limit *limit, const char *client_ip)
{
    const struct limit shared = {ARENA_JOIN(ctx->arena, limit->name, "network"), limit->most * NETWORK_TIMES,
                                 limit->window_s};
    const char *ip = address_of(ctx, client_ip);
    const struct err *e = limit_take(ctx, limit, client_host(ctx->arena, ip));
    const struct ctx_limit told = ctx->limit;
    e = e ? e : limit_take(ctx, &shared, client_network(ctx->arena, ip));
    if (!e && told.left < ctx->limit.left) {
        ctx->limit = told;
    }
    return e;
}
