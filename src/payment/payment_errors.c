#include "src/payment/payment_errors.h"

ERR_PAYMENT_LIST(ERR_DEFINE)
