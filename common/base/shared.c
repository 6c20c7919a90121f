#include "common/base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_SIZE (sizeof((struct shared_head *)NULL)->boot)
#define BOOT_ID_LEN 36
#define DIR_MODE 0770
#define FILE_MODE 0660

/* All zero where the system does not say. */
static void read_boot(char out[static BOOT_SIZE])
{
    memset(out, 0, BOOT_SIZE);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    ssize_t len = read(fd, out, BOOT_ID_LEN);
    if (len < BOOT_ID_LEN) {
        memset(out, 0, BOOT_SIZE);
    }
    close(fd);
}

bool shared_current(const struct shared_head *head, uint64_t layout)
{
    struct shared_head now = {.layout = layout};
    read_boot(now.boot);
    return head->layout == layout && memcmp(head->boot, now.boot, sizeof now.boot) == 0;
}

/* mkdir -p; the path is cut and mended again on the way. */
static bool make_dirs(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, DIR_MODE);
        *slash = '/';
        if (failed != 0 && errno != EEXIST) {
            return false;
        }
    }
    return mkdir(path, DIR_MODE) == 0 || errno == EEXIST;
}

static void *map(int fd, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

/* NULL when there is no such file or it is not to be used as it is. */
static void *map_existing(int dir_fd, const char *name, uint64_t layout, size_t size)
{
    int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return NULL;
    }
    struct stat info;
    struct shared_head head;
    void *memory = NULL;
    if (fstat(fd, &info) == 0 && info.st_size == (off_t)size && pread(fd, &head, sizeof head, 0) == sizeof head &&
        shared_current(&head, layout)) {
        memory = map(fd, size);
    }
    close(fd);
    return memory;
}

/* Fills a new file under another name, then gives it its own. */
static void *map_new(int dir_fd, const char *name, uint64_t layout, size_t size, void (*init)(void *fresh))
{
    char draft[NAME_MAX + 1];
    snprintf(draft, sizeof draft, "%.200s.new", name);
    unlinkat(dir_fd, draft, 0);
    int fd = openat(dir_fd, draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return NULL;
    }
    /* Space is claimed now: a full disk met through the mapping would be a SIGBUS. */
    int failure = posix_fallocate(fd, 0, (off_t)size);
    void *memory = failure == 0 ? map(fd, size) : NULL;
    close(fd);
    if (memory == NULL) {
        errno = failure != 0 ? failure : errno;
        return NULL;
    }
    struct shared_head *head = memory;
    head->layout = layout;
    read_boot(head->boot);
    if (init != NULL) {
        init(memory);
    }
    if (renameat(dir_fd, draft, dir_fd, name) != 0) {
        munmap(memory, size);
        return NULL;
    }
    return memory;
}

void *shared_map(const char *dir, const char *name, uint64_t layout, size_t size, void (*init)(void *fresh))
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path || !make_dirs(path)) {
        return NULL;
    }
    int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        return NULL;
    }
    void *memory = NULL;
    /* One process at a time decides whether the file is good, and makes it. */
    if (flock(dir_fd, LOCK_EX) == 0) {
        memory = map_existing(dir_fd, name, layout, size);
        memory = memory != NULL ? memory : map_new(dir_fd, name, layout, size, init);
    }
    int failure = errno;
    close(dir_fd);
    errno = failure;
    return memory;
}

void shared_mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

enum shared_lock shared_lock(pthread_mutex_t *mutex)
{
    int failure = pthread_mutex_lock(mutex);
    if (failure == EOWNERDEAD) {
        return pthread_mutex_consistent(mutex) == 0 ? SHARED_INHERITED : SHARED_FAILED;
    }
    return failure == 0 ? SHARED_LOCKED : SHARED_FAILED;
}

void shared_unlock(pthread_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
}
