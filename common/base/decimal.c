#include "common/base/decimal.h"

#include <string.h>

size_t decimal_write(char out[DECIMAL_SIZE], int64_t number)
{
    char digits[DECIMAL_SIZE];
    char *first = digits + sizeof digits - 1;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    *first = '\0';
    do {
        *--first = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        *--first = '-';
    }
    size_t len = (size_t)(digits + sizeof digits - 1 - first);
    memcpy(out, first, len + 1);
    return len;
}
