#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/utf8.h"
#include "common/json/json.h"
#include "common/json/json_bind.h"

#define PAIRS_MAX 64 /* name=value pairs */

/* Undoes percent-encoding; NULL when malformed, not UTF-8, or with control characters. */
static const char *decode(struct arena *arena, const char *text, size_t len)
{
    char *out = arena_alloc(arena, len + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        if (c == '%') {
            int high = i + 2 < len ? utf8_hex_digit(text[i + 1]) : -1;
            int low = i + 2 < len ? utf8_hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return NULL;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        out[used++] = c;
    }
    return utf8_is_plain(out, used) ? out : NULL;
}

static void bind_integer(struct binder *binder, const struct field *field, const struct place *place, const char *text,
                         void *slot)
{
    const char *digits = text + (*text == '-');
    size_t len = strspn(digits, "0123456789");
    errno = 0;
    int64_t number = strtoll(text, NULL, 10);
    if (len == 0 || digits[len] != '\0' || errno == ERANGE) {
        bind_refuse(binder, place, "must be an integer");
    } else {
        bind_number(binder, field, place, number, slot);
    }
}

static void bind_argument(struct binder *binder, const struct field *field, const struct place *place, const char *text,
                          void *slot)
{
    if (field->type == FIELD_INT) {
        bind_integer(binder, field, place, text, slot);
    } else if (field->type != FIELD_BOOL) {
        bind_text(binder, field, place, text, slot);
    } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        SLOT(int, slot) = *text == 't';
    } else {
        bind_refuse(binder, place, "must be true or false");
    }
}

struct query {
    struct binder binder;
    const struct shape *shape;
    bool *seen; /* per field */
    char *out;
};

static void bind_pair(struct query *query, const char *pair, size_t len)
{
    struct arena *arena = query->binder.ctx->arena;
    const struct place whole = {.name = "query"};
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals ? (size_t)(equals - pair) : 0;
    const char *name = equals ? decode(arena, pair, name_len) : NULL;
    const char *value = equals ? decode(arena, equals + 1, len - name_len - 1) : NULL;
    if (!name || !value) {
        bind_refuse(&query->binder, &whole, "is malformed");
        return;
    }
    const struct field *field = bind_find(query->shape, name);
    if (!field) {
        if (!query->shape->open) {
            bind_refuse_unknown(&query->binder, NULL, name);
        }
        return;
    }
    const struct place place = {.name = field->name};
    bool *seen = &query->seen[field - query->shape->fields];
    if (*seen) {
        bind_refuse(&query->binder, &place, "is given more than once");
    } else {
        bind_argument(&query->binder, field, &place, value, SLOT_OF(query->out, field));
    }
    *seen = true;
}

static void bind_pairs(struct query *query, const char *text)
{
    for (int pairs = 0; *text; pairs++) {
        size_t len = strcspn(text, "&");
        if (pairs == PAIRS_MAX) {
            bind_refuse(&query->binder, &(struct place){.name = "query"}, "has too many parts");
            return;
        }
        if (len > 0) {
            bind_pair(query, text, len);
        }
        text += len + (text[len] == '&');
    }
}

const struct err *json_read_query(struct ctx *ctx, const char *query_string, const struct shape *shape, void **out_r)
{
    struct query query = {
        .binder.ctx = ctx,
        .shape = shape,
        .seen = arena_calloc(ctx->arena, shape->count, sizeof(bool)),
        .out = arena_alloc(ctx->arena, shape->size),
    };
    bind_nothing(shape, query.out);
    bind_pairs(&query, query_string);
    for (size_t i = 0; i < shape->count; i++) {
        if ((shape->fields[i].flags & FIELD_REQUIRED) && !query.seen[i]) {
            bind_refuse(&query.binder, &(struct place){.name = shape->fields[i].name}, "is required");
        }
    }
    if (query.binder.refused) {
        return &err_invalid_request;
    }
    *out_r = query.out;
    return NULL;
}
