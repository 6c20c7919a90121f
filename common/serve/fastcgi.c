#include "common/serve/fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/io/redis.h"
#include "common/run/program.h"
#include "common/run/watchdog.h"
#include "common/serve/dispatch.h"
#include "common/serve/listener.h"

#define READY_MAX 32                       /* connections heard in one turn */
#define ACCEPT_MAX 8                       /* and accepted; the rest of a burst is for the pool's other processes */
#define BATCH_MAX (READY_MAX + ACCEPT_MAX) /* requests served together */
#define BATCH_WITH_DB_MAX 8                /* where each has a session of its own with PostgreSQL */
_Static_assert(BATCH_MAX <= REDIS_PIPES_MAX, "a batch is one exchange");
#define BACK_OFF_MS 100        /* when the system has no descriptors or memory to accept with */
#define JITTER_SHARE 10        /* processes started together end within this part of their requests */
#define SWALLOW_MAX (2u << 20) /* of a body that nobody reads; nginx has all of it before it asks us */

bool fastcgi_available(void)
{
    return !FCGX_IsCGI();
}

/* One connection. */
struct peer {
    FCGX_Request request;
    int fd;       /* -1: none */
    bool passing; /* accepted when the process was about to end: not kept */
};

/* One request of a batch. */
struct slot {
    struct peer *peer;
    struct ctx *ctx;
    struct intake intake;
    struct reply rp;
    struct unit unit;
};

struct server {
    const struct responder *responder;
    pid_t parent; /* who started it */
    int stop_fd;
    int epoll_fd; /* stop_fd, the listen socket while it is `watched`, and every peer's */
    bool watched;
    bool broken; /* the listen socket */
    struct peer *peers;
    size_t room; /* of peers */
    size_t open;
    struct slot slots[BATCH_MAX];
    size_t batch;
    size_t batch_max;
    int64_t left;         /* requests until the process ends */
    int64_t drains_until; /* clock_monotonic(); 0: it serves */
    int64_t accepts_at;   /* clock_monotonic(); 0: nothing keeps it from accepting */
    bool pool_ends;
    bool last_look; /* after it, all connections are closed */
};

/* ---- what is waited for ---- */

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

static void watch(const struct server *server, int fd, uint32_t events, void *who)
{
    struct epoll_event event = {.events = events, .data.ptr = who};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        log_fatal("cannot wait on descriptor %d: %s", fd, strerror(errno));
    }
}

static void unwatch_listener(struct server *server)
{
    if (server->watched) {
        epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, LISTEN_FD, NULL);
        server->watched = false;
    }
}

/* The listen socket is shared by the pool: exclusively, so that a connection wakes one process, not all. */
static void watch_listener(struct server *server)
{
    if (server->accepts_at != 0 && clock_monotonic() < server->accepts_at) {
        return;
    }
    server->accepts_at = 0;
    if (!server->watched && !server->broken && server->open < server->room) {
        watch(server, LISTEN_FD, EPOLLIN | EPOLLEXCLUSIVE, server);
        server->watched = true;
    }
}

/* ---- connections ---- */

/* Several are kept; one is closed after its request, because it would keep its process from everybody else. */
static bool keeps(const struct server *server)
{
    return server->room > 1;
}

static void forget(struct server *server, struct peer *peer)
{
    peer->fd = -1;
    server->open--;
}

static void hang_up(struct server *server, struct peer *peer)
{
    FCGX_Free(&peer->request, 1);
    forget(server, peer);
}

static struct peer *welcome(struct server *server, int fd)
{
    struct peer *peer = server->peers;
    while (peer->fd >= 0) {
        peer++;
    }
    /* Without a listen socket: libfcgi would accept another connection in place of one that breaks off. */
    if (FCGX_InitRequest(&peer->request, -1, 0) != 0) {
        log_fatal("cannot start libfcgi");
    }
    peer->request.ipcFd = fd;
    peer->request.keepConnection = 1; /* or accepting a request would begin with closing it */
    FCGX_Detach(&peer->request); /* or libfcgi waits, when it closes it, for up to 2 s until the peer has as well */
    peer->fd = fd;
    peer->passing = server->drains_until != 0;
    server->open++;
    if (keeps(server)) {
        watch(server, fd, EPOLLIN | EPOLLRDHUP, peer);
    }
    return peer;
}

/* NULL when nobody is there. */
static struct peer *accept_peer(struct server *server)
{
    int fd;
    if (server->open == server->room) {
        return NULL;
    }
    switch (listener_accept(cfg_process.peer_ms, &fd)) {
    case ACCEPTED:
        return welcome(server, fd);
    case ACCEPTED_NONE:
        break;
    case ACCEPTED_LATER:
        server->accepts_at = clock_monotonic() + BACK_OFF_MS * 1000;
        unwatch_listener(server);
        break;
    case ACCEPTED_NOTHING:
        server->broken = true;
        break;
    }
    return NULL;
}

static bool nothing_to_read(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* ---- one request ---- */

static bool read_stdin(void *source, char *to, size_t len)
{
    FCGX_Stream *in = source;
    return FCGX_GetStr(to, (int)len, in) == (int)len && FCGX_GetError(in) == 0;
}

/* Reads the head of a request, up to its body. */
static bool read_head(struct server *server, struct peer *peer)
{
    int status = FCGX_Accept_r(&peer->request);
    if (status != 0) {
        forget(server, peer);
        return false;
    }
    if (FCGX_GetError(peer->request.in) != 0) { /* it broke off, which libfcgi takes for the end of the variables */
        hang_up(server, peer);
        return false;
    }
    return true;
}

/* Each request has the watchdog's whole time, however many are served with it. */
static void attend(const struct slot *slot)
{
    watchdog_follow(slot->ctx);
    watchdog_arm(cfg_process.watchdog_ms);
}

/* True when the client has said all that it has to say, the end of its input included: it only reads now. */
static bool heard_out(FCGX_Request *request)
{
    char rest[8192];
    size_t total = 0;
    int got;
    while ((got = FCGX_GetStr(rest, sizeof rest, request->in)) == (int)sizeof rest && total < SWALLOW_MAX) {
        total += (size_t)got;
    }
    return got < (int)sizeof rest && FCGX_GetError(request->in) == 0;
}

static void send_reply(FCGX_Request *request, const struct slot *slot)
{
    const struct reply *rp = &slot->rp;
    struct buf head;
    buf_init(&head, slot->ctx->arena, REPLY_HEAD_MAX);
    reply_head(rp, &head);
    FCGX_PutStr(head.data, (int)head.len, request->out);
    if (!rp->omit_body) {
        FCGX_PutStr(rp->body.data, (int)rp->body.len, request->out);
    }
}

static void end(struct server *server, struct slot *slot)
{
    struct peer *peer = slot->peer;
    FCGX_Request *request = &peer->request;
    attend(slot);
    if (slot->rp.dropped) {
        hang_up(server, peer);
        return;
    }
    /* A client that is still sending would lose the reply to a closed connection: for that one libfcgi waits. */
    bool heard = heard_out(request);
    /* When there is no room for more, whoever waits to connect takes the place of whoever has been served. */
    bool full = server->open == server->room;
    request->keepConnection = request->keepConnection && heard && keeps(server) && !peer->passing && !full;
    request->detached = heard;
    send_reply(request, slot);
    FCGX_Finish_r(request);
    if (request->ipcFd < 0) {
        forget(server, peer);
    }
}

/* At once: nobody who is done waits for the rest of the batch, nor does the memory of its answer. */
static bool end_if_done(struct server *server, struct slot *slot)
{
    bool done = !slot->unit.rq.next;
    if (done) {
        end(server, slot);
        ctx_end(slot->ctx);
        server->left--;
    }
    return done;
}

/* ---- a batch ---- */

/* Whatever is answered by its first half is no part of the batch. */
static void begin(struct server *server, struct peer *peer)
{
    struct slot *slot = &server->slots[server->batch];
    if (!slot->ctx) {
        slot->ctx = program_ctx_beside(server->slots[0].ctx);
    }
    attend(slot);
    if (!read_head(server, peer)) {
        return;
    }
    slot->peer = peer;
    slot->intake =
        (struct intake){.env = (const char *const *)peer->request.envp, .read = read_stdin, .source = peer->request.in};
    dispatch_begin(&slot->unit, server->responder, slot->ctx, &slot->intake, &slot->rp);
    server->batch += !end_if_done(server, slot);
}

/* The next half of all that have one, after one exchange for those that ask; false when there is none any more. */
static bool go_on(struct server *server)
{
    struct redis_pipe *pipes[BATCH_MAX];
    struct slot *going[BATCH_MAX];
    size_t count = 0, asking = 0;
    for (size_t i = 0; i < server->batch; i++) {
        const struct request *rq = &server->slots[i].unit.rq;
        if (rq->next) {
            going[count++] = &server->slots[i];
        }
        if (rq->next && rq->ask) {
            pipes[asking++] = rq->ask;
        }
    }
    if (asking > 0) {
        redis_pipes_run(pipes, asking);
    }
    for (size_t i = 0; i < count; i++) {
        struct unit *unit = &going[i]->unit;
        const struct redis_value *answers = NULL;
        const struct err *e = unit->rq.ask ? redis_pipe_outcome(unit->rq.ask, &answers) : NULL;
        attend(going[i]);
        dispatch_go_on(unit, e, answers);
        (void)end_if_done(server, going[i]);
    }
    return count > 0;
}

static void serve_batch(struct server *server)
{
    while (go_on(server)) {
    }
    server->batch = 0;
}

/* Takes one connection, and its request when it is there already. */
static bool take_one(struct server *server)
{
    struct peer *peer = accept_peer(server);
    if (!peer) {
        return false;
    }
    /* At the very end nobody will look again: whoever has connected is about to write. */
    if (!keeps(server) || server->last_look || !nothing_to_read(peer->fd)) {
        begin(server, peer);
    }
    return true;
}

/* Takes those who are waiting to connect; false when there are no more. To have the listen socket watched anew is to
 * stand last among the processes that wait for it, so that connections spread over the pool. */
static bool take_some(struct server *server)
{
    size_t room = server->batch_max - server->batch, taken = 0;
    size_t most = !keeps(server) ? 1 : room < ACCEPT_MAX ? room : ACCEPT_MAX;
    while (taken < most && take_one(server)) {
        taken++;
    }
    if (taken > 0 && keeps(server)) {
        unwatch_listener(server);
    }
    return taken == most;
}

/* ---- the loop ---- */

/* The pool ends when whoever started this process says so, or is gone; SIGUSR1, and any signal that somebody else
 * sends, end this process alone. */
static bool pool_shall_end(const struct server *server)
{
    struct signalfd_siginfo signal;
    bool ends = false;
    while (read(server->stop_fd, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        bool from_parent = (pid_t)signal.ssi_pid == server->parent || getppid() != server->parent;
        ends = ends || (signal.ssi_signo != SIGUSR1 && from_parent);
    }
    return ends;
}

static void start_draining(struct server *server, bool pool_ends)
{
    server->pool_ends = server->pool_ends || pool_ends;
    if (server->drains_until == 0) {
        server->drains_until = clock_monotonic() + cfg_process.drain_ms * 1000;
        log_info(NULL, "%s, %zu connections are let go", pool_ends ? "the pool ends" : "this process is renewed",
                 server->open);
    }
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int timeout_ms(const struct server *server)
{
    int64_t at = sooner(server->drains_until, server->accepts_at);
    if (at == 0) {
        return -1;
    }
    int64_t left_us = at - clock_monotonic();
    return left_us > 0 ? (int)(left_us / 1000) + 1 : 0;
}

/* A listen socket that was shut down stays readable, but accept() says EAGAIN: without this we would spin. */
static bool is_shut_down(uint32_t events)
{
    if (events != EPOLLIN) {
        log_error(NULL, "the listen socket was shut down");
        return true;
    }
    return false;
}

/* A peer that has closed its side altogether waits for no answer, whatever it has asked: nginx has given up. */
static void hear(struct server *server, struct peer *peer, uint32_t events)
{
    if (events & (EPOLLHUP | EPOLLERR) || (events & EPOLLRDHUP && nothing_to_read(peer->fd))) {
        hang_up(server, peer);
    } else {
        begin(server, peer);
    }
}

/* Waits, and serves all that are ready. */
static void turn(struct server *server)
{
    struct epoll_event events[READY_MAX];
    int most = server->batch_max < READY_MAX ? (int)server->batch_max : READY_MAX;
    int ready = epoll_wait(server->epoll_fd, events, most, timeout_ms(server));
    if (ready < 0 && errno != EINTR) {
        log_panic("epoll_wait failed: %s", strerror(errno));
    }
    bool stop = false, knocked = false;
    watchdog_arm(cfg_process.watchdog_ms);
    for (int i = 0; i < ready; i++) {
        if (events[i].data.ptr == NULL) {
            stop = true;
        } else if (events[i].data.ptr == server) {
            server->broken = server->broken || is_shut_down(events[i].events);
            knocked = !server->broken;
        } else {
            hear(server, events[i].data.ptr, events[i].events);
        }
    }
    if (server->broken) {
        unwatch_listener(server);
    }
    /* A connection that woke this process wakes no other. */
    if (knocked) {
        take_some(server);
    }
    serve_batch(server);
    if (stop) {
        start_draining(server, pool_shall_end(server));
    }
    watchdog_rest();
}

/* Those that had connected before the name was gone, whom nobody else may be left to serve; or the one that may have
 * woken this process and therefore no other. */
static void take_those_waiting(struct server *server)
{
    bool more = true;
    while (more) {
        watchdog_arm(cfg_process.watchdog_ms);
        more = take_some(server) && server->pool_ends;
        serve_batch(server);
        watchdog_rest();
    }
}

/* The next process comes when this one has gone: until then connections are taken as before, but not kept. */
static void drain(struct server *server)
{
    while (server->open > 0 && clock_monotonic() < server->drains_until) {
        watch_listener(server);
        turn(server);
    }
    unwatch_listener(server);
    if (server->pool_ends) {
        listener_leave_name(); /* not before: nobody may be there who would be asked instead */
    }
    server->last_look = true;
    take_those_waiting(server);
    for (size_t i = 0; i < server->room; i++) {
        if (server->peers[i].fd >= 0) {
            hang_up(server, &server->peers[i]);
        }
    }
}

static int loop(struct server *server)
{
    while (server->drains_until == 0 && !server->broken) {
        watch_listener(server);
        turn(server);
        if (server->left <= 0) {
            start_draining(server, false);
        }
    }
    if (server->broken) {
        return 1;
    }
    drain(server);
    return 0;
}

/* ---- life ---- */

static int64_t requests_to_serve(void)
{
    int64_t max = cfg_process.max_requests;
    uint32_t random;
    crypto_random(&random, sizeof random);
    return max == 0 ? INT64_MAX : max - random % (max / JITTER_SHARE + 1);
}

static void open_server(struct server *server, const struct responder *responder, struct ctx *ctx)
{
    *server = (struct server){
        .responder = responder,
        .parent = getppid(),
        .stop_fd = open_stop_fd(),
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .room = (size_t)cfg_process.connections,
        .batch_max = responder->needs & NEED_DB ? BATCH_WITH_DB_MAX : BATCH_MAX,
        .left = requests_to_serve(),
    };
    server->peers = calloc(server->room, sizeof *server->peers);
    if (server->epoll_fd < 0 || !server->peers) {
        log_fatal("cannot start serving: %s", strerror(errno));
    }
    for (size_t i = 0; i < server->room; i++) {
        server->peers[i].fd = -1;
    }
    server->slots[0].ctx = ctx;
    watch(server, server->stop_fd, EPOLLIN, NULL);
}

static void close_server(struct server *server)
{
    for (size_t i = 1; i < BATCH_MAX; i++) {
        program_ctx_free_beside(&server->slots[i].ctx);
    }
    free(server->peers);
    close(server->epoll_fd);
    close(server->stop_fd);
}

int fastcgi_run(const struct responder *responder, struct ctx *ctx)
{
    struct server server;
    open_server(&server, responder, ctx);
    if (FCGX_Init() != 0) {
        log_fatal("cannot start libfcgi");
    }
    listener_open();
    watchdog_init(responder->name, ctx);
    int status = loop(&server);
    close_server(&server);
    return status;
}
