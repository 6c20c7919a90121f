/* payment: reading payments (PAY-014, PAY-015). */
#ifndef PAYMENT_PAYMENT_H
#define PAYMENT_PAYMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"
#include "common/json/json.h"
#include "src/payment/payment_state.h"

struct payment {
    const char *id;
    const char *reservation_id;
    const char *schedule_id;
    const char *user_id;
    const char *payment_key; /* PortOne's paymentId */
    int64_t amount;          /* won */
    const char *method;      /* "CARD" */
    enum payment_status status;
    enum payment_question question;
    bool over;      /* the question has ended */
    int64_t checks; /* how often the question was asked */
    int64_t turn, nudges;
    int64_t hold_ends_at;
    const char *failure_reason; /* NULL unless FAILED */
    int64_t paid_at;            /* CLOCK_NONE until then, as all of these */
    int64_t refund_requested_at;
    const char *refund_reason;
    int64_t refunded_at;
    int64_t refunded_amount; /* won; 0 until something went back */
    const char *card_name;   /* NULL when not known */
    const char *card_number; /* masked; NULL when not known */
    int64_t created_at;
};

/* &err_not_found when there is none, also when it belongs to somebody else. */
BO_MUSTCHECK const struct err *payment_get_of(struct ctx *ctx, const char *user_id, const char *id,
                                              struct payment *payment_r);
/* Inside a transaction: nobody else changes it until the end of it. &err_not_found. */
BO_MUSTCHECK const struct err *payment_lock(struct ctx *ctx, const char *id, struct payment *payment_r);
/* The one that counts. &err_not_found when none was ordered. */
BO_MUSTCHECK const struct err *payment_of_reservation(struct ctx *ctx, const char *reservation_id,
                                                      struct payment *payment_r);
/* A user's payments, newest first: a list of struct payment and how many there are in all. */
BO_MUSTCHECK const struct err *payment_list(struct ctx *ctx, const char *user_id, int64_t page, int64_t size,
                                            struct json_list *list_r, int64_t *total_r);
/* A row of payment_columns (sql/payment.sql). */
void payment_read_row(const struct db_rows *rows, size_t row, struct payment *payment_r);

#endif
