/*
 * decimal: whole numbers as text, for what is written on every request: printf costs ten times as much.
 */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_SIZE 21 /* of any int64_t, with sign and NUL */

/* Writes the number and a NUL; returns its length. */
size_t decimal_write(char out[DECIMAL_SIZE], int64_t number);

#endif
