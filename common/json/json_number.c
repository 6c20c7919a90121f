#include "common/json/json_number.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 19       /* of int64_t */
#define EXPONENT_MAX 100000 /* beyond what the longest number could make up for */

/* Without the zeros in front and behind: `digits` times ten to the power of the result. */
static long significant(const char *text, char digits[JSON_NUMBER_MAX + 1])
{
    size_t len = 0;
    bool fraction = false;
    long power = 0;
    for (; *text && *text != 'e' && *text != 'E'; text++) {
        if (*text == '.') {
            fraction = true;
            continue;
        }
        power -= fraction;
        if (*text != '0' || len > 0) {
            digits[len++] = *text;
        }
    }
    while (len > 0 && digits[len - 1] == '0') {
        len--;
        power++;
    }
    digits[len] = '\0';
    long exponent = *text ? strtol(text + 1, NULL, 10) : 0;
    exponent = exponent > EXPONENT_MAX ? EXPONENT_MAX : exponent < -EXPONENT_MAX ? -EXPONENT_MAX : exponent;
    return power + exponent;
}

bool json_number_whole(const char *text, int64_t *whole_r)
{
    bool negative = *text == '-';
    char digits[JSON_NUMBER_MAX + 1];
    long power = significant(text + negative, digits);
    size_t len = strlen(digits);
    if (len > 0 && (power < 0 || power > DIGITS_MAX || len + (size_t)power > DIGITS_MAX)) {
        return false;
    }
    int64_t whole = 0;
    for (size_t i = 0; len > 0 && i < len + (size_t)power; i++) {
        int digit = i < len ? digits[i] - '0' : 0;
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, negative ? -digit : digit, &whole)) {
            return false;
        }
    }
    *whole_r = whole;
    return true;
}
