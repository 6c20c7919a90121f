/* Times of clients and of PostgreSQL: what is taken must be written and read back as the same instant. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t again;
    int64_t whole = at - (at % CLOCK_SECOND + CLOCK_SECOND) % CLOCK_SECOND;
    clock_format_utc(whole, text);
    if (clock_parse(text, &again) && again != whole) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    int64_t at;
    if (clock_parse(text, &at)) {
        check(at);
    }
    if (clock_parse_pg(text, &at) && at != INT64_MAX) {
        check(at);
    }
    free(text);
    return 0;
}
