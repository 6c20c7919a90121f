#include "src/reservation/expiry.h"

#include "common/db.h"
#include "src/reservation/reservation.h"
#include "src/reservation/reservation_sql.h"
#include "src/reservation/seat_mirror.h"

#define BATCH 200

struct batch {
    struct reservation reservations[BATCH];
    size_t count;
};

static const struct err *expire_batch(struct ctx *ctx, void *arg)
{
    struct batch *batch = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &reservation_stmt[RESERVATION_STMT_LOCK_LAPSED], &rows, DB_INT(BATCH));
    if (e) {
        return e;
    }
    batch->count = db_count(rows);
    for (size_t i = 0; i < batch->count; i++) {
        e = reservation_read_row(ctx, rows, i, &batch->reservations[i]);
        if (!e) {
            e = reservation_cancel(ctx, &batch->reservations[i], RESERVATION_ON_LAPSED, NULL);
        }
        if (e) {
            return e;
        }
        batch->reservations[i].status = RESERVATION_CANCELLED;
    }
    return NULL;
}

const struct err *reservation_expire_holds(struct ctx *ctx, int64_t *released_r)
{
    struct batch *batch = ARENA_NEW(ctx->arena, struct batch);
    const struct err *e = db_transact(ctx, expire_batch, batch);
    if (e) {
        return e;
    }
    for (size_t i = 0; i < batch->count; i++) {
        seat_mirror_follow(ctx, &batch->reservations[i]);
    }
    *released_r = (int64_t)batch->count;
    return NULL;
}
