/* The traceparent and X-Trace-Id headers: whatever comes in, our own trace is well formed and is read back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/context/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *parent, const char *id)
{
    struct trace trace;
    struct trace next;
    char text[TRACE_PARENT_SIZE];
    trace_start(&trace, parent, id);
    if (strlen(trace.id) != 32 || strspn(trace.id, "0123456789abcdef") != 32 || strspn(trace.id, "0") == 32) {
        abort();
    }
    trace_start(&next, trace_parent(&trace, text), NULL);
    if (strcmp(next.id, trace.id) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    check(text, NULL);
    check(NULL, text);
    check(text, text);
    free(text);
    return 0;
}
