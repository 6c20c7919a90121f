#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/decimal.h"
#include "common/base/log.h"

#define FIRST_CAP 512 /* bytes, with the NUL */

void buf_init(struct buf *buf, struct arena *arena, size_t max)
{
    size_t cap = max < FIRST_CAP ? max + 1 : FIRST_CAP;
    *buf = (struct buf){.arena = arena, .data = arena_alloc(arena, cap), .cap = cap, .max = max};
}

static bool grow(struct buf *buf, size_t more)
{
    if (buf->overflow || more > buf->max - buf->len) {
        buf->overflow = true;
        return false;
    }
    size_t needed = buf->len + more + 1;
    size_t cap = buf->cap * 2 > needed ? buf->cap * 2 : needed;
    cap = cap > buf->max ? buf->max + 1 : cap;
    char *data = arena_alloc(buf->arena, cap);
    memcpy(data, buf->data, buf->len + 1);
    buf->data = data;
    buf->cap = cap;
    return true;
}

/* Makes room for `more` bytes and the NUL; false when that would pass the limit. */
static inline bool reserve(struct buf *buf, size_t more)
{
    return (more < buf->cap - buf->len && !buf->overflow) || grow(buf, more);
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (len > 0 && reserve(buf, len)) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
        buf->data[buf->len] = '\0';
    }
}

void buf_str(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
    if (reserve(buf, 1)) {
        buf->data[buf->len++] = c;
        buf->data[buf->len] = '\0';
    }
}

void buf_int(struct buf *buf, int64_t number)
{
    char digits[DECIMAL_SIZE];
    buf_add(buf, digits, decimal_write(digits, number));
}

/* Formats into what room there is: only a text that does not fit is formatted a second time. */
void buf_printf(struct buf *buf, const char *fmt, ...)
{
    if (buf->overflow) {
        return;
    }
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t room = buf->cap - buf->len;
    int len = vsnprintf(buf->data + buf->len, room, fmt, args);
    if (len < 0) {
        log_panic("cannot format '%s'", fmt);
    }
    if ((size_t)len >= room) {
        buf->data[buf->len] = '\0';
        if (reserve(buf, (size_t)len)) {
            vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
        }
    }
    buf->len += buf->overflow ? 0 : (size_t)len;
    va_end(again);
    va_end(args);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->data[0] = '\0';
    buf->overflow = false;
}
