/*
 * listener: the listen socket that the processes of a pool share (descriptor 0), and its name in the file system.
 * Private to the responder skeleton.
 */
#ifndef COMMON_LISTENER_H
#define COMMON_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#define LISTEN_FD 0

/* Once at start: notes the name, and makes accepting non-blocking. */
void listener_open(void);

enum accepted {
    ACCEPTED,
    ACCEPTED_NONE,    /* nobody has connected, or another process of the pool was faster */
    ACCEPTED_LATER,   /* the system has no descriptors or memory */
    ACCEPTED_NOTHING, /* the socket is of no more use */
};
/* One connection. Reading from it and writing to it take `patience_ms` at most. */
enum accepted listener_accept(int64_t patience_ms, int *fd_r);

/* The whole pool ends: from now on nginx finds nobody here and tries another pool, even with a POST, while what has
 * connected before is still served. A pool that has taken over the name meanwhile keeps it. */
void listener_leave_name(void);

#endif
