/* json-c has a json_type and a json_bool of its own; they go by other names in this file. */
#define json_type jsonc_type
#define json_bool jsonc_bool
#include <json-c/json.h>
#undef json_type
#undef json_bool

#include "common/json/json.h"

#include <limits.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/json/json_number.h"
#include "common/json/json_scan.h"

/* A `struct json` is a json-c object under another name; nobody outside this file can tell. */
static struct json_object *object_of(const struct json *value)
{
    return (struct json_object *)value;
}

static void release(void *object)
{
    json_object_put(object);
}

/* The integer that a value is though it is not written as one (150000.0); NULL when it is none. json-c keeps a number's
 * text. */
static struct json_object *integer_of(struct json_object *value)
{
    int64_t whole;
    bool is = json_object_is_type(value, json_type_double) && json_number_whole(json_object_get_string(value), &whole);
    return is ? json_object_new_int64(whole) : NULL;
}

/* Makes integers of all whole numbers in a container, as JSON Schema reads them. Returns how many members there are, in
 * every depth. */
static size_t settle(struct json_object *value)
{
    size_t members = 0;
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            struct json_object *integer = integer_of(member);
            if (integer) {
                json_object_object_add(value, key, integer);
            }
            members += 1 + (integer ? 0 : settle(member));
        }
    }
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            struct json_object *element = json_object_array_get_idx(value, i), *integer = integer_of(element);
            if (integer) {
                json_object_array_put_idx(value, i, integer);
            } else {
                members += settle(element);
            }
        }
    }
    return members;
}

/* Success means the whole text was one value; a null value is a NULL tree. */
static bool parse(const char *text, size_t len, struct json_object **root_r)
{
    /* json-c counts the scalar inside the innermost container as a level too. */
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    if (!tokener) {
        log_panic("out of memory");
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)len);
    /* A number or word at the very end is only known to be complete when something follows it. */
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        root = json_tokener_parse_ex(tokener, " ", 1);
    }
    bool complete = json_tokener_get_error(tokener) == json_tokener_success;
    json_tokener_free(tokener);
    *root_r = root;
    return complete;
}

static const struct err *parse_strict(struct arena *arena, const char *text, size_t len, const struct json **root_r,
                                      const char **why)
{
    size_t members = 0;
    struct json_object *root = NULL;
    *why = len > INT_MAX / 2 ? "too long" : json_scan(text, len, &members);
    if (*why) {
        return &err_invalid_request;
    }
    *why = "not a JSON value";
    if (!parse(text, len, &root)) {
        return &err_invalid_request;
    }
    struct json_object *integer = integer_of(root);
    if (integer) {
        json_object_put(root);
        root = integer;
    }
    if (root) {
        arena_defer(arena, release, root);
    }
    *why = "duplicate key";
    if (settle(root) != members) {
        return &err_invalid_request;
    }
    *root_r = (const struct json *)root;
    return NULL;
}

const struct err *json_parse(struct arena *arena, const char *text, size_t len, const struct json **root_r,
                             const char **why_r)
{
    const char *why = NULL;
    const struct err *e = parse_strict(arena, text, len, root_r, &why);
    if (e && why_r) {
        *why_r = why;
    }
    return e;
}

enum json_type json_type(const struct json *value)
{
    switch (json_object_get_type(object_of(value))) {
    case json_type_null:
        return JSON_NULL;
    case json_type_boolean:
        return JSON_BOOL;
    case json_type_double:
        return JSON_DOUBLE;
    case json_type_int:
        return JSON_INT;
    case json_type_object:
        return JSON_OBJECT;
    case json_type_array:
        return JSON_ARRAY;
    case json_type_string:
        return JSON_STRING;
    }
    log_panic("json-c knows a type that this module does not");
}

const struct json *json_get(const struct json *object, const char *key)
{
    struct json_object *member = NULL;
    if (json_type(object) != JSON_OBJECT || !json_object_object_get_ex(object_of(object), key, &member)) {
        return NULL;
    }
    return (const struct json *)member;
}

size_t json_count(const struct json *array)
{
    if (json_type(array) == JSON_ARRAY) {
        return json_object_array_length(object_of(array));
    }
    if (json_type(array) == JSON_OBJECT) {
        return (size_t)json_object_object_length(object_of(array));
    }
    return 0;
}

const struct json *json_at(const struct json *array, size_t index)
{
    if (json_type(array) != JSON_ARRAY) {
        return NULL;
    }
    return (const struct json *)json_object_array_get_idx(object_of(array), index);
}

const char *json_str(const struct json *value)
{
    return json_type(value) == JSON_STRING ? json_object_get_string(object_of(value)) : NULL;
}

int64_t json_int(const struct json *value, int64_t fallback)
{
    return json_type(value) == JSON_INT ? json_object_get_int64(object_of(value)) : fallback;
}

bool json_bool(const struct json *value, bool fallback)
{
    return json_type(value) == JSON_BOOL ? json_object_get_boolean(object_of(value)) : fallback;
}

void json_each(const struct json *object, bool (*fn)(const char *key, const struct json *value, void *arg), void *arg)
{
    if (json_type(object) != JSON_OBJECT) {
        return;
    }
    json_object_object_foreach(object_of(object), key, member)
    {
        if (!fn(key, (const struct json *)member, arg)) {
            return;
        }
    }
}

const struct json *json_stored_keys(struct arena *arena, const struct json *object, const char **why_r)
{
    struct json_object *copy = json_object_new_object();
    if (!copy) {
        log_panic("out of memory");
    }
    arena_defer(arena, release, copy);
    json_object_object_foreach(object_of(object), key, member)
    {
        const char *stored = text_line(arena, key, why_r);
        if (!stored) {
            return NULL;
        }
        if (json_object_object_get_ex(copy, stored, NULL)) {
            *why_r = "must not name anything twice";
            return NULL;
        }
        if (json_object_object_add(copy, stored, json_object_get(member)) != 0) {
            log_panic("out of memory");
        }
    }
    return (const struct json *)copy;
}

const char *json_text(const struct json *value)
{
    if (!value) {
        return "null";
    }
    const char *text =
        json_object_to_json_string_ext(object_of(value), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (!text) {
        log_panic("out of memory");
    }
    return text;
}
