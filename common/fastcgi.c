#include "common/fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/dispatch.h"
#include "common/watchdog.h"

#define LISTEN_FD 0
#define BACK_OFF_MS 100 /* when the system has no descriptors or memory to accept with */
#define JITTER_SHARE 10 /* processes started together end within this part of their requests */

bool fastcgi_available(void)
{
    return !FCGX_IsCGI();
}

/* A descriptor that becomes readable when this process shall stop. */
static int open_stop_fd(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGUSR1);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    int fd = signalfd(-1, &stop, SFD_CLOEXEC);
    if (fd < 0)
        log_fatal("cannot open a signalfd: %s", strerror(errno));
    return fd;
}

static int64_t requests_to_serve(void)
{
    int64_t max = cfg_process.max_requests;
    uint32_t random;
    crypto_random(&random, sizeof random);
    return max == 0 ? INT64_MAX : max - random % (max / JITTER_SHARE + 1);
}

/* ---- one request ---- */

static bool read_stdin(void *source, char *to, size_t len)
{
    FCGX_Stream *in = source;
    return FCGX_GetStr(to, (int)len, in) == (int)len && FCGX_GetError(in) == 0;
}

static void send_reply(FCGX_Request *request, const struct ctx *ctx, const struct reply *rp)
{
    struct buf head;
    buf_init(&head, ctx->arena, REPLY_HEAD_MAX);
    reply_head(rp, &head);
    FCGX_PutStr(head.data, (int)head.len, request->out);
    if (!rp->omit_body)
        FCGX_PutStr(rp->body.data, (int)rp->body.len, request->out);
}

static void serve(FCGX_Request *request, const struct responder *responder, struct ctx *ctx)
{
    const struct intake intake = {.env = (const char *const *)request->envp, .read = read_stdin, .source = request->in};
    struct reply rp;
    dispatch(responder, ctx, &intake, &rp);
    /* One connection, one request: a kept connection would hold this whole process. */
    request->keepConnection = 0;
    if (rp.dropped) {
        FCGX_Free(request, 1);
        return;
    }
    send_reply(request, ctx, &rp);
    FCGX_Finish_r(request);
}

/* ---- accepting ---- */

enum next {
    NEXT_REQUEST, /* a request has been accepted */
    NEXT_WAIT,    /* none yet */
    NEXT_STOP,    /* a signal asks to stop */
    NEXT_BROKEN,  /* the listen socket is of no more use */
};

/* Waits for a connection or a signal; for a signal only when `listen_fd` is -1. */
static enum next wait_for(int stop_fd, int listen_fd, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = listen_fd, .events = POLLIN}};
    int ready = poll(fds, 2, timeout_ms);
    if (ready < 0 && errno != EINTR)
        log_panic("poll failed: %s", strerror(errno));
    if (ready <= 0)
        return NEXT_WAIT;
    if (fds[0].revents)
        return NEXT_STOP;
    /* A listen socket that was shut down stays readable, but accept() says EAGAIN: without this we would spin. */
    if (fds[1].revents == POLLIN)
        return NEXT_REQUEST;
    log_error(NULL, "the listen socket was shut down");
    return NEXT_BROKEN;
}

static enum next accept_request(FCGX_Request *request, int stop_fd)
{
    int error = -FCGX_Accept_r(request);
    switch (error) {
    case 0:
        return NEXT_REQUEST;
    case EAGAIN: /* another process of the pool was faster */
    case EINTR:
        return NEXT_WAIT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        log_warn(NULL, "cannot accept, trying again: %s", strerror(error));
        return wait_for(stop_fd, -1, BACK_OFF_MS);
    }
    log_error(NULL, "cannot accept: %s", strerror(error));
    return NEXT_BROKEN;
}

/* Accepting is watched too: libfcgi reads the head of the request in it. */
static enum next serve_next(FCGX_Request *request, int stop_fd, const struct responder *responder, struct ctx *ctx)
{
    enum next next = wait_for(stop_fd, LISTEN_FD, -1);
    if (next != NEXT_REQUEST)
        return next;
    watchdog_arm(cfg_process.watchdog_ms);
    next = accept_request(request, stop_fd);
    if (next == NEXT_REQUEST)
        serve(request, responder, ctx);
    watchdog_disarm();
    ctx_begin(ctx, NULL, NULL); /* gives the memory back while waiting */
    return next;
}

static int loop(FCGX_Request *request, int stop_fd, const struct responder *responder, struct ctx *ctx)
{
    int64_t left = requests_to_serve();
    while (left > 0) {
        enum next next = serve_next(request, stop_fd, responder, ctx);
        if (next == NEXT_STOP)
            return 0;
        if (next == NEXT_BROKEN)
            return 1;
        left -= next == NEXT_REQUEST;
    }
    return 0;
}

int fastcgi_run(const struct responder *responder, struct ctx *ctx)
{
    int stop_fd = open_stop_fd();
    FCGX_Request request;
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, LISTEN_FD, 0) != 0)
        log_fatal("cannot start libfcgi");
    /* All processes of a pool wake up for one connection; those that come too late must not block in accept(). */
    fcntl(LISTEN_FD, F_SETFL, fcntl(LISTEN_FD, F_GETFL) | O_NONBLOCK);
    watchdog_init(responder->name, ctx);
    int status = loop(&request, stop_fd, responder, ctx);
    FCGX_Free(&request, 1);
    close(stop_fd);
    return status;
}
