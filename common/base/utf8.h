/* utf8: strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the code point at `at` (before `end`) and returns the place after it; NULL when malformed or cut off. */
const char *utf8_next(const char *at, const char *end, uint32_t *code_r);
/* True for C0 and C1 controls and DEL. */
bool utf8_is_control(uint32_t code);
/* 0-15, or -1 when `c` is no hexadecimal digit. */
int utf8_hex_digit(char c);
/* True when all `len` bytes are UTF-8 without controls: text that may go into logs, headers and stores. */
bool utf8_is_plain(const char *text, size_t len);

/* The code points of a text that is UTF-8. */
size_t utf8_count(const char *text);

#endif
