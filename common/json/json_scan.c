#include "common/json/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/utf8.h"
#include "common/json/json.h"
#include "common/json/json_number.h"

struct scan {
    const char *at;
    const char *end;
    const char *why; /* set once, by the first problem */
    size_t members;
    int depth;
};

static bool refuse(struct scan *scan, const char *why)
{
    scan->why = why;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads "\uXXXX" at scan->at. */
static bool escaped_unit(struct scan *scan, unsigned *unit_r)
{
    if (scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u') {
        return false;
    }
    unsigned unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = utf8_hex_digit(scan->at[i]);
        if (digit < 0) {
            return false;
        }
        unit = unit << 4 | (unsigned)digit;
    }
    scan->at += 6;
    *unit_r = unit;
    return true;
}

static bool scan_unicode_escape(struct scan *scan)
{
    unsigned unit, low;
    if (!escaped_unit(scan, &unit)) {
        return refuse(scan, "malformed \\u escape");
    }
    if (unit == 0) {
        return refuse(scan, "NUL character in a string");
    }
    if (unit >= 0xdc00 && unit <= 0xdfff) {
        return refuse(scan, "lone surrogate");
    }
    if (unit < 0xd800 || unit > 0xdbff) {
        return true;
    }
    if (!escaped_unit(scan, &low) || low < 0xdc00 || low > 0xdfff) {
        return refuse(scan, "lone surrogate");
    }
    return true;
}

static bool scan_escape(struct scan *scan)
{
    if (scan->end - scan->at < 2) {
        return refuse(scan, "unfinished string");
    }
    if (scan->at[1] == 'u') {
        return scan_unicode_escape(scan);
    }
    if (scan->at[1] == '\0' || !strchr("\"\\/bfnrt", scan->at[1])) {
        return refuse(scan, "unknown escape");
    }
    scan->at += 2;
    return true;
}

static bool scan_string(struct scan *scan)
{
    scan->at++;
    while (scan->at < scan->end) {
        if (*scan->at == '"') {
            scan->at++;
            return true;
        }
        if (*scan->at == '\\') {
            if (!scan_escape(scan)) {
                return false;
            }
            continue;
        }
        uint32_t code;
        const char *next = utf8_next(scan->at, scan->end, &code);
        if (!next) {
            return refuse(scan, "not UTF-8");
        }
        if (code < 0x20) {
            return refuse(scan, "control character in a string");
        }
        scan->at = next;
    }
    return refuse(scan, "unfinished string");
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? ; returns the end of it or NULL. */
static const char *number_end(const char *at, const char *end, bool *integer_r)
{
    *integer_r = true;
    if (at < end && *at == '-') {
        at++;
    }
    const char *digits = at;
    at = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at - digits > 1)) {
        return NULL;
    }
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        *integer_r = false;
        at = skip_digits(at, end);
        if (at == fraction) {
            return NULL;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        *integer_r = false;
        at++;
        if (at < end && (*at == '+' || *at == '-')) {
            at++;
        }
        const char *exponent = at;
        at = skip_digits(at, end);
        if (at == exponent) {
            return NULL;
        }
    }
    return at;
}

static bool scan_number(struct scan *scan)
{
    bool integer;
    const char *end = number_end(scan->at, scan->end, &integer);
    if (!end) {
        return refuse(scan, "malformed number");
    }
    char text[JSON_NUMBER_MAX + 1];
    size_t len = (size_t)(end - scan->at);
    if (len > JSON_NUMBER_MAX) {
        return refuse(scan, "number too long");
    }
    memcpy(text, scan->at, len);
    text[len] = '\0';
    scan->at = end;
    errno = 0;
    if (integer) {
        (void)strtoll(text, NULL, 10);
    }
    if (errno == ERANGE) {
        return refuse(scan, "integer out of range");
    }
    if (!integer && !isfinite(strtod(text, NULL))) {
        return refuse(scan, "number out of range");
    }
    return true;
}

static bool scan_word(struct scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(scan->end - scan->at) >= len && memcmp(scan->at, words[i], len) == 0) {
            scan->at += len;
            return true;
        }
    }
    return refuse(scan, "unexpected character");
}

static bool scan_mark(struct scan *scan)
{
    switch (*scan->at) {
    case '{':
    case '[':
        if (++scan->depth > JSON_DEPTH_MAX) {
            return refuse(scan, "nested too deep");
        }
        break;
    case '}':
    case ']':
        scan->depth--;
        break;
    case ':':
        scan->members++;
        break;
    }
    scan->at++;
    return true;
}

static bool scan_token(struct scan *scan)
{
    char c = *scan->at;
    if (c == '"') {
        return scan_string(scan);
    }
    if (c == '-' || is_digit(c)) {
        return scan_number(scan);
    }
    if (c != '\0' && strchr("{}[]:, \t\r\n", c)) {
        return scan_mark(scan);
    }
    return scan_word(scan);
}

const char *json_scan(const char *text, size_t len, size_t *members_r)
{
    struct scan scan = {.at = text, .end = text + len};
    while (scan.at < scan.end) {
        if (!scan_token(&scan)) {
            return scan.why;
        }
    }
    *members_r = scan.members;
    return NULL;
}
