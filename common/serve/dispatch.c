#include "common/serve/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/auth/token.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "common/serve/access.h"

#define BODY_MAX (64u << 10) /* where a route says nothing */
#define HEALTH_PATH "/internal/health"
#define ERRORS_MAX 128 /* that one program answers with */

/* ---- body ---- */

static bool is_json(const char *content_type)
{
    static const char json[] = "application/json", utf8[] = "charset=utf-8";
    if (!content_type || strncasecmp(content_type, json, sizeof json - 1) != 0) {
        return false;
    }
    const char *rest = content_type + sizeof json - 1;
    rest += strspn(rest, " \t");
    if (*rest == '\0') {
        return true;
    }
    if (*rest != ';') {
        return false;
    }
    rest += 1 + strspn(rest + 1, " \t");
    return strcasecmp(rest, utf8) == 0 || strcasecmp(rest, "charset=\"utf-8\"") == 0;
}

static const struct err *content_length(const struct request *rq, size_t *length_r)
{
    const char *text = request_env(rq->env, "CONTENT_LENGTH");
    size_t digits = text ? strspn(text, "0123456789") : 0;
    if (text && text[digits] != '\0') {
        return ctx_invalid(rq->ctx, "body", "has a malformed Content-Length");
    }
    if (digits > 15) {
        return &err_payload_too_large;
    }
    *length_r = text ? (size_t)strtoull(text, NULL, 10) : 0;
    return NULL;
}

static const struct err *read_raw(struct unit *unit)
{
    struct request *rq = &unit->rq;
    size_t len = 0, max = unit->route->body_max ? unit->route->body_max : BODY_MAX;
    const struct err *e = content_length(rq, &len);
    if (e) {
        return e;
    }
    bool json = unit->route->body && !(unit->route->flags & RT_RAW);
    if (json && len > 0 && !is_json(request_env(rq->env, "CONTENT_TYPE"))) {
        return &err_unsupported_media_type;
    }
    if (len > max) {
        return &err_payload_too_large;
    }
    char *bytes = arena_alloc(rq->ctx->arena, len + 1);
    if (!unit->intake->read(unit->intake->source, bytes, len)) {
        return ctx_invalid(rq->ctx, "body", "is cut short");
    }
    rq->raw = bytes;
    rq->raw_len = len;
    return NULL;
}

static const struct err *read_body(struct unit *unit)
{
    if (!unit->route->body && !(unit->route->flags & RT_RAW)) {
        return NULL;
    }
    const struct err *e = read_raw(unit);
    if (e || !unit->route->body) {
        return e;
    }
    if (unit->rq.raw_len == 0) {
        return ctx_invalid(unit->rq.ctx, "body", "is empty");
    }
    void *body = NULL;
    e = json_read(unit->rq.ctx, unit->rq.raw, unit->rq.raw_len, unit->route->body, &body);
    unit->rq.body = body;
    return e;
}

static const struct err *read_query(struct unit *unit)
{
    static const struct shape nothing;
    const struct route *route = unit->route;
    if ((route->flags & RT_ANY_QUERY) || (!route->query && !*unit->rq.query)) {
        return NULL;
    }
    void *args = NULL;
    const struct err *e = json_read_query(unit->rq.ctx, unit->rq.query, route->query ? route->query : &nothing, &args);
    unit->rq.args = args;
    return e;
}

/* ---- running ---- */

static bool is_health(const struct unit *unit)
{
    const char *path = unit->rq.path, *rest = path + strlen(HEALTH_PATH);
    if (strcmp(unit->rq.method, "GET") != 0 || strncmp(path, HEALTH_PATH, strlen(HEALTH_PATH)) != 0) {
        return false;
    }
    return *rest == '\0' || (*rest == '/' && strcmp(rest + 1, unit->responder->name) == 0);
}

static void answer_health(struct unit *unit)
{
    struct ctx *ctx = unit->rq.ctx;
    bool db_up = !(unit->responder->needs & NEED_DB) || !db_ping(ctx);
    bool redis_up = !(unit->responder->needs & NEED_REDIS) || !redis_ping(ctx);
    bool up = db_up && redis_up;
    struct json_out *out = reply_json(unit->rp, up ? 200 : 503);
    json_open_object(out, NULL);
    json_add_str(out, "status", up ? "UP" : "DOWN");
    json_close_object(out);
}

/* A row is found also when ids in the path are malformed: who asks is looked at first. */
static const struct err *find_route(struct unit *unit)
{
    const struct responder *responder = unit->responder;
    switch (route_find(responder->routes, responder->route_count, unit->rq.method, unit->rq.path, &unit->rq,
                       &unit->route, unit->allow, sizeof unit->allow)) {
    case ROUTE_FOUND:
        return NULL;
    case ROUTE_NO_PATH:
    case ROUTE_NO_ID:
        return &err_not_found;
    case ROUTE_NO_METHOD:
        return &err_method_not_allowed;
    }
    log_panic("route_find gave an unknown answer");
}

static const struct err *call(struct unit *unit, request_handler *half)
{
    const struct err *e = half(&unit->rq, unit->rp);
    if (e || unit->rq.next || unit->rp->dropped) {
        return e;
    }
    if (unit->rp->status == 0 || unit->rp->body.overflow) {
        log_error(&unit->rq.ctx->log, unit->rp->status ? "the reply is too long" : "the handler made no reply");
        return &err_internal;
    }
    return NULL;
}

/* The blacklist has not been looked at yet: a revoked token is told nothing else. */
static const struct err *refuse(struct unit *unit, const struct err *e)
{
    const struct request *rq = &unit->rq;
    bool late = access_looks_later(unit->route, rq);
    const struct err *revoked = late ? token_check_revoked(rq->ctx, rq->identity.jti) : NULL;
    return revoked ? revoked : e;
}

static const struct err *handle_unless_revoked(struct request *rq, struct reply *rp)
{
    const struct route *route = rq->state;
    const struct err *e = rq->answers ? token_piped_revoked(&rq->answers[0]) : NULL;
    return e ? e : route->handler(rq, rp);
}

static const struct err *go_on_without_answer(struct request *rq, const struct err *e)
{
    return token_revoked_unknown(rq->ctx, e);
}

/* The handler, or before it the blacklist: in the exchange with Redis that the whole batch shares. */
static const struct err *handle(struct unit *unit)
{
    struct request *rq = &unit->rq;
    const struct route *route = unit->route;
    if ((route->flags & RT_LATE) || !access_looks_later(route, rq)) {
        return call(unit, route->handler);
    }
    struct redis_pipe *pipe = redis_pipe_new(rq->ctx);
    token_pipe_revoked(pipe, rq->ctx, rq->identity.jti);
    request_ask(rq, pipe, handle_unless_revoked, (void *)route);
    request_on_lost(rq, go_on_without_answer);
    return NULL;
}

static const struct err *run_route(struct unit *unit, const struct err *lost)
{
    const struct err *e = access_check(unit->responder, unit->route, &unit->rq);
    e = e ? e : lost;
    e = e ? e : read_body(unit);
    e = e ? e : read_query(unit);
    e = e ? e : handle(unit);
    return e ? refuse(unit, e) : NULL;
}

static const struct err *run(struct unit *unit)
{
    unit->health = is_health(unit);
    if (unit->health) {
        answer_health(unit);
        return NULL;
    }
    const struct err *lost = find_route(unit);
    if (lost == &err_method_not_allowed && strcmp(unit->rq.method, "OPTIONS") == 0) {
        reply_empty(unit->rp, 204);
        reply_header(unit->rp, "Allow", unit->allow);
        return NULL;
    }
    return unit->route ? run_route(unit, lost) : lost;
}

/* ---- replying ---- */

/* Details are kept newest first and told oldest first. */
static void write_details(struct json_out *out, const struct ctx_detail *detail)
{
    if (!detail) {
        return;
    }
    write_details(out, detail->next);
    json_open_object(out, NULL);
    json_add_str(out, "field", detail->field);
    json_add_str(out, "reason", detail->reason);
    json_close_object(out);
}

static void answer_error(struct unit *unit, const struct err *e)
{
    struct ctx *ctx = unit->rq.ctx;
    unit->rp->header_count = 0;
    struct json_out *out = reply_json(unit->rp, e->status);
    json_open_object(out, NULL);
    json_add_str(out, "code", e->code);
    json_add_str(out, "message", request_words(&unit->rq, e->ko, e->en));
    json_add_time(out, "timestamp", clock_now());
    json_add_str(out, "traceId", ctx->trace.id);
    /* Details of other statuses are about what somebody else sent us: no business of this client. */
    bool tells = e->status == 400 || e->status == 422 || (e->flags & ERR_TELLS) != 0;
    if (tells && ctx->details) {
        json_open_array(out, "details");
        write_details(out, ctx->details);
        json_close_array(out);
    }
    json_close_object(out);
    if (e == &err_method_not_allowed) {
        reply_header(unit->rp, "Allow", unit->allow);
    }
    if (e->status == 401) {
        reply_header(unit->rp, "WWW-Authenticate", "Bearer");
    }
}

/* draft-ietf-httpapi-ratelimit-headers */
static void tell_limit(struct reply *rp, const struct ctx *ctx)
{
    const struct ctx_limit *limit = &ctx->limit;
    struct arena *arena = ctx->arena;
    if (limit->policy) {
        reply_header(rp, "RateLimit-Policy",
                     ARENA_JOIN(arena, "\"", limit->policy, "\";q=", arena_int(arena, limit->quota),
                                ";w=", arena_int(arena, limit->window_s)));
        reply_header(rp, "RateLimit",
                     ARENA_JOIN(arena, "\"", limit->policy, "\";r=", arena_int(arena, limit->left),
                                ";t=", arena_int(arena, limit->reset_s)));
    }
}

/* Headers that every reply has. */
static void complete(struct unit *unit)
{
    struct reply *rp = unit->rp;
    const struct ctx *ctx = unit->rq.ctx;
    reply_header(rp, "X-Trace-Id", ctx->trace.id);
    if (!reply_has_header(rp, "Cache-Control")) {
        reply_header(rp, "Cache-Control", "no-store");
    }
    bool timed = (rp->status == 409 || rp->status == 423) && ctx->retry_after_s > 0;
    bool later = rp->status == 429 || rp->status == 503 || timed;
    if (later && !reply_has_header(rp, "Retry-After")) {
        int seconds = ctx->retry_after_s > 0 ? ctx->retry_after_s : 1;
        reply_header(rp, "Retry-After", arena_int(ctx->arena, seconds));
    }
    tell_limit(rp, ctx);
    rp->omit_body = strcmp(unit->rq.method, "HEAD") == 0;
}

/* ---- counting and logging ---- */

/* The metrics of one route, looked up once. */
struct series {
    char *route;                /* its name in metrics and log lines */
    struct metric *requests[6]; /* by status / 100 */
    struct metric *seconds;
};

/* One row per route, then one for what no route was found for, then one for health. */
static struct {
    const struct responder *responder; /* whose rows these are */
    struct series *rows;
} counted;

static void name_row(struct series *row, const char *method, const char *path)
{
    if (asprintf(&row->route, "%s%s%s", method, *method ? " " : "", path) < 0) {
        log_panic("out of memory");
    }
}

static void count_for(const struct responder *responder)
{
    for (size_t i = 0; counted.responder && i < counted.responder->route_count + 2; i++) {
        free(counted.rows[i].route);
    }
    free(counted.rows);
    counted.rows = calloc(responder->route_count + 2, sizeof *counted.rows);
    if (!counted.rows) {
        log_panic("out of memory");
    }
    for (size_t i = 0; i < responder->route_count; i++) {
        name_row(&counted.rows[i], responder->routes[i].method, responder->routes[i].path);
    }
    name_row(&counted.rows[responder->route_count], "", "none");
    name_row(&counted.rows[responder->route_count + 1], "GET", HEALTH_PATH);
    counted.responder = responder;
}

static struct series *series_of(const struct unit *unit)
{
    const struct responder *responder = unit->responder;
    if (counted.responder != responder) {
        count_for(responder);
    }
    if (unit->health) {
        return &counted.rows[responder->route_count + 1];
    }
    return &counted.rows[unit->route ? (size_t)(unit->route - responder->routes) : responder->route_count];
}

static void count(const struct unit *unit, struct series *series, int64_t took_us)
{
    struct arena *arena = unit->rq.ctx->arena;
    int class = unit->rp->status / 100;
    class = class >= 1 && class <= 5 ? class : 0;
    if (!series->seconds) {
        series->seconds = metrics_get(METRIC_HISTOGRAM, "boxoffice_request_seconds",
                                      arena_printf(arena, "route=\"%s\"", series->route));
    }
    if (!series->requests[class]) {
        series->requests[class] =
            metrics_get(METRIC_COUNTER, "boxoffice_requests_total",
                        arena_printf(arena, "route=\"%s\",status=\"%dxx\"", series->route, class));
    }
    metrics_observe(series->seconds, took_us);
    metrics_add(series->requests[class], 1);
}

/* Errors by code: what is refused, and whether somebody tries something, shows here first. */
static void count_error(struct arena *arena, const struct err *e)
{
    static struct {
        const struct err *e;
        struct metric *metric;
    } seen[ERRORS_MAX];
    size_t i = 0;
    while (i < ERRORS_MAX && seen[i].e && seen[i].e != e) {
        i++;
    }
    if (i == ERRORS_MAX) {
        return;
    }
    if (!seen[i].e) {
        seen[i].e = e;
        seen[i].metric =
            metrics_get(METRIC_COUNTER, "boxoffice_errors_total", arena_printf(arena, "code=\"%s\"", e->code));
    }
    metrics_add(seen[i].metric, 1);
}

static void account(const struct unit *unit, const struct err *e, int64_t took_us)
{
    const struct log_ctx *log = &unit->rq.ctx->log;
    struct series *series = series_of(unit);
    int status = unit->rp->status;
    double took_ms = (double)took_us / 1000;
    count(unit, series, took_us);
    if (e) {
        count_error(unit->rq.ctx->arena, e);
    }
    if (status >= 500) {
        log_error(log, "'%s' answered %d '%s' in %.1f ms", series->route, status, e ? e->code : "", took_ms);
    } else {
        log_debug(log, "'%s' answered %d '%s' in %.1f ms", series->route, status, e ? e->code : "", took_ms);
    }
}

static void finish(struct unit *unit, const struct err *e)
{
    /* A GET changes nothing: whether it has happened does not matter. */
    e = strcmp(unit->rq.method, "GET") == 0 ? err_of_read(e) : e;
    unit->rq.next = NULL;
    if (e) {
        answer_error(unit, e);
    }
    complete(unit);
    account(unit, e, clock_monotonic() - unit->started);
}

void dispatch_begin(struct unit *unit, const struct responder *responder, struct ctx *ctx, const struct intake *intake,
                    struct reply *rp)
{
    ctx_begin(ctx, request_env(intake->env, "HTTP_TRACEPARENT"), request_env(intake->env, "HTTP_X_TRACE_ID"));
    *unit = (struct unit){.responder = responder, .intake = intake, .rp = rp, .started = clock_monotonic()};
    request_init(&unit->rq, ctx, intake->env);
    reply_init(rp, ctx->arena);
    const struct err *e = run(unit);
    if (e || !unit->rq.next) {
        finish(unit, e);
    }
}

void dispatch_go_on(struct unit *unit, const struct err *e, const struct redis_value *answers)
{
    struct request *rq = &unit->rq;
    request_handler *half = rq->next;
    rq->next = NULL;
    rq->ask = NULL;
    rq->answers = answers;
    if (e && rq->lost) {
        e = rq->lost(rq, e);
    }
    e = e ? e : call(unit, half);
    if (e || !rq->next) {
        finish(unit, e);
    }
}

void dispatch(const struct responder *responder, struct ctx *ctx, const struct intake *intake, struct reply *rp)
{
    struct unit unit;
    dispatch_begin(&unit, responder, ctx, intake, rp);
    while (unit.rq.next) {
        const struct redis_value *answers = NULL;
        const struct err *e = unit.rq.ask ? redis_pipe_run(unit.rq.ask, &answers) : NULL;
        dispatch_go_on(&unit, e, answers);
    }
}

static void check_query(const struct route *route)
{
    for (size_t i = 0; route->query && i < route->query->count; i++) {
        if (route->query->fields[i].type >= FIELD_OBJECT) {
            log_panic("'%s %s' wants '%s', which no query string can give", route->method, route->path,
                      route->query->fields[i].name);
        }
    }
}

void dispatch_check(const struct responder *responder)
{
    for (size_t i = 0; i < responder->route_count; i++) {
        const struct route *route = &responder->routes[i];
        if (!route->handler) {
            log_panic("'%s %s' has no handler", route->method, route->path);
        }
        if ((route->flags & (RT_ADMITTED | RT_TOKEN)) && !responder->admission_error) {
            log_panic("'%s %s' needs an admission_error", route->method, route->path);
        }
        check_query(route);
    }
}

/* ---- without transport ---- */

struct text_body {
    const char *bytes;
    size_t left;
};

static bool read_text(void *source, char *to, size_t len)
{
    struct text_body *body = source;
    if (len > body->left) {
        return false;
    }
    if (len > 0) {
        memcpy(to, body->bytes, len);
    }
    body->bytes += len;
    body->left -= len;
    return true;
}

static const char *const *with_length(struct arena *arena, const char *const *params, size_t body_len)
{
    size_t count = 0;
    while (params[count]) {
        count++;
    }
    const char **env = arena_calloc(arena, count + 2, sizeof *env);
    memcpy(env, params, count * sizeof *env);
    env[count] = arena_printf(arena, "CONTENT_LENGTH=%zu", body_len); /* the first of a name counts */
    return env;
}

void responder_serve(const struct responder *responder, struct ctx *ctx, const char *const *params, const char *body,
                     size_t body_len, struct buf *out)
{
    if (out->arena == ctx->arena) {
        log_panic("the reply must outlive the request's arena");
    }
    dispatch_check(responder);
    struct text_body source = {body, body_len};
    const struct intake intake = {
        .env = with_length(out->arena, params, body_len), .read = read_text, .source = &source};
    struct reply rp;
    dispatch(responder, ctx, &intake, &rp);
    if (rp.dropped) {
        return;
    }
    reply_head(&rp, out);
    if (!rp.omit_body) {
        buf_add(out, rp.body.data, rp.body.len);
    }
}
