#include "common/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"

#define LINE_SIZE 8192
#define TAIL_SIZE 3                     /* what always has room: a quote, a brace, a newline */
#define MESSAGE_END (LINE_SIZE / 4 * 3) /* a long message leaves the rest to the fields */
#define FIELDS_END (LINE_SIZE - TAIL_SIZE)

struct line {
    char text[LINE_SIZE];
    size_t len;
};

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

static const char *program_name = "boxoffice";
static enum log_level least_level = LOG_LEVEL_INFO;

void log_init(const char *program, enum log_level least)
{
    program_name = program;
    least_level = least;
}

void log_field(struct log_ctx *ctx, const char *key, const char *value)
{
    if (value == NULL) {
        return;
    }
    int i = 0;
    while (i < ctx->count && strcmp(ctx->fields[i].key, key) != 0) {
        i++;
    }
    if (i == LOG_FIELDS_MAX) {
        return;
    }
    ctx->fields[i].key = key;
    ctx->fields[i].value = value;
    ctx->count = i == ctx->count ? i + 1 : ctx->count;
}

/* Writes the character at `at` as it stands in a JSON string to `out`; returns the place after it. */
static const char *escape(const char *at, const char *end, char out[8])
{
    uint32_t code;
    const char *next = utf8_next(at, end, &code);
    if (next == NULL) {
        snprintf(out, 8, "\\ufffd");
        return at + 1;
    }
    if (*at == '"' || *at == '\\') {
        snprintf(out, 8, "\\%c", *at);
    } else if (utf8_is_control(code)) {
        snprintf(out, 8, "\\u%04x", code & 0xff);
    } else {
        snprintf(out, 8, "%.*s", (int)(next - at), at);
    }
    return next;
}

/* Appends `text` escaped, as far as it fits before `limit`. */
static void add_escaped(struct line *line, const char *text, size_t limit)
{
    const char *end = text + strlen(text);
    while (text < end) {
        char piece[8];
        text = escape(text, end, piece);
        size_t len = strlen(piece);
        if (line->len + len > limit) {
            return;
        }
        memcpy(line->text + line->len, piece, len);
        line->len += len;
    }
}

static void add_fields(struct line *line, const struct log_ctx *ctx)
{
    for (; ctx != NULL; ctx = ctx->parent) {
        for (int i = 0; i < ctx->count; i++) {
            const char *key = ctx->fields[i].key;
            size_t frame = strlen(key) + strlen(",\"\":\"\"");
            if (line->len + frame > FIELDS_END) {
                return;
            }
            line->len += (size_t)snprintf(line->text + line->len, sizeof line->text - line->len, ",\"%s\":\"", key);
            add_escaped(line, ctx->fields[i].value, FIELDS_END - 1);
            line->text[line->len++] = '"';
        }
    }
}

static void write_line(enum log_level level, const struct log_ctx *ctx, const char *fmt, va_list args) BO_PRINTF(3, 0);

static void write_line(enum log_level level, const struct log_ctx *ctx, const char *fmt, va_list args)
{
    if (level < least_level) {
        return;
    }
    int saved_errno = errno;
    char message[LINE_SIZE];
    vsnprintf(message, sizeof message, fmt, args);
    char time[CLOCK_TEXT_SIZE];
    struct line line = {.len = 0};
    line.len = (size_t)snprintf(line.text, sizeof line.text, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%.64s\",",
                                clock_format_utc(clock_now(), time), level_names[level], program_name);
    line.len +=
        (size_t)snprintf(line.text + line.len, sizeof line.text - line.len, "\"pid\":%ld,\"msg\":\"", (long)getpid());
    add_escaped(&line, message, MESSAGE_END);
    line.text[line.len++] = '"';
    add_fields(&line, ctx);
    line.text[line.len++] = '}';
    line.text[line.len++] = '\n';
    /* One write, so that lines of several processes never mix; nobody can be told when it fails. */
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored;
    errno = saved_errno;
}

#define LOG_AT(level, ctx, fmt)                \
    do {                                       \
        va_list args;                          \
        va_start(args, fmt);                   \
        write_line((level), (ctx), fmt, args); \
        va_end(args);                          \
    } while (0)

void log_debug(const struct log_ctx *ctx, const char *fmt, ...)
{
    LOG_AT(LOG_LEVEL_DEBUG, ctx, fmt);
}

void log_info(const struct log_ctx *ctx, const char *fmt, ...)
{
    LOG_AT(LOG_LEVEL_INFO, ctx, fmt);
}

void log_warn(const struct log_ctx *ctx, const char *fmt, ...)
{
    LOG_AT(LOG_LEVEL_WARN, ctx, fmt);
}

void log_error(const struct log_ctx *ctx, const char *fmt, ...)
{
    LOG_AT(LOG_LEVEL_ERROR, ctx, fmt);
}

void log_fatal(const char *fmt, ...)
{
    LOG_AT(LOG_LEVEL_ERROR, NULL, fmt);
    exit(EXIT_FAILURE);
}

void log_panic(const char *fmt, ...)
{
    LOG_AT(LOG_LEVEL_ERROR, NULL, fmt);
    abort();
}
