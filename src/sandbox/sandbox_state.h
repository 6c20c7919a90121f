/*
 * sandbox_state: where the stand-ins keep what they know: JSON documents in a Redis database of their own.
 *
 * A document is changed by replacing exactly the bytes that were read, so two concurrent changes can never both be
 * based on the same state: the second one reads again.
 */
#ifndef SANDBOX_SANDBOX_STATE_H
#define SANDBOX_SANDBOX_STATE_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

/* One name space and one hash slot. */
#define SANDBOX_KEY(name) "{sandbox}:" name
#define SANDBOX_DOCUMENT_MAX (256u << 10)

/* *text_r is NULL when there is no such document. */
BO_MUSTCHECK const struct err *sandbox_load(struct ctx *ctx, const char *key, const char **text_r);
/* Stores `text`, for ttl_s seconds when that is > 0, whatever was there. */
BO_MUSTCHECK const struct err *sandbox_store(struct ctx *ctx, const char *key, const char *text, int ttl_s);
/* Takes the document away: of concurrent callers one gets it, the others NULL. */
BO_MUSTCHECK const struct err *sandbox_take(struct ctx *ctx, const char *key, const char **text_r);
/* Replaces `old` (NULL: nothing) by `text` and notes `member` in the list `index` in order of first appearance.
 * *done_r is false, and nothing changed, when the document is no longer `old`. */
struct sandbox_swap {
    const char *key;
    const char *old;
    const char *text;
    const char *index;
    const char *member;
};
BO_MUSTCHECK const struct err *sandbox_swap(struct ctx *ctx, const struct sandbox_swap *swap, bool *done_r);
/* Forgets everything. */
BO_MUSTCHECK const struct err *sandbox_forget(struct ctx *ctx);

/* The struct as a document, in the arena. */
const char *sandbox_write(struct ctx *ctx, const struct shape *shape, const void *value);

#endif
