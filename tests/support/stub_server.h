/*
 * stub_server: an HTTP server in a child process that answers what a test tells it, for the other ends of our clients.
 * One request per connection, one at a time. State that test and handler share lives in memory from stub_shared().
 */
#ifndef TESTS_SUPPORT_STUB_SERVER_H
#define TESTS_SUPPORT_STUB_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#define STUB_BODY_MAX 8192

struct stub_request {
    char method[16];
    char path[512]; /* with the query string */
    char body[STUB_BODY_MAX];
    char idempotency_key[300]; /* as sent, with its quotes */
};

struct stub_answer {
    int status;
    char body[STUB_BODY_MAX]; /* JSON */
    bool drop;                /* the connection is closed without an answer */
};

typedef void stub_handler(const struct stub_request *request, struct stub_answer *answer_r, void *shared);

struct stub_server;

/* Zeroed memory that parent and child share; ends with the program. */
void *stub_shared(size_t size);
/* Listens on a free port of the loopback interface. Never NULL. */
struct stub_server *stub_start(stub_handler *handler, void *shared);
/* "http://127.0.0.1:12345" */
const char *stub_url(const struct stub_server *server);
/* NULL-safe; leaves NULL. */
void stub_stop(struct stub_server **server);

#endif
