#include "cgi-bin/payment/payment.h"
#include "src/contract/payment_api.h"
#include "src/payment/payment.h"

const struct err *payment_handle_of_reservation(struct request *rq, struct reply *rp)
{
    const struct payment_query *asked = rq->args;
    struct payment payment = {0};
    const struct err *e = payment_of_reservation(rq->ctx, asked->reservation_id, &payment);
    if (e && e != &err_not_found) {
        return e;
    }
    const struct payment_of answer = {asked->reservation_id, payment.id};
    json_add_shape(reply_json(rp, 200), NULL, &payment_of_shape, &answer);
    return NULL;
}
