#include "common/serve/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"

/* The name, and what stood there when this process began. */
static struct {
    char path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
    struct stat was;
} listening;

static void note_name(void)
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

void listener_open(void)
{
    /* Should two processes wake up for one connection, the later one must not block in accept(). */
    fcntl(LISTEN_FD, F_SETFL, fcntl(LISTEN_FD, F_GETFL) | O_NONBLOCK);
    note_name();
}

static void limit_waiting(int fd, int64_t patience_ms)
{
    const struct timeval patience = {.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

enum accepted listener_accept(int64_t patience_ms, int *fd_r)
{
    int fd = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        limit_waiting(fd, patience_ms);
        *fd_r = fd;
        return ACCEPTED;
    }
    switch (errno) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
        return ACCEPTED_NONE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        log_warn(NULL, "cannot accept, trying again: %s", strerror(errno));
        return ACCEPTED_LATER;
    }
    log_error(NULL, "cannot accept: %s", strerror(errno));
    return ACCEPTED_NOTHING;
}

/* Numbers of files are given again, hence the time too. */
static bool is_ours(const struct stat *there)
{
    const struct stat *was = &listening.was;
    return there->st_dev == was->st_dev && there->st_ino == was->st_ino &&
           there->st_ctim.tv_sec == was->st_ctim.tv_sec && there->st_ctim.tv_nsec == was->st_ctim.tv_nsec;
}

void listener_leave_name(void)
{
    struct stat there;
    if (listening.path[0] != '\0' && stat(listening.path, &there) == 0 && is_ours(&there)) {
        unlink(listening.path);
    }
}
