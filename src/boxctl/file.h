/* file: whole small files into the arena. */
#ifndef BOXCTL_FILE_H
#define BOXCTL_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/err.h"

/* Reads `path`, at most `max` bytes, NUL-terminated. False with errno set (EFBIG: larger than `max`). */
BO_MUSTCHECK bool file_read(struct arena *arena, const char *path, size_t max, char **text_r, size_t *len_r);

/* The secret `name` in `folder` without its trailing newline. *secret_r is NULL when the file does not exist or
 * `folder` is NULL or empty. False with *why_r for a file that cannot be read, is empty or holds other characters than
 * visible ASCII. */
BO_MUSTCHECK bool file_secret(struct arena *arena, const char *folder, const char *name, const char **secret_r,
                              const char **why_r);

#endif
