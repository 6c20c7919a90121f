/* Query strings: what is taken is within the limits of its shape. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/context/ctx.h"
#include "common/crypto/uuid.h"
#include "common/json/json.h"

#define ARENA_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct search {
    int64_t page;
    const char *text;
    const char *id;
    int flag;
    int64_t from;
    const char *sort;
};
#define AT(member) offsetof(struct search, member)
SHAPE(search_shape, struct search, {"page", FIELD_INT, AT(page), FIELD_REQUIRED, 0, 1000, NULL, NULL},
      {"q", FIELD_TEXT, AT(text), 0, 1, 50, NULL, NULL}, {"id", FIELD_UUID, AT(id), 0, 0, 0, NULL, NULL},
      {"flag", FIELD_BOOL, AT(flag), 0, 0, 0, NULL, NULL}, {"from", FIELD_TIME, AT(from), 0, 0, 0, NULL, NULL},
      {"sort", FIELD_ENUM, AT(sort), 0, 0, 0, "date|title", NULL});

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check(const struct search *search)
{
    require(search->page >= 0 && search->page <= 1000);
    require(search->flag >= -1 && search->flag <= 1);
    require(!search->id || uuid_valid(search->id));
    require(!search->sort || strcmp(search->sort, "date") == 0 || strcmp(search->sort, "title") == 0);
    if (search->text) {
        size_t len = strlen(search->text);
        require(len >= 1 && len <= 200 && utf8_is_plain(search->text, len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ctx ctx;
    if (!ctx.arena) {
        ctx.arena = arena_new(ARENA_MAX);
    }
    ctx_begin(&ctx, NULL, NULL);
    void *search = NULL;
    const char *query = arena_memdup(ctx.arena, data, size);
    if (!json_read_query(&ctx, query, &search_shape, &search)) {
        check(search);
    } else {
        require(ctx.details != NULL);
    }
    return 0;
}
