/*
 * fastcgi: serving requests from a FastCGI listen socket, one at a time. The only module that knows libfcgi. Private to
 * the responder skeleton.
 *
 * SIGTERM, SIGINT and SIGUSR1 stay blocked for good and are read from a signalfd between requests. So a request in
 * progress is finished undisturbed (libfcgi takes an interrupted read for the end of a body, an interrupted write for a
 * lost client), and there is no moment at which a signal could be missed.
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
