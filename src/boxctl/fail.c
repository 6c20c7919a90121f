#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/boxctl/boxctl.h"

#define MESSAGE_SIZE 4096

enum boxctl_status boxctl_fail(const char *fmt, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    for (size_t len = strlen(message); len > 0 && message[len - 1] == '\n'; len--) {
        message[len - 1] = '\0'; /* servers end theirs with one */
    }
    fflush(stdout);
    fprintf(stderr, "boxctl: %s\n", message);
    return BOXCTL_FAILED;
}
