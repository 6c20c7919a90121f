#include "common/serve/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/utf8.h"
#include "common/crypto/uuid.h"

struct span {
    const char *at;
    size_t len;
};

/* Takes the next segment off a path: "/events/x" gives "events" and leaves "/x". False at the end. */
static bool next_segment(const char **path, struct span *segment_r)
{
    if (**path != '/') {
        return false;
    }
    const char *at = *path + 1;
    *segment_r = (struct span){at, strcspn(at, "/")};
    *path = at + segment_r->len;
    return true;
}

static void add_param(struct request *rq, struct span name, struct span value, bool uuid)
{
    if (rq->param_count == REQUEST_PARAMS_MAX) {
        log_panic("a route has more than %d parameters", REQUEST_PARAMS_MAX);
    }
    char *copy = arena_memdup(rq->ctx->arena, value.at, value.len);
    for (char *c = copy; uuid && *c; c++) {
        if (*c >= 'A' && *c <= 'F') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    rq->params[rq->param_count].name = arena_memdup(rq->ctx->arena, name.at, name.len);
    rq->params[rq->param_count].value = copy;
    rq->param_count++;
}

static bool is_uuid(struct span value)
{
    char text[UUID_SIZE];
    if (value.len != UUID_SIZE - 1) {
        return false;
    }
    memcpy(text, value.at, value.len);
    text[value.len] = '\0';
    return uuid_valid(text);
}

/* *ids_r: false when it is malformed where the pattern has a UUID. */
static bool segment_fits(struct request *rq, struct span pattern, struct span value, bool *ids_r)
{
    char kind = *pattern.at;
    if (kind != '{' && kind != '<') {
        return pattern.len == value.len && memcmp(pattern.at, value.at, value.len) == 0;
    }
    bool uuid = kind == '{';
    if (value.len == 0) {
        return false;
    }
    if (uuid && !is_uuid(value)) {
        *ids_r = false;
        return true;
    }
    add_param(rq, (struct span){pattern.at + 1, pattern.len - 2}, value, uuid);
    return true;
}

static bool path_fits(struct request *rq, const char *pattern, const char *path, bool *ids_r)
{
    struct span wanted, given;
    rq->param_count = 0;
    *ids_r = true;
    for (;;) {
        bool more = next_segment(&pattern, &wanted);
        if (next_segment(&path, &given) != more) {
            return false;
        }
        if (!more) {
            return *path == '\0';
        }
        if (!segment_fits(rq, wanted, given, ids_r)) {
            return false;
        }
    }
}

/* A row's methods for the Allow header; a path that knows GET knows HEAD, as a rule. */
static void add_allowed(char *allow, size_t size, const struct route *route)
{
    size_t used = strlen(allow);
    bool head = strcmp(route->method, "GET") == 0 && !(route->flags & RT_ONCE);
    snprintf(allow + used, size - used, "%s%s%s", used ? ", " : "", route->method, head ? ", HEAD" : "");
}

static bool method_fits(const struct route *route, const char *method)
{
    bool head = strcmp(method, "HEAD") == 0;
    return strcmp(route->method, head ? "GET" : method) == 0 && !(head && route->flags & RT_ONCE);
}

static bool is_listed(const struct route *routes, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(routes[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

enum route_match route_find(const struct route *routes, size_t count, const char *method, const char *path,
                            struct request *rq, const struct route **route_r, char *allow, size_t size)
{
    const struct route *near = NULL;
    bool ids;
    allow[0] = '\0';
    if (!utf8_is_plain(path, strlen(path))) {
        return ROUTE_NO_PATH;
    }
    bool listed = is_listed(routes, count, path);
    for (size_t i = 0; i < count; i++) {
        if (listed && strcmp(routes[i].path, path) != 0) {
            continue;
        }
        if (!path_fits(rq, routes[i].path, path, &ids)) {
            continue;
        }
        bool fits = method_fits(&routes[i], method);
        if (fits && ids) {
            *route_r = &routes[i];
            return ROUTE_FOUND;
        }
        if (ids) {
            add_allowed(allow, size, &routes[i]);
        } else if (fits && !near) {
            near = &routes[i];
        }
    }
    rq->param_count = 0;
    if (*allow) {
        add_allowed(allow, size, &(struct route){.method = "OPTIONS"});
        return ROUTE_NO_METHOD;
    }
    if (near) {
        *route_r = near;
        return ROUTE_NO_ID;
    }
    return ROUTE_NO_PATH;
}
