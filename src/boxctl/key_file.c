#include "src/boxctl/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600
#define TEXT_MAX 16384

bool key_folder_open(struct arena *arena, const char *folder, int *folder_r, const char **why_r)
{
    if (folder == NULL || *folder == '\0') {
        *why_r = "BOX_SECRETS_DIR must name the folder of secrets";
        return false;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool locked = fd >= 0;
    while (locked && flock(fd, LOCK_EX) != 0) {
        locked = errno == EINTR;
    }
    if (!locked) {
        *why_r = arena_printf(arena, "%s: %s", folder, strerror(errno));
        key_folder_close(&fd);
        return false;
    }
    *folder_r = fd;
    return true;
}

void key_folder_close(int *folder)
{
    if (*folder >= 0) {
        close(*folder); /* and with it the lock */
        *folder = -1;
    }
}

static bool says(int folder, const char *name, const char *text)
{
    char there[TEXT_MAX];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, there, sizeof there) : -1;
    if (fd >= 0) {
        close(fd);
    }
    bool same = len >= 0 && (size_t)len == strlen(text) && memcmp(there, text, (size_t)len) == 0;
    explicit_bzero(there, sizeof there);
    return same;
}

static bool write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t done = write(fd, text, left);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        text += done > 0 ? done : 0;
        left -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static bool write_part(int folder, const char *part, const char *text)
{
    int fd = openat(folder, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0) {
        return false;
    }
    bool written = fchmod(fd, FILE_MODE) == 0 && write_all(fd, text) && fsync(fd) == 0;
    int kept = errno;
    close(fd);
    errno = kept;
    return written;
}

bool key_file_write(struct arena *arena, int folder, const char *name, const char *text, const char **why_r)
{
    if (says(folder, name, text)) {
        return true;
    }
    const char *part = arena_printf(arena, "%s.part", name);
    bool done = write_part(folder, part, text) && renameat(folder, part, folder, name) == 0 && fsync(folder) == 0;
    if (!done) {
        *why_r = arena_printf(arena, "%s cannot be written: %s", name, strerror(errno));
    }
    return done;
}
