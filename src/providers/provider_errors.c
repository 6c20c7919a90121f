#include "src/providers/provider_errors.h"

ERR_PROVIDER_LIST(ERR_DEFINE)
