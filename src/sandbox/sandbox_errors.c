#include "src/sandbox/sandbox_errors.h"

ERR_SANDBOX_LIST(ERR_DEFINE)
