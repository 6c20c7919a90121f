#include "src/user/user_errors.h"

#include <stddef.h>

ERR_USER_LIST(ERR_DEFINE)
