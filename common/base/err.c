#include "common/base/err.h"

ERR_COMMON_LIST(ERR_DEFINE)
