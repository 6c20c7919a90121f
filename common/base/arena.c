#include "common/base/arena.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/decimal.h"
#include "common/base/log.h"

#define BLOCK_SIZE ((size_t)16 << 10)
#define TRIM_FROM (1u << 20)
#define SHORT_TEXT 256
#define ALIGNMENT _Alignof(max_align_t)

struct block {
    struct block *next; /* older */
    size_t size;        /* of bytes[] */
    size_t used;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct deferred {
    struct deferred *next; /* older */
    void (*fn)(void *object);
    void *object;
};

struct arena {
    struct block *blocks; /* newest first; the last one is the block that a reset keeps */
    struct deferred *deferred;
    size_t max_bytes;
    size_t used;
};

static struct block *block_new(size_t size)
{
    struct block *block = malloc(sizeof *block + size);
    if (block == NULL) {
        log_panic("out of memory for %zu bytes", size);
    }
    *block = (struct block){.size = size};
    return block;
}

struct arena *arena_new(size_t max_bytes)
{
    struct arena *arena = malloc(sizeof *arena);
    if (arena == NULL) {
        log_panic("out of memory for an arena");
    }
    *arena = (struct arena){.blocks = block_new(BLOCK_SIZE), .max_bytes = max_bytes};
    return arena;
}

void arena_reset(struct arena *arena)
{
    while (arena->deferred != NULL) {
        const struct deferred *newest = arena->deferred;
        arena->deferred = newest->next;
        newest->fn(newest->object);
    }
    while (arena->blocks->next != NULL) {
        struct block *newest = arena->blocks;
        arena->blocks = newest->next;
        free(newest);
    }
    arena->blocks->used = 0;
    /* After an unusually large unit the heap keeps what it grew by; with many processes that adds up. */
    if (arena->used > TRIM_FROM) {
        malloc_trim(0);
    }
    arena->used = 0;
}

void arena_free(struct arena **arena)
{
    if (*arena == NULL) {
        return;
    }
    arena_reset(*arena);
    free((*arena)->blocks);
    free(*arena);
    *arena = NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > arena->max_bytes - arena->used) {
        log_panic("arena limit of %zu bytes exceeded by %zu more", arena->max_bytes, size);
    }
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded > arena->blocks->size - arena->blocks->used) {
        struct block *block = block_new(rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE);
        block->next = arena->blocks;
        arena->blocks = block;
    }
    struct block *block = arena->blocks;
    void *memory = block->bytes + block->used;
    block->used += rounded;
    arena->used += size;
    return memset(memory, 0, size);
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        log_panic("arena_calloc of %zu x %zu bytes overflows", count, size);
    }
    return arena_alloc(arena, total);
}

char *arena_memdup(struct arena *arena, const void *bytes, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_memdup(arena, text, strlen(text));
}

char *arena_join(struct arena *arena, const char *const *texts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += strlen(texts[i]);
    }
    char *joined = arena_alloc(arena, len + 1);
    char *end = joined;
    for (size_t i = 0; i < count; i++) {
        end = stpcpy(end, texts[i]);
    }
    return joined;
}

char *arena_int(struct arena *arena, int64_t number)
{
    char digits[DECIMAL_SIZE];
    return arena_memdup(arena, digits, decimal_write(digits, number));
}

/* Most texts are short: those are formatted once and copied. */
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
    char brief[SHORT_TEXT];
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(brief, sizeof brief, fmt, args);
    if (len < 0) {
        log_panic("cannot format '%s'", fmt);
    }
    char *text = arena_alloc(arena, (size_t)len + 1);
    if (len < SHORT_TEXT) {
        memcpy(text, brief, (size_t)len + 1);
    } else {
        vsnprintf(text, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

void arena_defer(struct arena *arena, void (*fn)(void *object), void *object)
{
    struct deferred *deferred = ARENA_NEW(arena, struct deferred);
    *deferred = (struct deferred){.next = arena->deferred, .fn = fn, .object = object};
    arena->deferred = deferred;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
