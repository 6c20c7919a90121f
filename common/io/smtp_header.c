#include "common/io/smtp_header.h"

#include <string.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/crypto/crypto.h"

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_ "
#define PLAIN_MAX 60  /* characters of a text that stays as it is: with its name it is one line */
#define WORD_BYTES 36 /* of text in an encoded word */
#define ENCODED_MAX (4 * SMTP_TEXT_MAX)

static bool is_plain(const char *text, size_t len)
{
    return len <= PLAIN_MAX && strspn(text, PLAIN) == len && text[0] != ' ' && text[len - 1] != ' ';
}

/* How much of the text fits into one word, in whole characters. */
static size_t word_len(const char *text, const char *end)
{
    const char *at = text;
    while (at < end) {
        uint32_t code;
        const char *next = utf8_next(at, end, &code);
        if (!next || next - text > WORD_BYTES) {
            break;
        }
        at = next;
    }
    return (size_t)(at - text);
}

const char *smtp_header_text(struct arena *arena, const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > SMTP_TEXT_MAX || !utf8_is_plain(text, len)) {
        return NULL;
    }
    if (is_plain(text, len)) {
        return text;
    }
    struct buf words;
    buf_init(&words, arena, ENCODED_MAX);
    const char *end = text + len;
    for (const char *at = text; at < end;) {
        size_t part = word_len(at, end);
        buf_printf(&words, "%s=?UTF-8?B?%s?=", at == text ? "" : "\r\n ", crypto_base64(arena, at, part));
        at += part;
    }
    return words.data;
}

bool smtp_header_address(const char *address)
{
    size_t len = strlen(address);
    const char *at = strchr(address, '@');
    if (len > SMTP_ADDRESS_MAX || !at || at == address || at[1] == '\0' || strchr(at + 1, '@')) {
        return false;
    }
    for (const char *c = address; *c; c++) {
        if (*c <= ' ' || *c > '~' || strchr("<>()[]\\,;:\"", *c)) {
            return false;
        }
    }
    return true;
}

const char *smtp_header_date(struct arena *arena, int64_t at)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(at / CLOCK_SECOND);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return arena_printf(arena, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                        tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
