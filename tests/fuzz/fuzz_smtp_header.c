/* Text in the head of a mail: whatever comes in, no line of it is another header's, and it says what was given. */
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/utf8.h"
#include "common/crypto/crypto.h"
#include "common/io/smtp_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORD_BEGINS "=?UTF-8?B?"
#define WORD_MAX 60

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* One encoded word of a line; what it says is added to `said`. */
static void check_word(struct arena *arena, const char *word, size_t len, char *said)
{
    size_t head = strlen(WORD_BEGINS), size;
    require(len <= WORD_MAX && len > head + 2);
    require(strncmp(word, WORD_BEGINS, head) == 0 && strncmp(word + len - 2, "?=", 2) == 0);
    const char *base64 = arena_memdup(arena, word + head, len - head - 2);
    const char *part = (const char *)crypto_base64_decode(arena, base64, &size);
    require(part && size > 0 && utf8_is_plain(part, size));
    strncat(said, part, size);
}

static void check_text(struct arena *arena, const char *text)
{
    const char *words = smtp_header_text(arena, text);
    size_t len = strlen(text);
    if (!words) {
        require(len == 0 || len > SMTP_TEXT_MAX || !utf8_is_plain(text, len));
        return;
    }
    if (words == text) {
        require(len <= WORD_MAX && !strpbrk(text, "\r\n=?<>\",:"));
        return;
    }
    char *said = arena_alloc(arena, len + 1);
    said[0] = '\0';
    for (const char *at = words; *at;) {
        size_t line = strcspn(at, "\r\n");
        check_word(arena, at, line, said);
        at += line;
        require(*at == '\0' || strncmp(at, "\r\n =", 4) == 0);
        at += *at ? 3 : 0;
    }
    require(strcmp(said, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(16384 + 64 * size);
    const char *text = arena_memdup(arena, data, size);
    check_text(arena, text);
    if (smtp_header_address(text)) {
        require(strlen(text) <= SMTP_ADDRESS_MAX && !strpbrk(text, " \r\n<>,") && strchr(text, '@'));
    }
    arena_free(&arena);
    return 0;
}
