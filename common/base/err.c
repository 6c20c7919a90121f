#include "common/base/err.h"

ERR_COMMON_LIST(ERR_DEFINE)

const struct err *err_of_read(const struct err *e)
{
    return e == &err_uncertain ? &err_unavailable : e;
}

const struct err *err_after_commit(const struct err *e)
{
    return e && (e->flags & ERR_RETRY) ? &err_uncertain : e;
}
