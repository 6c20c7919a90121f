/* capture: what is written to standard error, for tests of log lines. */
#ifndef TESTS_SUPPORT_CAPTURE_H
#define TESTS_SUPPORT_CAPTURE_H

#include <stddef.h>

/* What the last capture() has found; '\0' ends it. A pipe must hold it all: 64 KiB. */
extern char captured[4 * 8192];

/* Standard error goes to `captured` while fn() runs. Returns its length. */
size_t capture(void (*fn)(void));

#endif
