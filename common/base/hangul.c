#include "common/base/hangul.h"

#include <stdint.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/text.h"
#include "common/base/utf8.h"

/* The jamo of syllables, as NFKD leaves them (Unicode: Hangul Jamo), and the keys of each. */
static const struct {
    uint32_t first;
    const char *keys[27];
    size_t count;
} jamo[] = {
    {0x1100, {"r", "R", "s", "e", "E", "f", "a", "q", "Q", "t", "T", "d", "w", "W", "c", "z", "x", "v", "g"}, 19},
    {0x1161,
     {"k", "o", "i", "O", "j", "p", "u", "P", "h", "hk", "ho", "hl", "y", "n", "nj", "np", "nl", "b", "m", "ml", "l"},
     21},
    {0x11A8,
     {"r",  "R", "rt", "s",  "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx", "fv",
      "fg", "a", "q",  "qt", "t",  "T",  "d", "w", "c",  "z",  "x",  "v",  "g"},
     27},
};

static const char *keys_of(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_COUNT(jamo); i++) {
        if (code >= jamo[i].first && code - jamo[i].first < jamo[i].count) {
            return jamo[i].keys[code - jamo[i].first];
        }
    }
    return NULL;
}

const char *hangul_keys(struct arena *arena, const char *text)
{
    const char *at = text_nfkd(arena, text);
    if (!at) {
        return NULL;
    }
    size_t len = strlen(at);
    char *out = arena_alloc(arena, 2 * len + 1); /* a jamo is three bytes, and two keys at most */
    char *to = out;
    const char *end = at + len;
    while (at < end) {
        uint32_t code;
        const char *next = utf8_next(at, end, &code), *keys = keys_of(code);
        size_t size = keys ? strlen(keys) : (size_t)(next - at);
        memcpy(to, keys ? keys : at, size);
        to += size;
        at = next;
    }
    *to = '\0';
    return out;
}
