/* json_number: whole numbers however they are written. Private to json.c and json_scan.c. */
#ifndef COMMON_JSON_NUMBER_H
#define COMMON_JSON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Is a JSON number of at most JSON_NUMBER_MAX characters ("150000.0", "15e4") whole, and in int64? Exact: no double
 * stands in between. */
#define JSON_NUMBER_MAX 64
bool json_number_whole(const char *text, int64_t *whole_r);

#endif
