#include "src/user/client_limit.h"

#include "common/io/limit.h"
#include "src/user/lockout.h"

enum { QUARTER_S = 900 /* of an hour */, NETWORK_TIMES = 10 };

const struct err *client_limit_take(struct ctx *ctx, const char *name, int64_t most, const char *client_ip)
{
    const char *ip = lockout_address(client_ip);
    const struct limit own = {name, most, QUARTER_S};
    const struct limit shared = {arena_printf(ctx->arena, "%snetwork", name), most * NETWORK_TIMES, QUARTER_S};
    const struct err *e = limit_take(ctx, &own, ip ? ip : "none");
    const struct ctx_limit told = ctx->limit;
    e = e ? e : limit_take(ctx, &shared, ip ? lockout_network(ctx->arena, ip) : "none");
    if (!e && told.left < ctx->limit.left) {
        ctx->limit = told;
    }
    return e;
}
