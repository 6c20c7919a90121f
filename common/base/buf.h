/*
 * buf: a growable byte string with a limit given at birth.
 *
 * Memory comes from an arena, so there is nothing to free. A write past `max` sets `overflow`, keeps what was there and
 * ignores every later write: check once, at the end. Content is always NUL-terminated.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct arena;

struct buf {
    struct arena *arena;
    char *data; /* NUL-terminated; never NULL after buf_init() */
    size_t len; /* without the NUL */
    size_t cap;
    size_t max; /* largest len */
    bool overflow;
};

void buf_init(struct buf *buf, struct arena *arena, size_t max);
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_str(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_int(struct buf *buf, int64_t number); /* in decimal */
void buf_printf(struct buf *buf, const char *fmt, ...) BO_PRINTF(2, 3);
/* Forgets content and overflow, keeps the memory. */
void buf_clear(struct buf *buf);

#endif
