/*
 * json_scan: what json-c lets through although it is no JSON for us. Private to json.c.
 *
 * One pass over the bytes, token by token, before json-c sees them; grammar (which token may follow which) stays
 * json-c's business. Refused here: single quotes, NaN, Infinity, comments, control characters and NUL in strings (raw
 * or escaped as \u0000), lone surrogates, malformed UTF-8, integers beyond int64, numbers beyond double, too much
 * nesting.
 *
 * Duplicate keys cannot be seen here without decoding every key, and json-c drops them silently; so the pass counts the
 * members of the text, and the caller compares that with the members of the tree.
 */
#ifndef COMMON_JSON_SCAN_H
#define COMMON_JSON_SCAN_H

#include <stddef.h>

/* NULL when all tokens are good, and then *members_r is the number of "key: value" pairs in the whole text; else why
 * not, static. */
const char *json_scan(const char *text, size_t len, size_t *members_r);

#endif
