/* Typed text: what is taken stays as it is when it is typed again, is plain, and has no white space to spare. */
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

typedef const char *stored_form(struct arena *arena, const char *typed, const char **why_r);

static void check(struct arena *arena, stored_form *form, const char *typed, const char *spare)
{
    const char *why = NULL;
    const char *stored = form(arena, typed, &why);
    if (!stored) {
        require(why && *why);
        return;
    }
    size_t len = strlen(stored);
    require(len <= 3 * strlen(typed)); /* NFC grows UTF-8 no more */
    require(len == 0 || (!strchr(" \n", stored[0]) && !strchr(" \n", stored[len - 1])));
    require(!strstr(stored, "  ") && !strpbrk(stored, spare));
    require(strcmp(form(arena, stored, &why), stored) == 0);
    require(strcmp(text_nfc(arena, stored), stored) == 0);
}

static void check_nfc(struct arena *arena, const char *typed)
{
    const char *nfc = text_nfc(arena, typed);
    require(nfc || !utf8_is_plain(typed, strlen(typed)));
    require(!nfc || strcmp(text_nfc(arena, nfc), nfc) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(4096 + 64 * size);
    const char *typed = arena_memdup(arena, data, size);
    check(arena, text_line, typed, "\t\r\n");
    check(arena, text_lines, typed, "\t\r");
    check_nfc(arena, typed);
    arena_free(&arena);
    return 0;
}
