#include "common/json/page.h"

static const struct field page_fields[] = {
    {.name = "page", .type = FIELD_INT, .offset = offsetof(struct page, page), .max = PAGE_MAX},
    {.name = "size", .type = FIELD_INT, .offset = offsetof(struct page, size), .min = 1, .max = PAGE_SIZE_MAX},
};
const struct shape page_shape = {page_fields, sizeof page_fields / sizeof page_fields[0], sizeof(struct page), false};

struct page page_or_default(const struct page *asked)
{
    return (struct page){.page = asked->page == FIELD_NO_INT ? 0 : asked->page,
                         .size = asked->size == FIELD_NO_INT ? PAGE_SIZE_DEFAULT : asked->size};
}
