#include "src/payment/payment.h"

#include <string.h>

#include "sql/payment.h"

void payment_read_row(const struct db_rows *rows, size_t row, struct payment *payment_r)
{
    *payment_r = (struct payment){
        .id = db_str(rows, row, "id"),
        .reservation_id = db_str(rows, row, "reservation_id"),
        .schedule_id = db_str(rows, row, "schedule_id"),
        .user_id = db_str(rows, row, "user_id"),
        .payment_key = db_str(rows, row, "payment_key"),
        .amount = db_int(rows, row, "amount"),
        .method = db_str(rows, row, "method"),
        .status = payment_status_of(db_str(rows, row, "status")),
        .question = payment_question_of(db_str(rows, row, "question")),
        .over = db_bool(rows, row, "over"),
        .checks = db_int(rows, row, "checks"),
        .turn = db_int(rows, row, "turn"),
        .nudges = db_int(rows, row, "nudges"),
        .hold_ends_at = db_time(rows, row, "hold_ends_at"),
        .failure_reason = db_str(rows, row, "failure_reason"),
        .paid_at = db_time(rows, row, "paid_at"),
        .refund_requested_at = db_time(rows, row, "refund_requested_at"),
        .refund_reason = db_str(rows, row, "refund_reason"),
        .refunded_at = db_time(rows, row, "refunded_at"),
        .refunded_amount = db_int(rows, row, "refunded_amount"),
        .card_name = db_str(rows, row, "card_name"),
        .card_number = db_str(rows, row, "card_number"),
        .created_at = db_time(rows, row, "created_at"),
    };
}

static const struct err *read_one(struct ctx *ctx, const struct db_stmt *stmt, const char *id,
                                  struct payment *payment_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, stmt, &rows, DB_TEXT(id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_not_found;
    }
    payment_read_row(rows, 0, payment_r);
    return NULL;
}

const struct err *payment_get_of(struct ctx *ctx, const char *user_id, const char *id, struct payment *payment_r)
{
    struct payment payment;
    const struct err *e = read_one(ctx, &sql_payment_get, id, &payment);
    if (e) {
        return e;
    }
    if (strcmp(payment.user_id, user_id) != 0) {
        return &err_not_found;
    }
    *payment_r = payment;
    return NULL;
}

const struct err *payment_lock(struct ctx *ctx, const char *id, struct payment *payment_r)
{
    return read_one(ctx, &sql_payment_lock, id, payment_r);
}

const struct err *payment_of_reservation(struct ctx *ctx, const char *reservation_id, struct payment *payment_r)
{
    return read_one(ctx, &sql_payment_of_reservation, reservation_id, payment_r);
}

const struct err *payment_list(struct ctx *ctx, const char *user_id, int64_t page, int64_t size,
                               struct json_list *list_r, int64_t *total_r)
{
    const struct db_rows *counted, *rows;
    const struct err *e = DB_RUN(ctx, &sql_payment_count, &counted, DB_TEXT(user_id));
    e = e ? e : DB_RUN(ctx, &sql_payment_list, &rows, DB_TEXT(user_id), DB_INT(size), DB_INT(page * size));
    if (e) {
        return e;
    }
    struct payment *items = arena_calloc(ctx->arena, db_count(rows), sizeof *items);
    for (size_t i = 0; i < db_count(rows); i++) {
        payment_read_row(rows, i, &items[i]);
    }
    *list_r = (struct json_list){items, db_count(rows)};
    *total_r = db_int(counted, 0, "total");
    return NULL;
}
