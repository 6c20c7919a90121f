#include "common/base/utf8.h"

/* Length of the sequence that `lead` begins, its payload bits and the smallest code point of that length; 0 = none. */
static int sequence(unsigned char lead, uint32_t *bits_r, uint32_t *least_r)
{
    if (lead < 0x80) {
        *bits_r = lead;
        *least_r = 0;
        return 1;
    }
    if ((lead & 0xe0) == 0xc0) {
        *bits_r = lead & 0x1f;
        *least_r = 0x80;
        return 2;
    }
    if ((lead & 0xf0) == 0xe0) {
        *bits_r = lead & 0x0f;
        *least_r = 0x800;
        return 3;
    }
    if ((lead & 0xf8) == 0xf0) {
        *bits_r = lead & 0x07;
        *least_r = 0x10000;
        return 4;
    }
    return 0;
}

const char *utf8_next(const char *at, const char *end, uint32_t *code_r)
{
    if (at >= end) {
        return NULL;
    }
    uint32_t code = 0, least = 0;
    int len = sequence((unsigned char)*at, &code, &least);
    if (len == 0 || end - at < len) {
        return NULL;
    }
    for (int i = 1; i < len; i++) {
        unsigned char next = (unsigned char)at[i];
        if ((next & 0xc0) != 0x80) {
            return NULL;
        }
        code = code << 6 | (next & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return NULL;
    }
    *code_r = code;
    return at + len;
}

bool utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

bool utf8_is_plain(const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        if (*text >= 0x20 && *text < 0x7f) {
            text++; /* nearly all there is */
            continue;
        }
        uint32_t code;
        text = utf8_next(text, end, &code);
        if (!text || utf8_is_control(code)) {
            return false;
        }
    }
    return true;
}

int utf8_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

size_t utf8_count(const char *text)
{
    size_t count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}
