/*
 * arena: memory with the life of one unit of work (a request, a message, a tick).
 *
 * Everything allocated from an arena is dropped together by arena_reset(); nothing is freed alone. Memory is
 * zero-filled. A request for more than the arena's limit is a bug of ours (input is limited before it gets here) and
 * ends the process by log_panic(), as does exhausted system memory. Not thread-safe; one owner.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/array.h"
#include "common/base/err.h"

struct arena;

/* A new arena that will hold at most `max_bytes`. Never NULL. */
struct arena *arena_new(size_t max_bytes);
/* Frees the arena and all in it, running what arena_defer() registered. Accepts NULL; leaves *arena NULL. */
void arena_free(struct arena **arena);
/* Drops all allocations after running the deferred functions, newest first. Keeps one block for the next use. */
void arena_reset(struct arena *arena);

/* `size` zeroed bytes, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2), returns_nonnull));
/* `count` zeroed elements; panics when count * size overflows. */
void *arena_calloc(struct arena *arena, size_t count, size_t size)
    __attribute__((malloc, alloc_size(2, 3), returns_nonnull));
char *arena_strdup(struct arena *arena, const char *text);
/* A NUL-terminated copy of `len` bytes. */
char *arena_memdup(struct arena *arena, const void *bytes, size_t len);
/* The texts one after the other: ARENA_JOIN(arena, "key:", id) costs a tenth of arena_printf(arena, "key:%s", id). */
char *arena_join(struct arena *arena, const char *const *texts, size_t count);
#define ARENA_JOIN(arena, ...) \
    arena_join((arena), (const char *const[]){__VA_ARGS__}, ARRAY_COUNT(((const char *const[]){__VA_ARGS__})))
char *arena_int(struct arena *arena, int64_t number); /* in decimal */
char *arena_printf(struct arena *arena, const char *fmt, ...) BO_PRINTF(2, 3);
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args) BO_PRINTF(2, 0);

/* Calls fn(object) when the arena is reset or freed: for vendor objects that live as long as the request. */
void arena_defer(struct arena *arena, void (*fn)(void *object), void *object);

/* Bytes allocated since the last reset. */
size_t arena_used(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
