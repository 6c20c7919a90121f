/* payment: the handlers of the payment service's routes and the shapes of what they read. */
#ifndef CGI_PAYMENT_PAYMENT_H
#define CGI_PAYMENT_PAYMENT_H

#include "common/serve/route.h"

/* POST /payments */
struct order_body {
    const char *reservation_id;
    int64_t amount;
    const char *method;
};
extern const struct shape order_body_shape;

/* POST /payments/confirm */
struct confirm_body {
    const char *reservation_id;
    const char *payment_id;
    const char *payment_key;
    const char *transaction_id;
    int64_t amount;
    const char *payment_token;
};
extern const struct shape confirm_body_shape;

request_handler payment_handle_order;
request_handler payment_handle_confirm;
request_handler payment_handle_webhook;
request_handler payment_handle_list;
request_handler payment_handle_detail;
request_handler payment_handle_of_reservation;

#endif
