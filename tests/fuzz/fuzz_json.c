/* JSON bodies: what is taken must be written as JSON that is taken again as the same. */
#include <stdlib.h>
#include <string.h>

#include "common/context/ctx.h"
#include "common/json/json.h"

#define ARENA_MAX ((size_t)512 << 20)
#define TEXT_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct item {
    const char *kind;
    int64_t at;
};
SHAPE(item_shape, struct item, {"kind", FIELD_ENUM, offsetof(struct item, kind), FIELD_REQUIRED, 0, 0, "A|B", NULL},
      {"at", FIELD_TIME, offsetof(struct item, at), 0, 0, 0, NULL, NULL});

struct everything {
    const char *name;
    int64_t amount;
    int flag;
    const char *id;
    struct item item;
    struct json_list items;
    struct json_list words;
    struct json_list ids;
    const struct json *rest;
};
#define AT(member) offsetof(struct everything, member)
SHAPE_OPEN(everything_shape, struct everything, {"name", FIELD_TEXT, AT(name), FIELD_LINES, 0, 0, NULL, NULL},
           {"amount", FIELD_INT, AT(amount), 0, 0, 0, NULL, NULL}, {"flag", FIELD_BOOL, AT(flag), 0, 0, 0, NULL, NULL},
           {"id", FIELD_UUID, AT(id), 0, 0, 0, NULL, NULL},
           {"item", FIELD_OBJECT, AT(item), 0, 0, 0, NULL, &item_shape},
           {"items", FIELD_LIST, AT(items), 0, 0, 5, NULL, &item_shape},
           {"words", FIELD_TEXTS, AT(words), 0, 0, 0, NULL, NULL}, {"ids", FIELD_UUIDS, AT(ids), 0, 0, 0, NULL, NULL},
           {"rest", FIELD_JSON, AT(rest), FIELD_KEYS, 0, 0, NULL, NULL});

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_values(struct ctx *ctx, const char *text, size_t len)
{
    const struct json *root, *again;
    if (json_parse(ctx->arena, text, len, &root, NULL)) {
        return;
    }
    const char *written = json_text(root);
    require(!json_parse(ctx->arena, written, strlen(written), &again, NULL));
    require(strcmp(written, json_text(again)) == 0);
}

static const char *write_shape(struct ctx *ctx, const void *value)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, TEXT_MAX);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, &everything_shape, value);
    return buf.data;
}

static void check_shape(struct ctx *ctx, const char *text, size_t len)
{
    void *value = NULL, *again = NULL;
    if (json_read(ctx, text, len, &everything_shape, &value)) {
        require(ctx->details != NULL);
        return;
    }
    const char *written = write_shape(ctx, value);
    require(!json_read(ctx, written, strlen(written), &everything_shape, &again));
    require(strcmp(written, write_shape(ctx, again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ctx ctx;
    if (!ctx.arena) {
        ctx.arena = arena_new(ARENA_MAX);
    }
    ctx_begin(&ctx, NULL, NULL);
    check_values(&ctx, (const char *)data, size);
    check_shape(&ctx, (const char *)data, size);
    ctx_begin(&ctx, NULL, NULL);
    return 0;
}
