#include "src/event/event_errors.h"

ERR_EVENT_LIST(ERR_DEFINE)
