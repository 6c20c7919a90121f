/* What a provider sends a browser back with: any query string is read within its limits, or refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "src/user/social.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t most)
{
    if (text && (!utf8_is_plain(text, strlen(text)) || strlen(text) > 4 * most)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ctx ctx = {.arena = arena_new((4u << 20) + 16 * size)};
    const char *query = arena_memdup(ctx.arena, data, size);
    void *read = NULL;
    const struct err *e = json_read_query(&ctx, query, &social_return_shape, &read);
    if (e && (e != &err_invalid_request || read)) {
        abort();
    }
    if (!e) {
        const struct social_return *input = read;
        check(input->code, 2000);
        check(input->state, 200);
        check(input->error, 200);
    }
    arena_free(&ctx.arena);
    return 0;
}
