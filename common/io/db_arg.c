#include "common/io/db_arg.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"

/* With microseconds, which is all that a timestamptz keeps. */
static const char *time_text(struct arena *arena, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    if (at == CLOCK_NONE) {
        return NULL;
    }
    if (at == INT64_MAX) {
        return "infinity";
    }
    return arena_strdup(arena, clock_format_exact(at, text));
}

/* "{a,b}", or NULL when an element is no UUID. */
static const char *uuids_text(struct arena *arena, const char *const *list, size_t count)
{
    struct buf buf;
    buf_init(&buf, arena, count * UUID_SIZE + 2);
    buf_char(&buf, '{');
    for (size_t i = 0; i < count; i++) {
        if (!uuid_valid(list[i])) {
            return NULL;
        }
        buf_printf(&buf, "%s%s", i > 0 ? "," : "", list[i]);
    }
    buf_char(&buf, '}');
    return buf.data;
}

static const char *bytes_text(struct arena *arena, const char *bytes, size_t len)
{
    return bytes == NULL ? NULL : arena_printf(arena, "\\x%s", crypto_hex(arena, bytes, len));
}

struct db_arg db_arg_sha256(struct ctx *ctx, const char *text)
{
    unsigned char *digest = arena_alloc(ctx->arena, CRYPTO_SHA256_SIZE);
    crypto_sha256(text, strlen(text), digest);
    return DB_BYTES(digest, CRYPTO_SHA256_SIZE);
}

static const char *arg_text(struct arena *arena, const struct db_arg *arg)
{
    switch (arg->type) {
    case DB_ARG_NULL:
        return NULL;
    case DB_ARG_TEXT:
        return arg->text;
    case DB_ARG_INT:
        return arena_int(arena, arg->number);
    case DB_ARG_BOOL:
        return arg->number ? "true" : "false";
    case DB_ARG_TIME:
        return time_text(arena, arg->number);
    case DB_ARG_BYTES:
        return bytes_text(arena, arg->text, arg->len);
    case DB_ARG_UUIDS:
        return uuids_text(arena, arg->list, arg->len);
    }
    return NULL;
}

const struct err *db_arg_texts(struct ctx *ctx, const struct db_arg *args, size_t count, const char *const **texts_r)
{
    const char **texts = arena_calloc(ctx->arena, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        texts[i] = arg_text(ctx->arena, &args[i]);
        if (texts[i] == NULL && args[i].type == DB_ARG_UUIDS) {
            log_error(&ctx->log, "parameter %zu: not a list of UUIDs", i + 1);
            return &err_internal;
        }
    }
    *texts_r = texts;
    return NULL;
}
