/*
 * array: how many elements an array has.
 */
#ifndef COMMON_ARRAY_H
#define COMMON_ARRAY_H

/* Of an array whose size the compiler sees, never of a pointer. */
#define ARRAY_COUNT(array) (sizeof(array) / sizeof(array)[0])

#endif
