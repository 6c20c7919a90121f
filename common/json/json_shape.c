#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/json/json.h"
#include "common/json/json_bind.h"

#define ELEMENT_MAX 200 /* code points of an element of FIELD_TEXTS and FIELD_STRS */
#define LIST_MAX 100000 /* elements, where a field says nothing */

/* ---- reading ---- */

static void bind_object(struct binder *binder, const struct shape *shape, const struct place *place,
                        const struct json *object, void *out);

static bool check_count(struct binder *binder, const struct field *field, const struct place *place,
                        const struct json *array)
{
    if (json_type(array) != JSON_ARRAY) {
        bind_refuse(binder, place, "must be an array");
        return false;
    }
    size_t max = field->max ? (size_t)field->max : LIST_MAX;
    size_t count = json_count(array);
    if (count < (size_t)field->min || count > max) {
        bind_refuse(binder, place, "must have %lld to %zu elements", (long long)field->min, max);
        return false;
    }
    return true;
}

static void bind_list(struct binder *binder, const struct field *field, const struct place *place,
                      const struct json *array, struct json_list *slot)
{
    if (!check_count(binder, field, place, array)) {
        return;
    }
    size_t count = json_count(array);
    char *items = arena_calloc(binder->ctx->arena, count, field->sub->size);
    for (size_t i = 0; i < count; i++) {
        struct place element = {.up = place, .index = i};
        bind_object(binder, field->sub, &element, json_at(array, i), items + i * field->sub->size);
    }
    *slot = (struct json_list){items, count};
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_duplicates(struct arena *arena, const char *const *items, size_t count)
{
    const char **sorted = arena_calloc(arena, count, sizeof *sorted);
    memcpy(sorted, items, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_text);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void bind_texts(struct binder *binder, const struct field *field, const struct place *place,
                       const struct json *array, struct json_list *slot)
{
    if (!check_count(binder, field, place, array)) {
        return;
    }
    bool uuids = field->type == FIELD_UUIDS;
    const enum field_type type = uuids ? FIELD_UUID : field->type == FIELD_TEXTS ? FIELD_TEXT : FIELD_STR;
    const struct field element_field = {.type = type, .min = 1, .max = ELEMENT_MAX};
    size_t refused = binder->refused, count = json_count(array);
    const char **items = arena_calloc(binder->ctx->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        struct place element = {.up = place, .index = i};
        const char *text = json_str(json_at(array, i));
        if (text) {
            bind_text(binder, &element_field, &element, text, &items[i]);
        } else {
            bind_refuse(binder, &element, "must be a string");
        }
    }
    if (binder->refused != refused) {
        return;
    }
    if (uuids && count > 1 && has_duplicates(binder->ctx->arena, items, count)) {
        bind_refuse(binder, place, "must not name anything twice");
    } else {
        *slot = (struct json_list){items, count};
    }
}

static void bind_json(struct binder *binder, const struct field *field, const struct place *place,
                      const struct json *value, const struct json **slot)
{
    const char *why;
    if ((field->flags & FIELD_KEYS) && json_type(value) == JSON_OBJECT) {
        value = json_stored_keys(binder->ctx->arena, value, &why);
    }
    if (value) {
        *slot = value;
    } else {
        bind_refuse(binder, place, "%s", why);
    }
}

static void bind_value(struct binder *binder, const struct field *field, const struct place *place,
                       const struct json *value, void *slot)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_PASSWORD:
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_ENUM:
    case FIELD_TIME:
        if (json_type(value) == JSON_STRING) {
            bind_text(binder, field, place, json_str(value), slot);
        } else {
            bind_refuse(binder, place, "must be a string");
        }
        break;
    case FIELD_INT:
        if (json_type(value) == JSON_INT) {
            bind_number(binder, field, place, json_int(value, 0), slot);
        } else {
            bind_refuse(binder, place, "must be an integer");
        }
        break;
    case FIELD_BOOL:
        if (json_type(value) == JSON_BOOL) {
            SLOT(int, slot) = json_bool(value, false);
        } else {
            bind_refuse(binder, place, "must be true or false");
        }
        break;
    case FIELD_OBJECT:
        bind_object(binder, field->sub, place, value, slot);
        break;
    case FIELD_LIST:
        bind_list(binder, field, place, value, slot);
        break;
    case FIELD_TEXTS:
    case FIELD_STRS:
    case FIELD_UUIDS:
        bind_texts(binder, field, place, value, slot);
        break;
    case FIELD_JSON:
        bind_json(binder, field, place, value, slot);
        break;
    }
}

struct unknown_search {
    struct binder *binder;
    const struct shape *shape;
    const struct place *place;
};

static bool check_known(const char *key, const struct json *value, void *arg)
{
    const struct unknown_search *search = arg;
    (void)value;
    if (!bind_find(search->shape, key)) {
        bind_refuse_unknown(search->binder, search->place, key);
    }
    return search->binder->refused < JSON_DETAILS_MAX;
}

static void bind_object(struct binder *binder, const struct shape *shape, const struct place *place,
                        const struct json *object, void *out)
{
    bind_nothing(shape, out);
    if (json_type(object) != JSON_OBJECT) {
        bind_refuse(binder, place, "must be an object");
        return;
    }
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        struct place member = {.up = place, .name = field->name};
        const struct json *value = json_get(object, field->name);
        if (value) {
            bind_value(binder, field, &member, value, SLOT_OF(out, field));
        } else if (field->flags & FIELD_REQUIRED) {
            bind_refuse(binder, &member, "is required");
        }
    }
    if (!shape->open) {
        json_each(object, check_known, &(struct unknown_search){binder, shape, place});
    }
}

const struct err *json_bind(struct ctx *ctx, const struct json *object, const struct shape *shape, void *out)
{
    struct binder binder = {.ctx = ctx};
    void *bound = arena_alloc(ctx->arena, shape->size);
    bind_object(&binder, shape, NULL, object, bound);
    if (binder.refused) {
        return &err_invalid_request;
    }
    memcpy(out, bound, shape->size);
    return NULL;
}

const struct err *json_read(struct ctx *ctx, const char *text, size_t len, const struct shape *shape, void **out_r)
{
    const struct json *root;
    const char *why;
    if (json_parse(ctx->arena, text, len, &root, &why)) {
        return ctx_invalid(ctx, "body", "is not JSON: %s", why);
    }
    void *out = arena_alloc(ctx->arena, shape->size);
    const struct err *e = json_bind(ctx, root, shape, out);
    if (!e) {
        *out_r = out;
    }
    return e;
}

/* ---- writing ---- */

#define CONST_SLOT(type, slot) (*(const type *)(slot))
#define CONST_SLOT_OF(base, field) ((const char *)(base) + (field)->offset)

static bool is_absent(const struct field *field, const void *slot)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_PASSWORD:
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_ENUM:
        return CONST_SLOT(char *, slot) == NULL;
    case FIELD_JSON:
        return CONST_SLOT(struct json *, slot) == NULL;
    case FIELD_INT:
        return CONST_SLOT(int64_t, slot) == FIELD_NO_INT;
    case FIELD_TIME:
        return CONST_SLOT(int64_t, slot) == CLOCK_NONE;
    case FIELD_BOOL:
        return CONST_SLOT(int, slot) == -1;
    case FIELD_OBJECT:
        for (size_t i = 0; i < field->sub->count; i++) {
            if (!is_absent(&field->sub->fields[i], CONST_SLOT_OF(slot, &field->sub->fields[i]))) {
                return false;
            }
        }
        return true;
    case FIELD_LIST:
    case FIELD_TEXTS:
    case FIELD_STRS:
    case FIELD_UUIDS:
        return false;
    }
    log_panic("field '%s' has an unknown type", field->name);
}

static bool holds_nothing(const struct field *field, const void *slot)
{
    switch (field->type) {
    case FIELD_OBJECT:
        return json_is_absent(field->sub, slot);
    case FIELD_LIST:
    case FIELD_TEXTS:
    case FIELD_STRS:
    case FIELD_UUIDS:
        return CONST_SLOT(struct json_list, slot).count == 0;
    default:
        return is_absent(field, slot);
    }
}

bool json_is_absent(const struct shape *shape, const void *value)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (!holds_nothing(&shape->fields[i], CONST_SLOT_OF(value, &shape->fields[i]))) {
            return false;
        }
    }
    return true;
}

static void write_list(struct json_out *out, const struct field *field, const struct json_list *list)
{
    json_open_array(out, field->name);
    for (size_t i = 0; i < list->count; i++) {
        if (field->type == FIELD_LIST) {
            json_add_shape(out, NULL, field->sub, (const char *)list->items + i * field->sub->size);
        } else {
            json_add_str(out, NULL, ((const char *const *)list->items)[i]);
        }
    }
    json_close_array(out);
}

static void write_field(struct json_out *out, const struct field *field, const void *slot)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_PASSWORD:
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_ENUM:
        json_add_str(out, field->name, CONST_SLOT(char *, slot));
        break;
    case FIELD_INT:
        json_add_int(out, field->name, CONST_SLOT(int64_t, slot));
        break;
    case FIELD_BOOL:
        json_add_bool(out, field->name, CONST_SLOT(int, slot));
        break;
    case FIELD_TIME:
        if (field->flags & FIELD_EXACT) {
            json_add_exact_time(out, field->name, CONST_SLOT(int64_t, slot));
        } else {
            json_add_time(out, field->name, CONST_SLOT(int64_t, slot));
        }
        break;
    case FIELD_OBJECT:
        json_add_shape(out, field->name, field->sub, slot);
        break;
    case FIELD_LIST:
    case FIELD_TEXTS:
    case FIELD_STRS:
    case FIELD_UUIDS:
        write_list(out, field, slot);
        break;
    case FIELD_JSON:
        json_add_raw(out, field->name, json_text(CONST_SLOT(struct json *, slot)));
        break;
    }
}

void json_add_shape(struct json_out *out, const char *key, const struct shape *shape, const void *value)
{
    json_open_object(out, key);
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        const void *slot = CONST_SLOT_OF(value, field);
        if (!(field->flags & FIELD_HIDDEN) && !is_absent(field, slot)) {
            write_field(out, field, slot);
        }
    }
    json_close_object(out);
}
