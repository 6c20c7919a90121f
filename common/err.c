#include "common/err.h"

ERR_COMMON_LIST(ERR_DEFINE)
