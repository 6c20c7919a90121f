#include "src/payment/payment.h"

#include <string.h>

#include "src/payment/payment_sql.h"

void payment_read_row(const struct db_rows *rows, size_t row, struct payment *payment_r)
{
    *payment_r = (struct payment){
        .id = db_str(rows, row, 0),
        .reservation_id = db_str(rows, row, 1),
        .schedule_id = db_str(rows, row, 2),
        .user_id = db_str(rows, row, 3),
        .payment_key = db_str(rows, row, 4),
        .amount = db_int(rows, row, 5),
        .method = db_str(rows, row, 6),
        .status = payment_status_of(db_str(rows, row, 7)),
        .checks = db_int(rows, row, 8),
        .overdue = db_bool(rows, row, 9),
        .failure_reason = db_str(rows, row, 10),
        .paid_at = db_time(rows, row, 11),
        .refund_requested_at = db_time(rows, row, 12),
        .refund_reason = db_str(rows, row, 13),
        .refunded_at = db_time(rows, row, 14),
        .card_name = db_str(rows, row, 15),
        .card_number = db_str(rows, row, 16),
        .created_at = db_time(rows, row, 17),
    };
}

static const struct err *read_one(struct ctx *ctx, enum payment_stmt stmt, const char *id, struct payment *payment_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &payment_stmt[stmt], &rows, DB_TEXT(id));
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
    const struct err *e = read_one(ctx, PAYMENT_STMT_GET, id, &payment);
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
    return read_one(ctx, PAYMENT_STMT_LOCK, id, payment_r);
}

const struct err *payment_list(struct ctx *ctx, const char *user_id, int64_t page, int64_t size,
                               struct json_list *list_r, int64_t *total_r)
{
    const struct db_rows *counted, *rows;
    const struct err *e = DB_RUN(ctx, &payment_stmt[PAYMENT_STMT_COUNT], &counted, DB_TEXT(user_id));
    if (!e) {
        e = DB_RUN(ctx, &payment_stmt[PAYMENT_STMT_LIST], &rows, DB_TEXT(user_id), DB_INT(size), DB_INT(page * size));
    }
    if (e) {
        return e;
    }
    struct payment *items = arena_calloc(ctx->arena, db_count(rows), sizeof *items);
    for (size_t i = 0; i < db_count(rows); i++) {
        payment_read_row(rows, i, &items[i]);
    }
    *list_r = (struct json_list){items, db_count(rows)};
    *total_r = db_int(counted, 0, 0);
    return NULL;
}
