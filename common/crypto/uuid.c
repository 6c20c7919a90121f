#include "common/crypto/uuid.h"

#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/crypto/crypto.h"

/* A dash stands before the bytes 4, 6, 8 and 10. */
static bool dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

char *uuid_text(const unsigned char bytes[UUID_BYTES], char out[UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *to = out;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (dash_before(i)) {
            *to++ = '-';
        }
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 0x0f];
    }
    *to = '\0';
    return out;
}

unsigned char *uuid_bytes(const char *text, unsigned char out[UUID_BYTES])
{
    for (size_t i = 0; i < UUID_BYTES; i++) {
        text += dash_before(i);
        out[i] = (unsigned char)(utf8_hex_digit(text[0]) << 4 | utf8_hex_digit(text[1]));
        text += 2;
    }
    return out;
}

/* Sets version and variant (RFC 9562, section 4) and writes the text. */
static char *format(unsigned char bytes[UUID_BYTES], unsigned version, char out[UUID_SIZE])
{
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    return uuid_text(bytes, out);
}

char *uuid_v7(char out[UUID_SIZE])
{
    unsigned char bytes[UUID_BYTES];
    crypto_random(bytes, sizeof bytes);
    uint64_t ms = (uint64_t)(clock_now() / 1000);
    for (int i = 0; i < 6; i++) {
        bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
    }
    return format(bytes, 7, out);
}

char *uuid_v4(char out[UUID_SIZE])
{
    unsigned char bytes[UUID_BYTES];
    crypto_random(bytes, sizeof bytes);
    return format(bytes, 4, out);
}

static bool is_hex(char c)
{
    return (unsigned char)(c - '0') < 10 || (unsigned char)((c | 0x20) - 'a') < 6;
}

bool uuid_valid(const char *text)
{
    if (text == NULL) {
        return false;
    }
    for (size_t i = 0; i < UUID_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i])) {
            return false;
        }
    }
    return text[UUID_SIZE - 1] == '\0';
}
