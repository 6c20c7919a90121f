/* Paths: the first line is the method, the rest the path. */
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/utf8.h"
#include "common/crypto/uuid.h"
#include "common/serve/route.h"

#define ARENA_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct route routes[] = {
    {"GET", "/events", NULL, 0, NULL, NULL, 0, NULL},
    {"POST", "/events", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/events/{id}", NULL, 0, NULL, NULL, 0, NULL},
    {"DELETE", "/events/{id}", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/venues/{id}/halls/{hallId}", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/oauth/<name>", NULL, 0, NULL, NULL, 0, NULL},
    {"GET", "/oauth/<name>/<step>", NULL, 0, NULL, NULL, 0, NULL},
};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_params(const struct request *rq, const struct route *route)
{
    bool any = strchr(route->path, '<') != NULL;
    for (int i = 0; i < rq->param_count; i++) {
        const char *value = rq->params[i].value;
        require(*value != '\0' && utf8_is_plain(value, strlen(value)) && !strchr(value, '/'));
        require(any || uuid_valid(value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ctx ctx;
    if (!ctx.arena) {
        ctx.arena = arena_new(ARENA_MAX);
    }
    ctx_begin(&ctx, NULL, NULL);
    const char *method = arena_memdup(ctx.arena, data, size), *path = "";
    char *newline = strchr(method, '\n');
    if (newline) {
        *newline = '\0';
        path = newline + 1;
    }
    struct request rq = {.ctx = &ctx};
    const struct route *route = NULL;
    char allow[32]; /* shorter than it might be */
    enum route_match match = route_find(routes, ARRAY_COUNT(routes), method, path, &rq, &route, allow, sizeof allow);
    require((match == ROUTE_FOUND || match == ROUTE_NO_ID) == (route != NULL));
    require((match == ROUTE_NO_METHOD) == (match != ROUTE_FOUND && allow[0] != '\0'));
    if (route) {
        check_params(&rq, route);
    }
    return 0;
}
