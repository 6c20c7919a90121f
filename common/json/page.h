/* page: which part of a list is asked for, the same for every list of the API (?page&size). */
#ifndef COMMON_PAGE_H
#define COMMON_PAGE_H

#include <stdint.h>

#include "common/json/json.h"

#define PAGE_MAX INT64_C(1000000)
#define PAGE_SIZE_DEFAULT 20
#define PAGE_SIZE_MAX 100

struct page {
    int64_t page; /* from 0 */
    int64_t size;
};
extern const struct shape page_shape; /* ?page&size */

/* The same with defaults where nothing was asked for. */
struct page page_or_default(const struct page *asked);

#endif
