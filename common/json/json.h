/*
 * json: strict reading, shapes (JSON <-> struct) and writing. The only module that knows json-c.
 *
 * Reading is stricter than json-c: one UTF-8 value and nothing after it, double quotes only, no NaN, no duplicate
 * keys, no control characters or NUL in strings (also not as \u0000), no lone surrogates, integers that fit int64,
 * nesting to JSON_DEPTH_MAX. A number that is whole is an integer however it is written (150000.0, 15e4).
 *
 * A shape describes how an object becomes a struct and back: one row per member with type, place and limits. It is
 * used for request bodies, query strings, event payloads, provider answers and settings of halls alike.
 *
 * Everything returned lives in the arena.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

#define JSON_DEPTH_MAX 16
#define JSON_DETAILS_MAX CTX_DETAILS_MAX

struct arena;
struct ctx;

/* ---- values ---- */

struct json; /* a parsed value, opaque */

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Parses exactly `len` bytes. On failure returns &err_invalid_request and sets *why_r (static text, may be NULL). */
BO_MUSTCHECK const struct err *json_parse(struct arena *arena, const char *text, size_t len, const struct json **root_r,
                                          const char **why_r);
/* All of these accept NULL (= JSON null). */
enum json_type json_type(const struct json *value);
const struct json *json_get(const struct json *object, const char *key); /* NULL when absent or not an object */
size_t json_count(const struct json *array);                             /* elements or members; else 0 */
const struct json *json_at(const struct json *array, size_t index);      /* NULL beyond the end */
const char *json_str(const struct json *value);                          /* NULL when not a string */
int64_t json_int(const struct json *value, int64_t fallback);            /* fallback when not an integer */
bool json_bool(const struct json *value, bool fallback);                 /* fallback when not a boolean */
/* Calls fn for each member of an object, in document order; stops when fn returns false. */
void json_each(const struct json *object, bool (*fn)(const char *key, const struct json *value, void *arg), void *arg);

/* The object with its keys in the stored form of a line that people type (text.h). NULL when a key is refused or two
 * become one: then *why_r says it. */
const struct json *json_stored_keys(struct arena *arena, const struct json *object, const char **why_r);

/* The value as compact JSON text; lives as long as the value. NULL gives "null". */
const char *json_text(const struct json *value);

/* ---- shapes ---- */

enum field_type {
    FIELD_TEXT,     /* const char *, what people type, in its stored form (text.h), of which min/max count the code
                       points; never empty unless FIELD_LINES; absent: NULL */
    FIELD_PASSWORD, /* const char *, NFC, otherwise as typed; min/max, control characters and absent as FIELD_STR */
    FIELD_STR,      /* const char *, the words of programs (tokens, addresses, answers) as they are; min/max = length in
                       code points, no control characters; absent: NULL */
    FIELD_INT,      /* int64_t; min/max = range; absent: FIELD_NO_INT */
    FIELD_BOOL,     /* int: 0, 1; absent: -1 */
    FIELD_UUID,     /* const char *, lower-cased; absent: NULL */
    FIELD_TIME,     /* int64_t microseconds (clock.h); absent: CLOCK_NONE */
    FIELD_ENUM,     /* const char * from `choices` ("A|B|C"); absent: NULL */
    /* Single values end here: a query string has no others. */
    FIELD_OBJECT, /* struct described by `sub`, embedded; absent: zeroed with absent members */
    FIELD_LIST,   /* struct json_list of elements described by `sub`; min/max = element count */
    FIELD_TEXTS,  /* struct json_list of FIELD_TEXT; min/max = element count; elements of 1-200 characters */
    FIELD_STRS,   /* the same of FIELD_STR */
    FIELD_UUIDS,  /* struct json_list of const char *; min/max = element count; duplicates refused */
    FIELD_JSON,   /* const struct json *, any value; absent: NULL */
};

#define FIELD_NO_INT INT64_MIN

enum field_flag {
    FIELD_REQUIRED = 1u, /* must be there and not null */
    FIELD_HIDDEN = 2u,   /* never written out by json_add_shape() */
    FIELD_LINES = 4u,    /* FIELD_TEXT: several lines, or none (descriptions) */
    FIELD_KEYS = 8u,     /* FIELD_JSON: people type the keys of the object; they come in their stored form */
    FIELD_EXACT = 16u,   /* FIELD_TIME: written to the microsecond, because the order of two counts */
};

struct json_list {
    void *items; /* `count` elements side by side */
    size_t count;
};

struct shape;

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    unsigned flags;          /* enum field_flag */
    int64_t min, max;        /* see enum field_type; max 0 = the type's own: 1000 code points, any integer when min is
                                0 too, 100,000 elements */
    const char *choices;     /* FIELD_ENUM */
    const struct shape *sub; /* FIELD_OBJECT, FIELD_LIST */
};

/* The head of a row: {FIELD(struct login, "email", FIELD_STR, email), .max = 254}. */
#define FIELD(owner, label, kind, member) .name = (label), .type = (kind), .offset = offsetof(owner, member)

struct shape {
    const struct field *fields;
    size_t count;
    size_t size; /* sizeof the struct */
    bool open;   /* unknown members are ignored (answers of others); else refused */
};

/* SHAPE(name, struct type, {field}, {field}, ...) defines a closed shape; SHAPE_OPEN an open one. */
#define SHAPE_(id, type, is_open, ...)                       \
    static const struct field id##_fields[] = {__VA_ARGS__}; \
    static const struct shape id = {id##_fields, ARRAY_COUNT(id##_fields), sizeof(type), is_open}
#define SHAPE(id, type, ...) SHAPE_(id, type, false, __VA_ARGS__)
#define SHAPE_OPEN(id, type, ...) SHAPE_(id, type, true, __VA_ARGS__)

/* Is `text` one of "A|B|C", as FIELD_ENUM's choices are written? */
bool json_is_choice(const char *choices, const char *text);

/* Fills *out (shape->size bytes) from a JSON object. On failure records the refused fields, at most JSON_DETAILS_MAX,
 * with ctx_invalid() under their paths ("agreements[1].type") and returns &err_invalid_request. */
BO_MUSTCHECK const struct err *json_bind(struct ctx *ctx, const struct json *object, const struct shape *shape,
                                         void *out);
/* Does the struct hold nothing? A list without elements is nothing. */
bool json_is_absent(const struct shape *shape, const void *value);
/* json_parse() and json_bind() in one; for bodies, messages and answers. *out_r is a new struct in the arena. */
BO_MUSTCHECK const struct err *json_read(struct ctx *ctx, const char *text, size_t len, const struct shape *shape,
                                         void **out_r);
/* The same for a query string ("a=1&b=2"): percent-decoding ('+' is a space), each name at most once, a name without
 * '=' is refused. Strict UTF-8, no control characters. The shape must consist of single values (panics otherwise). */
BO_MUSTCHECK const struct err *json_read_query(struct ctx *ctx, const char *query, const struct shape *shape,
                                               void **out_r);

/* ---- writing ---- */

/* A writer on a buf. Commas and escaping are its business; nesting must be balanced. Copy-free and cheap enough for a
 * 50,000-seat map. */
struct json_out {
    struct buf *buf;
    bool comma; /* the next value needs a comma before it */
};

void json_out_init(struct json_out *out, struct buf *buf);
void json_open_object(struct json_out *out, const char *key); /* key NULL: an array element or the root */
void json_close_object(struct json_out *out);
void json_open_array(struct json_out *out, const char *key);
void json_close_array(struct json_out *out);
void json_add_str(struct json_out *out, const char *key, const char *value); /* NULL value: null */
void json_add_int(struct json_out *out, const char *key, int64_t value);
void json_add_bool(struct json_out *out, const char *key, bool value);
void json_add_null(struct json_out *out, const char *key);
void json_add_time(struct json_out *out, const char *key, int64_t at);       /* RFC 3339; CLOCK_NONE: null */
void json_add_exact_time(struct json_out *out, const char *key, int64_t at); /* the same with microseconds */
/* `json` must be valid JSON made by us (or kept from json_parse()). */
void json_add_raw(struct json_out *out, const char *key, const char *json);
/* Writes the struct as an object by its shape; absent members are left out (an object whose members are all absent
 * counts as absent; a list is always written). */
void json_add_shape(struct json_out *out, const char *key, const struct shape *shape, const void *value);

#endif
