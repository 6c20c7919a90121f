#include "tests/support/stub_server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MAX (64 << 10)

struct stub_server {
    pid_t pid;
    char url[64];
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

void *stub_shared(size_t size)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shared != MAP_FAILED, "mmap");
    return shared;
}

/* Reads until the head and the body that it announces are there. Returns where the body begins; NULL on a short read.
 */
static char *read_request(int fd, char *text, size_t size)
{
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, text + len, size - 1 - len);
        if (got <= 0) {
            return NULL;
        }
        len += (size_t)got;
        text[len] = '\0';
        char *body = strstr(text, "\r\n\r\n");
        if (!body) {
            continue;
        }
        body += 4;
        const char *announced = strcasestr(text, "\r\nContent-Length:");
        size_t wanted = announced && announced < body ? (size_t)atoi(announced + strlen("\r\nContent-Length:")) : 0;
        if (len - (size_t)(body - text) >= wanted) {
            return body;
        }
    }
}

static void serve(int fd, stub_handler *handler, void *shared)
{
    static char text[REQUEST_MAX];
    static struct stub_request request;
    static struct stub_answer answer;
    memset(&request, 0, sizeof request);
    memset(&answer, 0, sizeof answer);
    const char *body = read_request(fd, text, sizeof text);
    if (!body || sscanf(text, "%15s %511s", request.method, request.path) != 2) {
        return;
    }
    snprintf(request.body, sizeof request.body, "%s", body);
    const char *key = strcasestr(text, "\r\nIdempotency-Key:");
    if (key && key < body) {
        sscanf(key + strlen("\r\nIdempotency-Key:"), " %299[^\r\n]", request.idempotency_key);
    }
    handler(&request, &answer, shared);
    if (!answer.drop) {
        dprintf(
            fd,
            "HTTP/1.1 %d Stub\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
            answer.status, strlen(answer.body), answer.body);
    }
}

static void accept_for_ever(int listener, stub_handler *handler, void *shared)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            serve(fd, handler, shared);
            close(fd);
        }
    }
}

struct stub_server *stub_start(stub_handler *handler, void *shared)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    must(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 16) == 0 &&
             getsockname(listener, (struct sockaddr *)&address, &size) == 0,
         "stub server");
    struct stub_server *server = calloc(1, sizeof *server);
    must(server, "calloc");
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    server->pid = fork();
    must(server->pid >= 0, "fork");
    if (server->pid == 0) {
        accept_for_ever(listener, handler, shared);
    }
    close(listener);
    return server;
}

const char *stub_url(const struct stub_server *server)
{
    return server->url;
}

void stub_stop(struct stub_server **server)
{
    if (*server) {
        kill((*server)->pid, SIGKILL);
        waitpid((*server)->pid, NULL, 0);
        free(*server);
        *server = NULL;
    }
}
