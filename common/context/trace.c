#include "common/context/trace.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"

#define ID_LEN (TRACE_ID_SIZE - 1)
#define SPAN_LEN (TRACE_SPAN_SIZE - 1)
#define PARENT_LEN (TRACE_PARENT_SIZE - 1)

enum { FLAG_SAMPLED = 0x01, FLAG_RANDOM = 0x02 };

static void random_hex(char *out, size_t digits)
{
    unsigned char bytes[16];
    crypto_random(bytes, sizeof bytes);
    for (size_t i = 0; i < digits; i++) {
        unsigned nibble = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 0x0f;
        out[i] = "0123456789abcdef"[nibble];
    }
    out[digits] = '\0';
}

/* `len` hex digits, lower case only. */
static bool is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdef") >= len;
}

static bool is_zero(const char *text, size_t len)
{
    return strspn(text, "0") >= len;
}

static unsigned hex_value(const char *two_digits)
{
    unsigned value = 0;
    sscanf(two_digits, "%2x", &value);
    return value;
}

/* version "-" trace-id "-" parent-id "-" flags; later versions may append "-..." */
static bool take_parent(struct trace *trace, const char *parent)
{
    if (strnlen(parent, PARENT_LEN) < PARENT_LEN || parent[2] != '-' || parent[35] != '-' || parent[52] != '-') {
        return false;
    }
    const char *id = parent + 3;
    const char *span = parent + 36;
    const char *flags = parent + 53;
    if (!is_hex(parent, 2) || !is_hex(id, ID_LEN) || !is_hex(span, SPAN_LEN) || !is_hex(flags, 2)) {
        return false;
    }
    bool ends_well = parent[PARENT_LEN] == '\0' || (parent[PARENT_LEN] == '-' && hex_value(parent) != 0);
    if (hex_value(parent) == 0xff || !ends_well || is_zero(id, ID_LEN) || is_zero(span, SPAN_LEN)) {
        return false;
    }
    memcpy(trace->id, id, ID_LEN);
    trace->flags = hex_value(flags) & (FLAG_SAMPLED | FLAG_RANDOM);
    return true;
}

static bool take_id(struct trace *trace, const char *text)
{
    char id[TRACE_ID_SIZE] = "";
    size_t len = 0;
    bool dashes = uuid_valid(text);
    for (; *text != '\0' && len < ID_LEN; text++) {
        if (!dashes || *text != '-') {
            id[len++] = (char)tolower((unsigned char)*text);
        }
    }
    if (*text != '\0' || len < ID_LEN || !is_hex(id, ID_LEN) || is_zero(id, ID_LEN)) {
        return false;
    }
    memcpy(trace->id, id, sizeof id);
    trace->flags = FLAG_SAMPLED;
    return true;
}

void trace_start(struct trace *trace, const char *traceparent, const char *trace_id)
{
    *trace = (struct trace){.flags = FLAG_SAMPLED | FLAG_RANDOM};
    bool taken =
        (traceparent != NULL && take_parent(trace, traceparent)) || (trace_id != NULL && take_id(trace, trace_id));
    if (!taken) {
        random_hex(trace->id, ID_LEN);
    }
}

/* Most work calls nobody, and random bytes are a system call: a span is made when there is somebody to tell. */
char *trace_parent(struct trace *trace, char out[TRACE_PARENT_SIZE])
{
    if (trace->span[0] == '\0') {
        random_hex(trace->span, SPAN_LEN);
    }
    snprintf(out, TRACE_PARENT_SIZE, "00-%s-%s-%02x", trace->id, trace->span, trace->flags & 0xff);
    return out;
}
