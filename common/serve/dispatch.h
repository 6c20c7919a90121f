/*
 * dispatch: one request from its variables to its reply, without any transport. Private to the responder skeleton.
 *
 * Nothing that a client sends ends the process: every refusal is an error body, every fault of ours a 500.
 */
#ifndef COMMON_DISPATCH_H
#define COMMON_DISPATCH_H

#include "common/serve/responder.h"

/* A request as a transport hands it in. */
struct intake {
    const char *const *env; /* "NAME=value", NULL-terminated */
    /* Reads exactly `len` bytes of the body; false when fewer came. */
    bool (*read)(void *source, char *to, size_t len);
    void *source;
};

/* A request under way; all members are private but rq.ask: what is to be asked of Redis next, NULL when the reply is
 * finished. */
struct unit {
    const struct responder *responder;
    const struct intake *intake;
    struct request rq;
    struct reply *rp;
    const struct route *route; /* NULL: none was found */
    bool health;
    char allow[64]; /* value of the Allow header when the method is wrong */
    int64_t started;
};

/* Begins a unit of work in ctx and runs the request up to its first exchange with Redis, or to its end: then the
 * finished reply is in *rp (in ctx->arena), counted and logged. `intake` and `rp` are borrowed up to the end. */
void dispatch_begin(struct unit *unit, const struct responder *responder, struct ctx *ctx, const struct intake *intake,
                    struct reply *rp);
/* Goes on with what the exchange has brought: an error, or the answers. To be repeated while there is an rq.ask. */
void dispatch_go_on(struct unit *unit, const struct err *e, const struct redis_value *answers);
/* The whole, each exchange for itself. */
void dispatch(const struct responder *responder, struct ctx *ctx, const struct intake *intake, struct reply *rp);

/* Panics when a row of the table contradicts itself. Once, at start. */
void dispatch_check(const struct responder *responder);

#endif
