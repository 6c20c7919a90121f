#include "src/reservation/expiry.h"

#include "common/io/db.h"
#include "sql/reservation.h"
#include "src/reservation/reservation.h"
#include "src/reservation/seat_mirror.h"

struct expiring {
    bool found;
    struct reservation reservation;
};

static const struct err *expire_oldest(struct ctx *ctx, void *arg)
{
    struct expiring *expiring = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(ctx, &sql_reservation_lock_lapsed, &rows);
    if (e) {
        return e;
    }
    expiring->found = db_count(rows) > 0;
    if (!expiring->found) {
        return NULL;
    }
    e = reservation_read_row(ctx, rows, 0, &expiring->reservation);
    return e ? e : reservation_cancel(ctx, &expiring->reservation, RESERVATION_ON_LAPSED, NULL);
}

const struct err *reservation_expire_holds(struct ctx *ctx, int64_t *released_r)
{
    for (*released_r = 0; *released_r < EXPIRY_BATCH; ++*released_r) {
        struct expiring expiring;
        const struct err *e = db_transact(ctx, expire_oldest, &expiring);
        if (e || !expiring.found) {
            return e;
        }
        expiring.reservation.status = RESERVATION_CANCELLED;
        seat_mirror_follow(ctx, &expiring.reservation);
    }
    return NULL;
}
