#include "common/serve/fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/crypto/crypto.h"
#include "common/run/watchdog.h"
#include "common/serve/dispatch.h"

#define LISTEN_FD 0
#define BACK_OFF_MS 100 /* when the system has no descriptors or memory to accept with */
#define JITTER_SHARE 10 /* processes started together end within this part of their requests */

bool fastcgi_available(void)
{
    return !FCGX_IsCGI();
}

/* The listen socket's name in the file system, and what stood there when this process began. */
static struct {
    char path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
    struct stat was;
} listening;

static void note_listening(void)
{
    struct sockaddr_un address = {0};
    socklen_t size = sizeof address;
    if (getsockname(LISTEN_FD, (struct sockaddr *)&address, &size) < 0 || address.sun_family != AF_UNIX) {
        return;
    }
    snprintf(listening.path, sizeof listening.path, "%s", address.sun_path);
    if (stat(listening.path, &listening.was) < 0) {
        listening.path[0] = '\0';
    }
}

/* Numbers of files are given again, hence the time too. */
static bool is_ours(const struct stat *there)
{
    const struct stat *was = &listening.was;
    return there->st_dev == was->st_dev && there->st_ino == was->st_ino &&
           there->st_ctim.tv_sec == was->st_ctim.tv_sec && there->st_ctim.tv_nsec == was->st_ctim.tv_nsec;
}

/* The whole pool ends: from now on nginx finds nobody here and tries another pool, even with a POST, while what has
 * connected before is still served. A pool that has taken over the name meanwhile keeps it. */
static void leave_name(void)
{
    struct stat there;
    if (listening.path[0] != '\0' && stat(listening.path, &there) == 0 && is_ours(&there)) {
        unlink(listening.path);
    }
}

/* A descriptor that becomes readable when this process shall stop. */
static int open_stop_fd(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGQUIT);
    sigaddset(&stop, SIGUSR1);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    int fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        log_fatal("cannot open a signalfd: %s", strerror(errno));
    }
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
    if (!rp->omit_body) {
        FCGX_PutStr(rp->body.data, (int)rp->body.len, request->out);
    }
}

/* True when the client has said all that it has to say, the end of its input included. */
static bool heard_out(FCGX_Request *request)
{
    return FCGX_GetChar(request->in) == EOF && FCGX_GetError(request->in) == 0;
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
    /* A client that is still sending would lose the reply to a closed connection, so libfcgi waits for it to close
     * first. One that was heard out only reads: detached from that, the process is free for the next request. */
    if (heard_out(request)) {
        FCGX_Detach(request);
    }
    send_reply(request, ctx, &rp);
    FCGX_Finish_r(request);
}

/* ---- accepting ---- */

enum next {
    NEXT_REQUEST, /* a request has been accepted */
    NEXT_WAIT,    /* none yet */
    NEXT_STOP,    /* a signal asks to stop */
    NEXT_LAST,    /* both: a connection that woke this process wakes no other */
    NEXT_BROKEN,  /* the listen socket is of no more use */
};

/* What a process of the pool waits for. */
struct waiting {
    int stop_fd;
    int listen_fd; /* an epoll on the listen socket and stop_fd */
    int stop_only; /* an epoll on stop_fd */
};

static void watch(int epoll_fd, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        log_fatal("cannot wait on descriptor %d: %s", fd, strerror(errno));
    }
}

/* The listen socket is shared by the pool: exclusively, so that a connection wakes one process, not all. */
static struct waiting open_waiting(void)
{
    struct waiting waiting = {open_stop_fd(), epoll_create1(EPOLL_CLOEXEC), epoll_create1(EPOLL_CLOEXEC)};
    if (waiting.listen_fd < 0 || waiting.stop_only < 0) {
        log_fatal("cannot open an epoll: %s", strerror(errno));
    }
    watch(waiting.listen_fd, waiting.stop_fd, EPOLLIN);
    watch(waiting.listen_fd, LISTEN_FD, EPOLLIN | EPOLLEXCLUSIVE);
    watch(waiting.stop_only, waiting.stop_fd, EPOLLIN);
    return waiting;
}

static void close_waiting(const struct waiting *waiting)
{
    close(waiting->stop_only);
    close(waiting->listen_fd);
    close(waiting->stop_fd);
}

static enum next what_next(bool stop, uint32_t connection)
{
    /* A listen socket that was shut down stays readable, but accept() says EAGAIN: without this we would spin. */
    if (connection && connection != EPOLLIN) {
        log_error(NULL, "the listen socket was shut down");
        return NEXT_BROKEN;
    }
    if (connection) {
        return stop ? NEXT_LAST : NEXT_REQUEST;
    }
    return stop ? NEXT_STOP : NEXT_WAIT;
}

/* Waits for a connection or a signal. */
static enum next wait_for(int epoll_fd, int timeout_ms)
{
    struct epoll_event events[2];
    int ready = epoll_wait(epoll_fd, events, 2, timeout_ms);
    if (ready < 0 && errno != EINTR) {
        log_panic("epoll_wait failed: %s", strerror(errno));
    }
    bool stop = false;
    uint32_t connection = 0;
    for (int i = 0; i < ready; i++) {
        if (events[i].data.fd == LISTEN_FD) {
            connection = events[i].events;
        } else {
            stop = true;
        }
    }
    return what_next(stop, connection);
}

static enum next accept_request(FCGX_Request *request, const struct waiting *waiting)
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
        return wait_for(waiting->stop_only, BACK_OFF_MS);
    }
    log_error(NULL, "cannot accept: %s", strerror(error));
    return NEXT_BROKEN;
}

/* Accepting is watched too: libfcgi reads the head of the request in it. */
static enum next serve_next(FCGX_Request *request, const struct waiting *waiting, const struct responder *responder,
                            struct ctx *ctx)
{
    enum next awaited = wait_for(waiting->listen_fd, -1);
    if (awaited != NEXT_REQUEST && awaited != NEXT_LAST) {
        return awaited;
    }
    watchdog_arm(cfg_process.watchdog_ms);
    enum next next = accept_request(request, waiting);
    if (next == NEXT_REQUEST) {
        serve(request, responder, ctx);
    }
    watchdog_rest();
    ctx_end(ctx);
    return awaited == NEXT_LAST ? NEXT_STOP : next;
}

/* SIGTERM, SIGINT and SIGQUIT end the pool, SIGUSR1 only this process. */
static bool pool_ends(const struct waiting *waiting)
{
    struct signalfd_siginfo signal;
    bool ends = false;
    while (read(waiting->stop_fd, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        ends = ends || signal.ssi_signo != SIGUSR1;
    }
    return ends;
}

/* Nobody else may be left to serve those that had connected before the name was gone. */
static void drain(FCGX_Request *request, const struct waiting *waiting, const struct responder *responder,
                  struct ctx *ctx)
{
    leave_name();
    enum next next = NEXT_REQUEST;
    while (next == NEXT_REQUEST) {
        watchdog_arm(cfg_process.watchdog_ms);
        next = accept_request(request, waiting);
        if (next == NEXT_REQUEST) {
            serve(request, responder, ctx);
        }
        watchdog_rest();
        ctx_end(ctx);
    }
}

static int loop(FCGX_Request *request, const struct waiting *waiting, const struct responder *responder,
                struct ctx *ctx)
{
    int64_t left = requests_to_serve();
    while (left > 0) {
        enum next next = serve_next(request, waiting, responder, ctx);
        if (next == NEXT_STOP) {
            if (pool_ends(waiting)) {
                drain(request, waiting, responder, ctx);
            }
            return 0;
        }
        if (next == NEXT_BROKEN) {
            return 1;
        }
        left -= next == NEXT_REQUEST;
    }
    return 0;
}

int fastcgi_run(const struct responder *responder, struct ctx *ctx)
{
    struct waiting waiting = open_waiting();
    FCGX_Request request;
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, LISTEN_FD, 0) != 0) {
        log_fatal("cannot start libfcgi");
    }
    /* Should two processes wake up for one connection, the later one must not block in accept(). */
    fcntl(LISTEN_FD, F_SETFL, fcntl(LISTEN_FD, F_GETFL) | O_NONBLOCK);
    note_listening();
    watchdog_init(responder->name, ctx);
    int status = loop(&request, &waiting, responder, ctx);
    FCGX_Free(&request, 1);
    close_waiting(&waiting);
    return status;
}
