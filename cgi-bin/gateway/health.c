#include "cgi-bin/gateway/gateway.h"
#include "common/base/array.h"

#include "common/auth/service_key.h"
#include "common/io/db.h"
#include "common/io/http.h"
#include "common/io/kafka.h"
#include "common/io/redis.h"

#define SERVICE_MS 500
#define KAFKA_MS 500

/* A service, and the pools without which it is not up. */
static const struct {
    const char *name, *pools[3];
} services[] = {{"user", {"user", "login", "outside"}},
                {"event", {"event"}},
                {"queue", {"queue"}},
                {"reservation", {"reservation"}},
                {"payment", {"payment"}}};

static bool pool_up(struct ctx *ctx, const char *pool)
{
    const struct http_call call = {
        .method = "GET",
        .url = arena_printf(ctx->arena, "%s/internal/health/%s", cfg_service.internal_url, pool),
        .connect_ms = SERVICE_MS,
        .timeout_ms = SERVICE_MS,
    };
    struct http_answer answer;
    return !http_perform(ctx, &call, &answer) && answer.status == 200;
}

static bool report(struct json_out *out, const char *name, bool up)
{
    json_add_str(out, name, up ? "UP" : "DOWN");
    return up;
}

const struct err *gateway_handle_health(struct request *rq, struct reply *rp)
{
    struct ctx *ctx = rq->ctx;
    bool all = true;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_open_object(out, "services");
    for (size_t i = 0; i < ARRAY_COUNT(services); i++) {
        bool up = true;
        for (size_t pool = 0; up && pool < ARRAY_COUNT(services[i].pools) && services[i].pools[pool]; pool++) {
            up = pool_up(ctx, services[i].pools[pool]);
        }
        all &= report(out, services[i].name, up);
    }
    all &= report(out, "postgres", !db_ping(ctx));
    all &= report(out, "redis", !redis_ping(ctx));
    all &= report(out, "kafka", !kafka_ping(KAFKA_MS));
    json_close_object(out);
    report(out, "status", all);
    json_close_object(out);
    rp->status = all ? 200 : 503;
    return NULL;
}

const struct err *gateway_handle_live(struct request *rq, struct reply *rp)
{
    (void)rq;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    report(out, "status", true);
    json_close_object(out);
    return NULL;
}
