/*
 * fastcgi: serving requests from a FastCGI listen socket. The only module that knows libfcgi. Private to the responder
 * skeleton.
 *
 * A process takes up to BOX_CONNECTIONS connections and serves whichever is ready; all that are ready at the same time
 * form a batch, whose questions go to Redis in one exchange (request_ask()), while statements that they have sent to
 * PostgreSQL are under way together (request_wait()). With one connection it is closed after its request, and the next
 * one waits in the listen queue for whoever is free: for services that wait for others.
 *
 * Nobody is slower than the handlers of a batch together, plus BOX_PEER_MS for every peer of it that stops in the
 * middle of a request or does not read its answer; the time is that of one read or write. (nginx, the only peer there
 * is, has all of a request before it connects.) When there is no room for more connections, those that have been served
 * are closed.
 *
 * Ending (SIGTERM, SIGINT or SIGQUIT from the parent, or after its death: the pool, whose name goes at the end;
 * SIGUSR1, a signal from anybody else, or after BOX_MAX_REQUESTS: this process) closes no connection that nginx might
 * just be using: those there are go on being served until nginx closes them, as it does after keepalive_time or
 * keepalive_timeout (stacklib/gateway.py), or BOX_DRAIN_MS is over. New ones are served, but not kept: who takes the
 * place of a process that is renewed comes only when that has gone.
 *
 * The signals stay blocked for good and are read from a signalfd between batches. So a request in progress is finished
 * undisturbed (libfcgi takes an interrupted read for the end of a body, an interrupted write for a lost client), and
 * there is no moment at which a signal could be missed.
 */
#ifndef COMMON_FASTCGI_H
#define COMMON_FASTCGI_H

#include <stdbool.h>

#include "common/serve/responder.h"

/* Is descriptor 0 a listen socket? Otherwise this is a plain CGI call or a shell. */
bool fastcgi_available(void);
/* Serves until a signal asks to stop or the process has had its share of requests (exit status 0), or the listen
 * socket fails (1). */
int fastcgi_run(const struct responder *responder, struct ctx *ctx);

#endif
