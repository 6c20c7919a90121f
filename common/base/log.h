/*
 * log: one JSON object per line on standard error.
 *
 * Every line carries time, level, program, pid, msg and the fields of its context chain (request -> process), with
 * control characters escaped. Messages start in lower case, have no full stop, and quote variable text: "bad 'foo'".
 * Never pass secrets, tokens, e-mail addresses, card data or SQL parameters. Lines are cut at 8 KiB.
 *
 * Severity is fate: debug, info; warn = going on; error = this request or message failed; log_fatal = the environment
 * is wrong, exit 1 after the line; log_panic = our bug, abort().
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/base/err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

#define LOG_FIELDS_MAX 8

/* Keys and values that every line of this context carries. Strings are borrowed and must outlive the context. */
struct log_ctx {
    const struct log_ctx *parent; /* or NULL */
    struct {
        const char *key;
        const char *value;
    } fields[LOG_FIELDS_MAX];
    int count;
};

/* Once at start: the program's name and the lowest level that is written. */
void log_init(const char *program, enum log_level least);
/* Adds a field; the value of an existing key is replaced; NULL values and a full table are ignored. */
void log_field(struct log_ctx *ctx, const char *key, const char *value);

/* `ctx` may be NULL in all of these. */
void log_debug(const struct log_ctx *ctx, const char *fmt, ...) BO_PRINTF(2, 3);
void log_info(const struct log_ctx *ctx, const char *fmt, ...) BO_PRINTF(2, 3);
void log_warn(const struct log_ctx *ctx, const char *fmt, ...) BO_PRINTF(2, 3);
void log_error(const struct log_ctx *ctx, const char *fmt, ...) BO_PRINTF(2, 3);
void log_fatal(const char *fmt, ...) BO_PRINTF(1, 2) __attribute__((noreturn));
void log_panic(const char *fmt, ...) BO_PRINTF(1, 2) __attribute__((noreturn));

#endif
