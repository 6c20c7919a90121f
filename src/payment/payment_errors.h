/* payment_errors: how payment refuses, beside what its providers and contracts report. Codes are those of
 * docs/openapi.yaml. */
#ifndef PAYMENT_PAYMENT_ERRORS_H
#define PAYMENT_PAYMENT_ERRORS_H

#include "common/base/err.h"

#define ERR_PAYMENT_LIST(X)                                                                      \
    X(payment_already_processed, "PAYMENT_ALREADY_PROCESSED", 409, 0, "이미 처리된 결제입니다.", \
      "This payment has an outcome already.")

ERR_PAYMENT_LIST(ERR_DECLARE)

#endif
