#include "src/boxctl/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET_MAX 4096

static bool read_stream(struct arena *arena, FILE *file, size_t max, char **text_r, size_t *len_r)
{
    struct stat status;
    if (fstat(fileno(file), &status) < 0) {
        return false;
    }
    if (!S_ISREG(status.st_mode) || status.st_size < 0 || (size_t)status.st_size > max) {
        errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
        return false;
    }
    char *text = arena_alloc(arena, (size_t)status.st_size + 1);
    size_t len = fread(text, 1, (size_t)status.st_size, file);
    if (ferror(file)) {
        return false;
    }
    text[len] = '\0';
    *text_r = text;
    *len_r = len;
    return true;
}

bool file_read(struct arena *arena, const char *path, size_t max, char **text_r, size_t *len_r)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool read = read_stream(arena, file, max, text_r, len_r);
    int kept = errno;
    fclose(file);
    errno = kept;
    return read;
}

static bool visible_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '!' || text[i] > '~') {
            return false;
        }
    }
    return len > 0;
}

bool file_secret(struct arena *arena, const char *folder, const char *name, const char **secret_r, const char **why_r)
{
    if (folder == NULL || *folder == '\0') {
        *secret_r = NULL;
        return true;
    }
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    char *text;
    size_t len;
    bool read = file_read(arena, path, SECRET_MAX, &text, &len);
    if (!read && errno != ENOENT) {
        *why_r = arena_printf(arena, "%s: %s", path, strerror(errno));
        return false;
    }
    if (read && len > 0 && text[len - 1] == '\n') {
        text[--len] = '\0';
    }
    if (read && !visible_ascii(text, len)) {
        *why_r = arena_printf(arena, "%s: must be one line of visible ASCII characters", path);
        return false;
    }
    *secret_r = read ? text : NULL;
    return true;
}
