#include "common/json/page.h"

#include "common/base/array.h"

static const struct field page_fields[] = {
    {FIELD(struct page, "page", FIELD_INT, page), .max = PAGE_MAX},
    {FIELD(struct page, "size", FIELD_INT, size), .min = 1, .max = PAGE_SIZE_MAX},
};
const struct shape page_shape = {page_fields, ARRAY_COUNT(page_fields), sizeof(struct page), false};

struct page page_or_default(const struct page *asked)
{
    return (struct page){.page = asked->page == FIELD_NO_INT ? 0 : asked->page,
                         .size = asked->size == FIELD_NO_INT ? PAGE_SIZE_DEFAULT : asked->size};
}
