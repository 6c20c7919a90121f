#include "common/json/json_bind.h"

#include <string.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/utf8.h"
#include "common/crypto/uuid.h"

#define STRING_MAX 1000 /* code points, where a field says nothing */
#define PATH_SIZE 256   /* of a path in `details` */
#define NAME_SIZE 64    /* longest unknown name that is repeated to the client */

static void write_place(struct buf *path, const struct place *place)
{
    if (!place) {
        return;
    }
    write_place(path, place->up);
    if (!place->name) {
        buf_printf(path, "[%zu]", place->index);
    } else {
        buf_printf(path, "%s%s", path->len ? "." : "", place->name);
    }
}

void bind_refuse(struct binder *binder, const struct place *place, const char *fmt, ...)
{
    if (binder->refused++ >= JSON_DETAILS_MAX) {
        return;
    }
    struct buf path;
    buf_init(&path, binder->ctx->arena, PATH_SIZE);
    write_place(&path, place);
    va_list args;
    va_start(args, fmt);
    const char *reason = arena_vprintf(binder->ctx->arena, fmt, args);
    va_end(args);
    (void)ctx_invalid(binder->ctx, path.len ? path.data : "body", "%s", reason);
}

void bind_refuse_unknown(struct binder *binder, const struct place *up, const char *name)
{
    struct place place = {.up = up, .name = name};
    if (strlen(name) <= NAME_SIZE) {
        bind_refuse(binder, &place, "unknown field");
    } else {
        bind_refuse(binder, up, "unknown field with a long name");
    }
}

const struct field *bind_find(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (strcmp(shape->fields[i].name, name) == 0) {
            return &shape->fields[i];
        }
    }
    return NULL;
}

static void set_absent(const struct field *field, void *slot);

void bind_nothing(const struct shape *shape, void *object)
{
    for (size_t i = 0; i < shape->count; i++) {
        set_absent(&shape->fields[i], SLOT_OF(object, &shape->fields[i]));
    }
}

static void set_absent(const struct field *field, void *slot)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_PASSWORD:
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_ENUM:
        SLOT(const char *, slot) = NULL;
        break;
    case FIELD_JSON:
        SLOT(const struct json *, slot) = NULL;
        break;
    case FIELD_INT:
        SLOT(int64_t, slot) = FIELD_NO_INT;
        break;
    case FIELD_TIME:
        SLOT(int64_t, slot) = CLOCK_NONE;
        break;
    case FIELD_BOOL:
        SLOT(int, slot) = -1;
        break;
    case FIELD_OBJECT:
        bind_nothing(field->sub, slot);
        break;
    case FIELD_LIST:
    case FIELD_TEXTS:
    case FIELD_STRS:
    case FIELD_UUIDS:
        SLOT(struct json_list, slot) = (struct json_list){NULL, 0};
        break;
    }
}

bool json_is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *choice = choices;; choice++) {
        size_t choice_len = strcspn(choice, "|");
        if (choice_len == len && memcmp(choice, text, len) == 0) {
            return true;
        }
        choice += choice_len;
        if (*choice == '\0') {
            return false;
        }
    }
}

/* The text as this type of field keeps it; NULL, with *why_r, when it is refused. */
static const char *kept_form(struct arena *arena, const struct field *field, const char *text, const char **why_r)
{
    if (field->type == FIELD_TEXT) {
        return field->flags & FIELD_LINES ? text_lines(arena, text, why_r) : text_line(arena, text, why_r);
    }
    if (!utf8_is_plain(text, strlen(text))) {
        *why_r = "must not contain control characters";
        return NULL;
    }
    return field->type == FIELD_PASSWORD ? text_nfc(arena, text) : text;
}

static int64_t least_count(const struct field *field)
{
    bool some = field->type == FIELD_TEXT && !(field->flags & FIELD_LINES);
    return field->min == 0 && some ? 1 : field->min;
}

static void bind_str(struct binder *binder, const struct field *field, const struct place *place, const char *text,
                     const char **slot)
{
    const char *why;
    const char *kept = kept_form(binder->ctx->arena, field, text, &why);
    if (!kept) {
        bind_refuse(binder, place, "%s", why);
        return;
    }
    int64_t count = (int64_t)utf8_count(kept), min = least_count(field), max = field->max ? field->max : STRING_MAX;
    if (count < min || count > max) {
        bind_refuse(binder, place, "must have %lld to %lld characters", (long long)min, (long long)max);
    } else {
        *slot = kept;
    }
}

static void bind_uuid(struct binder *binder, const struct place *place, const char *text, const char **slot)
{
    if (!uuid_valid(text)) {
        bind_refuse(binder, place, "must be a UUID");
        return;
    }
    char *copy = arena_strdup(binder->ctx->arena, text);
    for (char *c = copy; *c; c++) {
        if (*c >= 'A' && *c <= 'F') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    *slot = copy;
}

void bind_text(struct binder *binder, const struct field *field, const struct place *place, const char *text,
               void *slot)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_PASSWORD:
    case FIELD_STR:
        bind_str(binder, field, place, text, slot);
        return;
    case FIELD_UUID:
        bind_uuid(binder, place, text, slot);
        return;
    case FIELD_ENUM:
        if (json_is_choice(field->choices, text)) {
            SLOT(const char *, slot) = text;
        } else {
            bind_refuse(binder, place, "must be one of %s", field->choices);
        }
        return;
    case FIELD_TIME:
        if (!clock_parse(text, slot)) {
            bind_refuse(binder, place, "must be a time like 2026-06-01T19:00:00+09:00");
        }
        return;
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_TEXTS:
    case FIELD_STRS:
    case FIELD_UUIDS:
    case FIELD_JSON:
        break;
    }
    log_panic("field '%s' is not bound from text", field->name);
}

void bind_number(struct binder *binder, const struct field *field, const struct place *place, int64_t number,
                 int64_t *slot)
{
    bool limited = field->min != 0 || field->max != 0;
    if (limited && (number < field->min || number > field->max)) {
        bind_refuse(binder, place, "must be from %lld to %lld", (long long)field->min, (long long)field->max);
    } else if (number == FIELD_NO_INT) {
        bind_refuse(binder, place, "is too small");
    } else {
        *slot = number;
    }
}
