#include "tests/support/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

char captured[4 * 8192];

size_t capture(void (*fn)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    fn();
    dup2(saved, STDERR_FILENO);
    close(saved);
    size_t len = 0;
    for (ssize_t n = 1; n > 0; len += (size_t)(n > 0 ? n : 0)) {
        n = read(ends[0], captured + len, sizeof captured - 1 - len);
    }
    close(ends[0]);
    captured[len] = '\0';
    return len;
}
