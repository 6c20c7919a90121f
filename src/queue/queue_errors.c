#include "src/queue/queue_errors.h"

#include <stddef.h>

ERR_QUEUE_LIST(ERR_DEFINE)
