#include <string.h>

#include "common/base/clock.h"
#include "common/json/json.h"

/* Nonzero for the bytes that must not stand in a string as they are; the letter is the short escape, 'u' the long. */
static const char escape_of[256] = {
    ['\0'] = 'u', [1] = 'u',    [2] = 'u',    [3] = 'u',    [4] = 'u',   [5] = 'u',     [6] = 'u',
    [7] = 'u',    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [11] = 'u',  ['\f'] = 'f',  ['\r'] = 'r',
    [14] = 'u',   [15] = 'u',   [16] = 'u',   [17] = 'u',   [18] = 'u',  [19] = 'u',    [20] = 'u',
    [21] = 'u',   [22] = 'u',   [23] = 'u',   [24] = 'u',   [25] = 'u',  [26] = 'u',    [27] = 'u',
    [28] = 'u',   [29] = 'u',   [30] = 'u',   [31] = 'u',   ['"'] = '"', ['\\'] = '\\',
};

static void write_escape(struct buf *buf, unsigned char byte)
{
    char escape = escape_of[byte];
    if (escape == 'u') {
        buf_printf(buf, "\\u%04x", byte);
    } else {
        buf_add(buf, (const char[]){'\\', escape}, 2);
    }
}

/* Copies runs of harmless bytes in one piece. */
static void write_string(struct buf *buf, const char *text)
{
    buf_char(buf, '"');
    for (;;) {
        const char *run = text;
        while (!escape_of[(unsigned char)*text]) {
            text++;
        }
        buf_add(buf, run, (size_t)(text - run));
        if (*text == '\0') {
            break;
        }
        write_escape(buf, (unsigned char)*text++);
    }
    buf_char(buf, '"');
}

/* What comes before any value: comma and key. */
static void begin_value(struct json_out *out, const char *key)
{
    if (out->comma) {
        buf_char(out->buf, ',');
    }
    out->comma = true;
    if (key) {
        write_string(out->buf, key);
        buf_char(out->buf, ':');
    }
}

void json_out_init(struct json_out *out, struct buf *buf)
{
    *out = (struct json_out){.buf = buf};
}

static void open_with(struct json_out *out, const char *key, char bracket)
{
    begin_value(out, key);
    buf_char(out->buf, bracket);
    out->comma = false;
}

static void close_with(struct json_out *out, char bracket)
{
    buf_char(out->buf, bracket);
    out->comma = true;
}

void json_open_object(struct json_out *out, const char *key)
{
    open_with(out, key, '{');
}

void json_close_object(struct json_out *out)
{
    close_with(out, '}');
}

void json_open_array(struct json_out *out, const char *key)
{
    open_with(out, key, '[');
}

void json_close_array(struct json_out *out)
{
    close_with(out, ']');
}

void json_add_raw(struct json_out *out, const char *key, const char *json)
{
    begin_value(out, key);
    buf_str(out->buf, json ? json : "null");
}

void json_add_str(struct json_out *out, const char *key, const char *value)
{
    if (!value) {
        json_add_null(out, key);
        return;
    }
    begin_value(out, key);
    write_string(out->buf, value);
}

void json_add_int(struct json_out *out, const char *key, int64_t value)
{
    begin_value(out, key);
    buf_int(out->buf, value);
}

void json_add_bool(struct json_out *out, const char *key, bool value)
{
    json_add_raw(out, key, value ? "true" : "false");
}

void json_add_null(struct json_out *out, const char *key)
{
    json_add_raw(out, key, "null");
}

void json_add_time(struct json_out *out, const char *key, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    json_add_str(out, key, at == CLOCK_NONE ? NULL : clock_format(at, text));
}

void json_add_exact_time(struct json_out *out, const char *key, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    json_add_str(out, key, at == CLOCK_NONE ? NULL : clock_format_exact(at, text));
}
