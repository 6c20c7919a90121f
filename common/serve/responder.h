/*
 * responder: the skeleton of a FastCGI program. A responder is a route table and a main() of ten lines.
 *
 * responder_main() owns settings (--help, --dump-config, --version), connections and reconnecting, the accept loop,
 * SIGTERM/SIGINT/SIGUSR1 draining (the request in progress is finished, then exit 0), the per-request arena, trace id,
 * error bodies, the request log, metrics per route, maximum requests per process, the watchdog, and
 * GET /internal/health (UP when every need answers). Started from a shell with REQUEST_METHOD set it answers one
 * request as plain CGI on standard output:
 *
 *     REQUEST_METHOD=GET DOCUMENT_URI=/events build/event.fcgi
 */
#ifndef COMMON_RESPONDER_H
#define COMMON_RESPONDER_H

#include "common/base/cfg.h"
#include "common/context/ctx.h"
#include "common/serve/route.h"

struct responder {
    const char *name; /* "event" */
    const struct route *routes;
    size_t route_count;
    unsigned needs;                    /* enum ctx_need; health asks these */
    const struct err *admission_error; /* what RT_ADMITTED and RT_TOKEN answer to a missing or malformed token */
    const struct cfg_section *const *settings;  /* NULL-terminated; may be NULL */
    const struct err *(*init)(struct ctx *ctx); /* once, after settings are loaded; may be NULL */
};

/* Loads the settings of the process, of its stores, of access tokens (when a row asks for a user) and of service keys
 * (when a row is internal) by itself; `settings` names the rest. init() must not depend on a store being up: a
 * responder starts, and answers 503, while its stores are down. Returns the exit status of the process. */
int responder_main(const struct responder *responder, int argc, char **argv);

/* One request through the dispatcher without any transport; for tests and fuzzing. `params` is a NULL-terminated list
 * of "NAME=value" as FastCGI gives them (CONTENT_LENGTH may be left out). The complete reply (status line and headers
 * included) is appended to `out`, which must not live in ctx->arena: that is reset when the request begins. */
void responder_serve(const struct responder *responder, struct ctx *ctx, const char *const *params, const char *body,
                     size_t body_len, struct buf *out);

#endif
