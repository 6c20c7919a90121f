/*
 * copy: what costs much to make, kept in Redis for all who ask, and made by one process at a time.
 *
 * A copy is fresh first and old then, for `old_ms`: what an old one is good for, while somebody makes a new one or
 * nobody can, its users decide. A copy is a convenience: a Redis that does not answer is one that has none. Blocking:
 * one round trip each.
 *
 * What changes while a copy is made of it may be missing in the copy: copy_forget(), called after the change's commit,
 * also marks the copy that is being made, which is old then from the beginning. It is kept all the same, because while
 * seats are sold a large map would otherwise never be.
 *
 * The Redis that keeps them is the one that sells, and it refuses every write when it is full. Whoever may ask for
 * copies without end must not bring that about: of copies that are `spare` no further one is kept while Redis uses more
 * than COPY_SPARE_PERCENT of its maxmemory. That is looked at where the copy is written, in the same script, so that
 * any number of makers goes beyond it by one copy at most. One that takes the place of another is kept all the same:
 * what is asked for again and again does not go for what somebody asks for once.
 */
#ifndef CONTRACT_COPY_H
#define CONTRACT_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Which copy. Both keys have one hash tag. */
struct copy {
    const char *key;
    const char *maker; /* key of the right to make it; ends by itself after COPY_MAKING_MS, with a process that died */
    int64_t old_ms;    /* the last part of its life */
    bool spare;        /* what is sold needs the memory more */
};
#define COPY_MAKING_MS 5000
#define COPY_SPARE_PERCENT 50

struct copy_found {
    const char *bytes; /* NULL: there is none; in the arena, NUL-terminated */
    size_t len;
    int64_t old_for_ms; /* above 0: since when it is old */
};

enum copy_turn {
    COPY_OURS,   /* the caller makes it, and then calls copy_keep() or copy_give_up() */
    COPY_OTHERS, /* somebody else makes it */
    COPY_AWAY,   /* it cannot be made at present: somebody has tried a moment ago */
};

/* False: Redis does not answer. */
bool copy_look(struct ctx *ctx, const struct copy *copy, struct copy_found *found_r);
/* The same of its first `most` bytes. */
bool copy_look_head(struct ctx *ctx, const struct copy *copy, size_t most, struct copy_found *found_r);
/* Asks for the right to make it; `name` is unique (uuid_v4()). Without Redis nobody has it: COPY_OTHERS. */
enum copy_turn copy_begin(struct ctx *ctx, const struct copy *copy, const char *name);
/* Keeps what was made for `life_ms`, of which the last `old_ms` old; not when the right to make it has ended, nor
 * beyond what spare copies may take. */
void copy_keep(struct ctx *ctx, const struct copy *copy, const char *name, const void *bytes, size_t len,
               int64_t life_ms);
/* It was not made: others need not try for `ms`; 0: who comes next may. */
void copy_give_up(struct ctx *ctx, const struct copy *copy, const char *name, int64_t ms);
/* After the commit of a change: the copy is old, the one that is being made too. False: Redis does not answer, and the
 * copy ends by its age. Safe to repeat. */
bool copy_forget(struct ctx *ctx, const struct copy *copy);

#endif
