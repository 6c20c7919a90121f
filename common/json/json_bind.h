/*
 * json_bind: what binding a JSON document and binding a query string have in common. Private to json_shape.c and
 * json_query.c.
 *
 * Binding goes on after a refused field, so that the client learns of all its mistakes at once; whoever began counts
 * them in the end.
 */
#ifndef COMMON_JSON_BIND_H
#define COMMON_JSON_BIND_H

#include "common/context/ctx.h"
#include "common/json/json.h"

/* Where in the document we are: a chain on the stack, made into text only for a complaint. NULL is the root. */
struct place {
    const struct place *up;
    const char *name; /* NULL: an element */
    size_t index;
};

struct binder {
    struct ctx *ctx;
    size_t refused;
};

/* The member of a struct, by type and field. */
#define SLOT(type, slot) (*(type *)(slot))
#define SLOT_OF(base, field) ((char *)(base) + (field)->offset)

/* Records why the value at `place` is refused. */
void bind_refuse(struct binder *binder, const struct place *place, const char *fmt, ...) BO_PRINTF(3, 4);
void bind_refuse_unknown(struct binder *binder, const struct place *up, const char *name);
/* The shape's field of that name, or NULL. */
const struct field *bind_find(const struct shape *shape, const char *name);
/* Makes every member of the struct absent. */
void bind_nothing(const struct shape *shape, void *object);
/* FIELD_TEXT, FIELD_PASSWORD, FIELD_STR, FIELD_UUID, FIELD_ENUM and FIELD_TIME. Panics for other types. */
void bind_text(struct binder *binder, const struct field *field, const struct place *place, const char *text,
               void *slot);
void bind_number(struct binder *binder, const struct field *field, const struct place *place, int64_t number,
                 int64_t *slot);

#endif
