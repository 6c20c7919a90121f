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

/* Begins a unit of work in ctx, runs the request, leaves the finished reply in *rp (in ctx->arena), counts and logs. */
void dispatch(const struct responder *responder, struct ctx *ctx, const struct intake *intake, struct reply *rp);

/* Panics when a row of the table contradicts itself. Once, at start. */
void dispatch_check(const struct responder *responder);

#endif
