#include "src/reservation/reservation_errors.h"

ERR_RESERVATION_LIST(ERR_DEFINE)
