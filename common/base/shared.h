/*
 * shared: files of fixed size mapped into the memory of all processes that open them.
 *
 * The mapped struct starts with a struct shared_head. A file of an earlier boot, of another layout or of another size
 * is replaced by a new one, never changed in place, so that a process that still maps it goes on undisturbed.
 */
#ifndef COMMON_SHARED_H
#define COMMON_SHARED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct shared_head {
    uint64_t layout; /* of the owner's choice: another number for every other layout */
    char boot[40];   /* the machine's boot: locks and monotonic times mean nothing in the next one */
};

/* Maps <dir>/<name>, making directory and file if need be. A new file is zeroed and handed to init() (may be NULL)
 * before any other process can see it. NULL with errno set when that fails. Unmap with munmap(). */
void *shared_map(const char *dir, const char *name, uint64_t layout, size_t size, void (*init)(void *fresh));
/* Whether the bytes were written by this layout in this boot. */
BO_MUSTCHECK bool shared_current(const struct shared_head *head, uint64_t layout);

/* A mutex inside such a file, for the processes that map it. One that is killed while holding it blocks nobody. */
void shared_mutex_init(pthread_mutex_t *mutex);
enum shared_lock {
    SHARED_LOCKED,
    SHARED_INHERITED, /* locked, but the last holder died half way: what the mutex guards may be half written */
    SHARED_FAILED,    /* not locked */
};
BO_MUSTCHECK enum shared_lock shared_lock(pthread_mutex_t *mutex);
void shared_unlock(pthread_mutex_t *mutex);

#endif
